#!/usr/bin/env bash
# Measures layouts that the postgres backend could have: how many events a second a database takes, over two connections in
# transactions of 5,000, with rows made by the database itself (docs/adr/0010-postgres.md has the figures).
# Usage: bench-schema.sh URL-OF-AN-EMPTY-DATABASE. It makes tables named bench_* there, and drops them.
set -euo pipefail

url=${1:?the URL of an empty database}
"$(dirname "${BASH_SOURCE[0]}")/need.sh" "make bench-schema" psql awk
rounds=60 size=5000
properties="'{\"page\":\"https://shop.example.com/products/0001\",\"referrer\":\"https://www.example.org/search\",\"title\":\"Espresso machines\",\"screen\":\"1920x1080\"}'"
new="SELECT gen_random_uuid() AS id, n FROM generate_series(1, $size) AS n"
row="now(), 'page_view', 'user-' || (random() * 1000000)::integer, $properties"
batch=$(mktemp)
clear="DROP TABLE IF EXISTS bench_ids, bench_events, bench_blocks"
trap 'rm -f "$batch"; psql -XAtq "$url" -c "$clear" 2>/dev/null' EXIT

measure() { # WHAT TABLES STATEMENT
    psql -XAtq "$url" -c "$clear" -c "$2" 2>/dev/null
    for ((round = 0; round < rounds; round++)); do echo "$3;"; done >"$batch"
    local began=$EPOCHREALTIME
    psql -XAtq "$url" -f "$batch" >/dev/null &
    psql -XAtq "$url" -f "$batch" >/dev/null
    wait
    awk -v what="$1" -v events=$((2 * rounds * size)) -v seconds="$(awk "BEGIN { print $EPOCHREALTIME - $began }")" \
        'BEGIN { printf "%9d events/s  %s\n", events / seconds, what }'
}

ids="CREATE TABLE bench_ids (id uuid PRIMARY KEY, position bigint, at bigint)"
events="CREATE TABLE bench_events (id uuid PRIMARY KEY, at timestamptz, event_type text, user_id text, properties text)"
insert="INSERT INTO bench_events SELECT id, $row FROM ($new) AS event ON CONFLICT DO NOTHING"
measure "identities, and blocks of 500 events in 27 KB (as built)" \
    "$ids; CREATE TABLE bench_blocks (first bigserial PRIMARY KEY, value bytea); ALTER TABLE bench_blocks ALTER value SET STORAGE EXTERNAL" \
    "WITH event AS ($new ORDER BY 1), known AS (INSERT INTO bench_ids SELECT id, n, n FROM event)
     INSERT INTO bench_blocks (value) SELECT decode(repeat('5a', 27500), 'hex') FROM generate_series(1, 10)"
measure "identities, and rows by a sequence beside them" \
    "$ids; CREATE TABLE bench_events (position bigserial PRIMARY KEY, id uuid, at timestamptz, event_type text, user_id text, properties text)" \
    "WITH event AS ($new ORDER BY 1), known AS (INSERT INTO bench_ids SELECT id, n, n FROM event)
     INSERT INTO bench_events (id, at, event_type, user_id, properties) SELECT id, $row FROM event"
measure "a row for each event with a UUID key" "$events" "$insert"
measure "the same, with an index on user and time" "$events; CREATE INDEX ON bench_events (user_id, at)" "$insert"
measure "the same, with one on type and time too" \
    "$events; CREATE INDEX ON bench_events (user_id, at); CREATE INDEX ON bench_events (event_type, at)" "$insert"
