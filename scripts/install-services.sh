#!/usr/bin/env bash
# Installs the services that tests and benchmarks start for themselves: PostgreSQL, PgBouncer, Redis, HAProxy, Prometheus,
# and openssl for their certificates. Only what is missing, from Debian's packages; nothing of it is started, now or at boot. Where it can't
# install, says in one line what is missing, and fails.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/packages.sh"

missing=()
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
[[ -x /usr/sbin/pgbouncer ]] || command -v pgbouncer >/dev/null || missing+=(pgbouncer)
command -v redis-server >/dev/null || missing+=(redis-server)
{ command -v prometheus && command -v promtool; } >/dev/null || missing+=(prometheus)
[[ -x /usr/sbin/haproxy ]] || command -v haproxy >/dev/null || missing+=(haproxy)
command -v openssl >/dev/null || missing+=(openssl)
# As root the servers run as the user that Debian's package makes.
if [[ $EUID == 0 && " ${missing[*]} " != *" postgresql "* ]]; then
    id postgres >/dev/null 2>&1 || missing+=(postgresql)
fi
((${#missing[@]} > 0)) || exit 0
as_root services

install_stopped

# The packages enable their services for the next boot: without a cluster PostgreSQL's does nothing, the others' do.
for service in pgbouncer redis-server haproxy prometheus; do
    [[ " ${missing[*]} " != *" $service "* ]] || disable_services "$service"
done
