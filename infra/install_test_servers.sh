#!/bin/sh
# Install the servers and the browser that tests start for themselves, from the distribution, once.
# Every name here is a Debian package; a test that needs a server fails without it, it is never skipped.
set -eu

packages="prometheus openipmi ipmitool request-tracker5 rt5-db-sqlite rt5-standalone systemd-journal-remote
    postgresql redis-server chromium"

missing=""
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "prefail: the tests need servers. Run: sudo apt-get install$missing" >&2
    exit 1
fi
echo "prefail: installing test servers:$missing"
apt-get update >/dev/null
# shellcheck disable=SC2086 # a list of names on purpose
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >/dev/null
