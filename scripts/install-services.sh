#!/usr/bin/env bash
# Installs the services that tests and benchmarks start for themselves: PostgreSQL, PgBouncer, Redis, Prometheus, and openssl
# for their certificates. Only what is missing, from Debian's packages; nothing of it is started, now or at boot. Where it can't
# install, says in one line what is missing, and fails.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/packages.sh"

missing=()
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
[[ -x /usr/sbin/pgbouncer ]] || command -v pgbouncer >/dev/null || missing+=(pgbouncer)
command -v redis-server >/dev/null || missing+=(redis-server)
{ command -v prometheus && command -v promtool; } >/dev/null || missing+=(prometheus)
command -v openssl >/dev/null || missing+=(openssl)
# As root the servers run as the user that Debian's package makes.
if [[ $EUID == 0 && " ${missing[*]} " != *" postgresql "* ]]; then
    id postgres >/dev/null 2>&1 || missing+=(postgresql)
fi
((${#missing[@]} > 0)) || exit 0
as_root services

# No cluster of Debian's own (a drop-in, so that the machine's configuration stays as it is), and no service: both for
# the time of the install only.
drop_in=/etc/postgresql-common/createcluster.d/footfall-tests.conf
policy=/usr/sbin/policy-rc.d
kept=$(mktemp -d)
restore() {
    status=$?
    trap - EXIT INT TERM
    rm -f "$drop_in" "$policy"
    rmdir --ignore-fail-on-non-empty "${drop_in%/*}"
    [[ ! -e $kept/policy && ! -L $kept/policy ]] || mv "$kept/policy" "$policy"
    rm -rf "$kept"
    exit "$status"
}
[[ ! -e $policy && ! -L $policy ]] || cp -a "$policy" "$kept/policy"
trap restore EXIT INT TERM
mkdir -p "${drop_in%/*}"
echo "create_main_cluster = false" >"$drop_in"
rm -f "$policy"
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

quietly "$kept/log" apt-get update -qq
quietly "$kept/log" apt-get install -y -qq --no-install-recommends "${missing[@]}"

# The packages enable their services for the next boot: without a cluster PostgreSQL's does nothing, the others' do.
for service in pgbouncer redis-server prometheus; do
    if [[ " ${missing[*]} " == *" $service "* ]] && command -v systemctl >/dev/null; then
        systemctl disable --quiet "$service" >/dev/null 2>&1 || true
    fi
done
