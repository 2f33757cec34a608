#!/bin/sh
# Make a virtual environment what its lock says: environment.sh run|dev|contract-lint|infra-lint
#
# run            .venv from requirements.lock, with this project      (make demo, make up)
# dev            .venv from requirements-dev.lock, with this project  (make test, make check)
# contract-lint  .venv-contract-lint, alone: it pins a typer that Airflow refuses
# infra-lint     .venv-infra-lint, alone: checkov pins half a hundred packages
#
# Nothing is installed when the stamp says that the same locks were installed in the same place.
set -eu
cd "$(dirname "$0")/../.."

case "${1:-}" in
run) folder=.venv lock=requirements.lock stamps="run dev" ;;
dev) folder=.venv lock=requirements-dev.lock stamps="dev" ;;
contract-lint) folder=.venv-contract-lint lock=requirements-contract-lint.lock stamps="contract-lint" ;;
infra-lint) folder=.venv-infra-lint lock=requirements-infra-lint.lock stamps="infra-lint" ;;
*)
    echo "usage: environment.sh run|dev|contract-lint|infra-lint" >&2
    exit 2
    ;;
esac

say() { echo "prefail: $*"; }
fail() {
    echo "prefail: $*" >&2
    exit 1
}

# The folder is part of the stamp: scripts and the editable install hold its path.
state_of() {
    { cat "$1" pyproject.toml && pwd; } | sha256sum | cut -d' ' -f1
}

lock_of() {
    case "$1" in
    run) echo requirements.lock ;;
    *) echo "requirements-$1.lock" ;;
    esac
}

for stamp in $stamps; do
    # Everything of the run lock is in the dev lock, at the same version.
    if [ "$(cat "$folder/.prefail-$stamp" 2>/dev/null)" = "$(state_of "$(lock_of "$stamp")")" ] &&
        "$folder/bin/python" -c '' 2>/dev/null; then
        exit 0
    fi
done

is_right_python() {
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null
}

python=""
for candidate in python3.11 python3 python; do
    if is_right_python "$candidate"; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "no Python 3.11 found (python3 is: $(python3 --version 2>&1 || true)).
Debian 12: apt-get install python3 python3-venv. Ubuntu 22.04: apt-get install python3.11 python3.11-venv.
Then run the same command again."

# Debian and Ubuntu ship Python without the module that puts pip into an environment.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing python3.11-venv, which this Python lacks"
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y python3.11-venv; } >/dev/null ||
            fail "apt-get could not install python3.11-venv. Install it, then run the same command again."
    else
        fail "this Python can't make environments. Run: sudo apt-get install python3.11-venv
Then run the same command again."
    fi
fi

# A copied, moved or broken environment is made anew: its scripts name the old place.
made_at="$(cat "$folder/.prefail-made-at" 2>/dev/null || pwd)"
if ! is_right_python "$folder/bin/python" || [ "$made_at" != "$(pwd)" ]; then
    say "creating $folder"
    "$python" -m venv --clear "$folder"
fi
pwd >"$folder/.prefail-made-at"

pip() { "$folder/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }

say "installing $(grep -c '==' "$lock") packages of $lock into $folder (about a minute)"
# Twice quiet: errors only.
pip install -qq --no-deps --require-hashes -r "$lock" ||
    fail "pip could not install $lock; see its lines above. Run the same command again to go on."
if [ "$folder" = .venv ]; then
    pip install -qq --no-deps --no-build-isolation -e .
fi
state_of "$lock" >"$folder/.prefail-$1"
