#!/bin/sh
# Deploys a version, tells which one is in service, or stops it: `service.sh deploy VERSION | version | stop`.
set -eu
live=$TIDE_LIVE
case $1 in
deploy)
    rm -rf "$live/next"
    mkdir -p "$live/next"
    cp -R "$TIDE_BUILT/$2/tide" "$live/next/"
    "$0" stop
    rm -rf "$live/current"
    mv "$live/next" "$live/current"
    # The service outlives the release: a session of its own. Its secrets never touch a disk in the clear.
    (cd "$live/current" && setsid -f "$TESTUDO" vault exec "$TIDE_SECRETS" -- python3 -m tide.app >"$live/out" 2>&1 </dev/null)
    for _ in $(seq 100); do
        [ "$("$0" version)" = "$2" ] && exit 0
        sleep 0.1
    done
    echo "version $2 does not answer" >&2
    exit 1
    ;;
version)
    curl -fsS --max-time 2 "http://127.0.0.1:$TIDE_PORT/version" 2>/dev/null | sed 's/.*: "\(.*\)".*/\1/' || true
    ;;
stop)
    [ -s "$TIDE_PID" ] && kill "$(cat "$TIDE_PID")" 2>/dev/null || true
    for _ in $(seq 50); do
        [ -z "$("$0" version)" ] && exit 0
        sleep 0.1
    done
    ;;
esac
