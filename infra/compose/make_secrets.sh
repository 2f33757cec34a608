#!/bin/sh
# Make the secrets that compose.yaml names, one file each, readable by this user only: make_secrets.sh [FOLDER]
# A secret that is there stays: run again, it only adds what is missing.
set -eu
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"

random() { head -c "$1" /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'; }
keep() { # NAME, and the content on standard input
    [ -s "$folder/$1" ] || cat >"$folder/$1"
    # Containers read it as user 50000, group 0; the folder stays closed to everybody else on this machine.
    chmod 444 "$folder/$1"
}

random 24 | keep postgres_password
random 24 | keep admin_password
random 32 | keep fernet_key
random 48 | keep api_secret_key
random 48 | keep jwt_secret
printf 'postgresql+psycopg2://airflow:%s@postgres:5432/airflow' "$(cat "$folder/postgres_password")" |
    keep database_url
if [ ! -s "$folder/s3_credentials" ]; then
    key=$(random 12)
    secret=$(random 30)
    printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$key" "$secret" |
        keep s3_credentials
    printf '{"identities": [{"name": "prefail", "credentials": [{"accessKey": "%s", "secretKey": "%s"}], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}\n' \
        "$key" "$secret" | keep s3_identities
fi
echo "prefail: secrets are in $folder; the password of the user admin is in admin_password"
