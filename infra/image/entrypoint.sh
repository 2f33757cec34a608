#!/bin/sh
# Airflow's Helm chart starts its probes and jobs through /entrypoint, as the official image has one.
set -eu
exec "$@"
