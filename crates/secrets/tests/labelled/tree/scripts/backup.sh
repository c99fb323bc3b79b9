#!/usr/bin/env bash
set -euo pipefail

HOST=backup.corp.example
export PGPASSWORD='Laub&Frosch_3'
MYSQL_PWD=$(pass show db/backup)
export RESTIC_PASSWORD_FILE=/etc/restic/password
TOKEN="${1:?token missing}"
read -rsp 'Passphrase: ' PASSPHRASE

pg_dump -h db01 -U backup ledger | gzip > /var/backup/ledger.sql.gz
mysqldump -u backup -p"$MYSQL_PWD" crm > /var/backup/crm.sql
mysqldump -u backup -pst3inbeisser legacy > /var/backup/legacy.sql
curl -fsS -u "monitor:Dr3i-Kaese-Hoch" https://"$HOST"/api/ping
curl -fsS -H "Authorization: Bearer $TOKEN" https://"$HOST"/api/done
curl -fsS -H 'X-Api-Key: rze77n50o2jcbqemgg1s3xqj8hxm' https://metrics.corp.example/push
sshpass -p "$SSH_PW" scp /var/backup/*.gz "$HOST":/in/
openssl enc -aes-256-cbc -pass pass:"$PASSPHRASE" -in a -out b
openssl rand -hex 32 > /etc/backup/key
echo "password unchanged" >&2
sha256sum -c <<< "eb75b044a8fe8b9e28ebd1049852b9dbc8a3e1bd460d86f0ec5ef73fa6724d6f  ledger.sql.gz"
