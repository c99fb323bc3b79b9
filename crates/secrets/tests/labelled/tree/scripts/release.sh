#!/bin/sh
set -eu
deploytool push --password Bruch.wasser_6 --env prod
deploytool push --password "$DEPLOY_PASSWORD"
deploytool push --password-file /run/secrets/deploy
deploytool login --token d81c4f0be2a97736c5e0 --registry registry.example
deploytool login --token TOKEN
update_password=always
show_password=never
export RELAY_PASS="${RELAY_PASS:-Moos-Flechte.27}"
export RELAY_URL="smtp://relay:Gimpel.Nest_8@relay.corp.example:587"
export DOCS_URL="https://user:password@docs.example/"
openssl passwd -6 -stdin < /run/secrets/root
sha256sum -c release.sha256 # password-list.txt
