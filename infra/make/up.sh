#!/bin/sh
# Show this project in the Airflow UI: scheduler, API server, DAG processor and triggerer, on this machine only.
# up.sh SETTINGS [PORT]   Ctrl-C ends all of them.
set -eu
cd "$(dirname "$0")/../.."
settings=$1
port=${2:-8080}

fail() {
    echo "prefail: $*" >&2
    exit 1
}
answers() { ./.venv/bin/python -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null; }

# Its configuration and password files are secrets.
umask 077
mkdir -p .airflow
exec 9>.airflow/up.lock
flock -n 9 || fail "Airflow is already up in this checkout; its address is in the other terminal."
! answers || fail "port $port is taken. Choose another: make up PORT=8081"

export PATH="$PWD/.venv/bin:$PATH" # `airflow standalone` starts its parts by name
export AIRFLOW_HOME="$PWD/.airflow"
export AIRFLOW__CORE__DAGS_FOLDER="$PWD/dags"
export AIRFLOW__CORE__LOAD_EXAMPLES=false
export AIRFLOW__CORE__PARALLELISM=4 # the default starts 32 workers
export AIRFLOW__API__HOST=127.0.0.1
# These three belong together: tasks report to the API server under the third.
export AIRFLOW__API__PORT="$port"
export AIRFLOW__API__BASE_URL="http://localhost:$port"
export AIRFLOW__CORE__EXECUTION_API_SERVER_URL="http://localhost:$port/execution/"
export PREFAIL_CONFIG="$settings"

echo "prefail: starting Airflow (half a minute; its output goes to .airflow/up.log)"
# In a session of its own, so that one signal reaches every part.
setsid airflow standalone >.airflow/up.log 2>&1 &
airflow=$!
stop() {
    trap - INT TERM EXIT
    echo "prefail: stopping Airflow"
    kill -TERM "-$airflow" 2>/dev/null || true
    wait "$airflow" 2>/dev/null || true
    # Its parts outlive the leader, some for good; one that is left holds the port.
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        kill -0 "-$airflow" 2>/dev/null || break
        sleep 1
    done
    kill -KILL "-$airflow" 2>/dev/null || true
}
trap 'stop; exit 0' INT TERM
trap stop EXIT
until answers; do
    kill -0 "$airflow" 2>/dev/null || fail "Airflow ended; the end of .airflow/up.log says why."
    sleep 1
done

cat <<TEXT
prefail: Airflow is up; Ctrl-C stops it
  address   http://localhost:$port
  user      admin
  password  in .airflow/simple_auth_manager_passwords.json.generated
  settings  $settings
  try       Backfill "Ingest a day" over the last days, then switch it on: it delivers yesterday now
            and each midnight (UTC); "Score a day" follows by itself
TEXT
wait "$airflow"
