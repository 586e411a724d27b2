#!/bin/sh
# Writes the one user into memory, and goes on as PgBouncer.
set -eu
quoted() { printf '"%s"' "$(printf %s "$1" | sed 's/"/""/g')"; }
umask 077
echo "$(quoted "$POSTGRES_USER") $(quoted "$POSTGRES_PASSWORD")" >/run/pgbouncer/users
unset POSTGRES_PASSWORD
exec "$@"
