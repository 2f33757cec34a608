#!/usr/bin/env bash
# start.sh DIR PORT: a Request Tracker 5 of its own: SQLite, no mail, no web server, no system service.
set -euo pipefail
folder=$1 port=$2 here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"/{conf.d,session,mason}
cat >"$folder/RT_SiteConfig.pm" <<PM
Set(\$rtname, 'test.invalid'); Set(\$Organization, 'test.invalid'); Set(\$Timezone, 'UTC');
Set(\$DatabaseType, 'SQLite'); Set(\$DatabaseName, '$folder/rt.sqlite'); Set(\$DatabaseHost, '');
Set(\$DatabaseUser, ''); Set(\$DatabasePassword, '');
Set(\$WebDomain, '127.0.0.1'); Set(\$WebPort, $port); Set(\$WebPath, '');
Set(\$MailCommand, 'testfile'); Set(\$LogToSyslog, undef); Set(\$LogToSTDERR, 'warning'); Set(\$LogToFile, undef);
Set(\$CorrespondAddress, 'rt\@test.invalid'); Set(\$CommentAddress, 'c\@test.invalid');
Set(\$WebSessionClass, 'Apache::Session::File'); Set(\$MasonSessionDir, '$folder/session'); Set(\$MasonDataDir, '$folder/mason');
1;
PM
export RT_SITE_CONFIG=$folder/RT_SiteConfig.pm RT_SITE_CONFIG_DIR=$folder/conf.d
rt-setup-database-5 --action init --skip-create >"$folder/setup.log" 2>&1
perl "$here/../../../infra/request_tracker_queue.pl" Hardware 2>>"$folder/setup.log"
perl "$here/seed.pl" 2>>"$folder/setup.log" >"$folder/tokens.json"
exec /usr/share/request-tracker5/libexec/rt-server --port "$port" --host 127.0.0.1
