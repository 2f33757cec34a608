#!/bin/sh
# Show this project in the Airflow UI: scheduler, API server, DAG processor and triggerer in this terminal.
# up.sh SETTINGS [PORT]   Ctrl-C ends all of them.
set -eu
cd "$(dirname "$0")/../.."
settings=$1
port=${2:-8080}

if "./.venv/bin/python" - "$port" <<'PYTHON'
import socket, sys
with socket.socket() as probe:
    sys.exit(probe.connect_ex(("127.0.0.1", int(sys.argv[1]))))
PYTHON
then
    echo "prefail: port $port is taken. Choose another: make up PORT=8081" >&2
    exit 1
fi

PATH="$PWD/.venv/bin:$PATH" # `airflow standalone` starts its parts by name
AIRFLOW_HOME="$PWD/.airflow"
AIRFLOW__CORE__DAGS_FOLDER="$PWD/dags"
AIRFLOW__CORE__LOAD_EXAMPLES=false
# These three belong together: tasks report to the API server under the third.
AIRFLOW__API__PORT=$port
AIRFLOW__API__BASE_URL="http://localhost:$port"
AIRFLOW__CORE__EXECUTION_API_SERVER_URL="http://localhost:$port/execution/"
PREFAIL_CONFIG=$settings
export PATH AIRFLOW_HOME AIRFLOW__CORE__DAGS_FOLDER AIRFLOW__CORE__LOAD_EXAMPLES AIRFLOW__API__PORT \
    AIRFLOW__API__BASE_URL AIRFLOW__CORE__EXECUTION_API_SERVER_URL PREFAIL_CONFIG
# Its configuration and password files are secrets.
umask 077
mkdir -p "$AIRFLOW_HOME"

cat <<TEXT
prefail: starting Airflow (half a minute; Ctrl-C stops it)
  address   http://localhost:$port
  user      admin
  password  in .airflow/simple_auth_manager_passwords.json.generated
  settings  $settings
  try       DAGs > Ingest a day > Backfill, over a few days; "Score a day" follows by itself
TEXT
exec airflow standalone
