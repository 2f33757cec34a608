#!/bin/sh
# Write the locks anew. They hold hashes and no address: each machine's pip knows its own index.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links --upgrade "$@"
}
compile pyproject.toml --extra airflow --group backend --group dev -o requirements-dev.lock
compile pyproject.toml --extra airflow --group backend -c requirements-dev.lock -o requirements.lock
compile --group contract-lint -o requirements-contract-lint.lock
compile --group infra-lint -o requirements-infra-lint.lock
if grep -n '://' requirements*.lock; then
    echo "a lock holds an address" >&2
    exit 1
fi
