#!/usr/bin/env bash
# Shows what Footfall does, against a service of its own that is gone afterwards: on a free port, with an empty store
# in a temporary folder. Nothing outside the build directory and a temporary one is touched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/need.sh "make demo" cargo cc curl awk

echo "Building (some minutes the first time) …"
scripts/dashboard.sh
cargo build --release --locked --quiet --package footfall-server
binary=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/release/footfall
examples=$PWD/examples

work=$(mktemp -d)
server_pid=
stop() {
    status=$?
    trap - EXIT INT TERM
    if [[ -n $server_pid ]]; then
        kill "$server_pid" 2>/dev/null || true
        wait "$server_pid" 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$status"
}
trap stop EXIT INT TERM

# Only what is set here counts: not the caller's variables, nor a footfall.toml of the caller's directory.
for variable in $(compgen -e FOOTFALL__ || true); do unset "$variable"; done
cd "$work"
export FOOTFALL__SERVER__BIND=127.0.0.1:0 FOOTFALL__LOG__LEVEL=warn

start() {
    # Here and not only in the child: what the one before said must not be read.
    : >stdout
    "$binary" serve >stdout 2>stderr &
    server_pid=$!
    server=
    for _ in {1..100}; do
        server=$(sed -n 's/^listening on //p' stdout)
        [[ -n $server ]] && break
        if ! kill -0 "$server_pid" 2>/dev/null; then
            echo "the service did not start:" >&2
            cat stderr >&2
            exit 1
        fi
        sleep 0.1
    done
    [[ -n $server ]] || { echo "the service did not say where it listens" >&2; exit 1; }
    echo "Footfall is listening on $server"
}
start

# JSON on one line, or indented where that is longer than a line.
show() {
    awk '{
        if (length($0) <= 110) { print "    " $0; next }
        depth = 1; inside = 0; line = ""
        for (i = 1; i <= length($0); i++) {
            c = substr($0, i, 1)
            if (inside) {
                line = line c
                if (c == "\\") { i++; line = line substr($0, i, 1) } else if (c == "\"") inside = 0
            } else if (c == "\"") { inside = 1; line = line c }
            else if (c == "{" || c == "[") {
                # What fits on a line stays on it.
                rest = substr($0, i); close_at = match_end(rest)
                if (close_at > 0 && close_at <= 90) { line = line substr(rest, 1, close_at); i += close_at - 1 }
                else { print indent(depth) line c; line = ""; depth++ }
            }
            else if (c == "}" || c == "]") { if (line != "") print indent(depth) line; depth--; line = c }
            else if (c == ",") { print indent(depth) line c; line = "" }
            else line = line c
        }
        if (line != "") print indent(depth) line
    }
    function indent(depth,    text) { text = sprintf("%" (4 * depth) "s", ""); return text }
    # Where the bracket that the text starts with is closed.
    function match_end(text,    level, at, quoted, c) {
        for (at = 1; at <= length(text); at++) {
            c = substr(text, at, 1)
            if (quoted) { if (c == "\\") at++; else if (c == "\"") quoted = 0 }
            else if (c == "\"") quoted = 1
            else if (c == "{" || c == "[") level++
            else if ((c == "}" || c == "]") && --level == 0) return at
        }
        return 0
    }'
}

say() { printf '\n%s\n' "$1"; }

post() { # TITLE PATH CONTENT-TYPE BODY-OR-@FILE
    say "$1"
    echo "  POST $2"
    curl --silent --show-error "$server$2" -H "Content-Type: $3" --data-binary "$4" --write-out '\n%{http_code}\n' |
        awk 'NR > 1 { print last } { last = $0 } END { print "status " last }' | show
}

get() { # TITLE PATH
    say "$1"
    echo "  GET $2"
    { curl --silent --show-error "$server$2"; echo; } | show
}

json=application/json
day='from=2025-05-26T00:00:00Z&to=2025-05-27T00:00:00Z'

post "One event." /events $json "@$examples/event.json"
post "The same event again: it counts once." /events $json "@$examples/event.json"
post "An array of four, of which one is not valid." /events $json "@$examples/batch.json"
post "Four events as newline-delimited JSON." /events application/x-ndjson "@$examples/events.ndjson"
post "An event that is not valid: everything that is wrong with it is told at once." /events $json \
    '{"event_type": "page_view", "timestamp": "yesterday"}'
post "A visit, by its URL." /visits $json '{"visitor_id": "dee", "url": "https://shop.example/hats"}'

say "A site's access log of 40 lines, imported twice: the second run counts nothing again."
"$binary" import --server "$server" --site https://shop.example "$examples/access.log" | sed -n '1,3s/^/    /p'
echo
"$binary" import --server "$server" --site https://shop.example "$examples/access.log" | sed -n '1,3s/^/    /p'

get "How many different visitors a page had that day." \
    "/analytics/visitors?url=https://shop.example/shoes&$day"
get "The same for any range, exact to the microsecond." \
    "/analytics/visitors?url=https://shop.example/shoes&from=2025-05-26T10:06:31Z&to=2025-05-26T13:00:00.000001Z"
get "The three pages with the most visitors." "/analytics/pages?$day&limit=3"
get "A summary of one morning." "/analytics/summary?from=2025-05-26T08:00:00Z&to=2025-05-26T12:00:00Z"
get "Visitors by day, as a clock in Tokyo cuts them." \
    "/analytics/timeseries?metric=visitors&interval=day&from=2025-05-26T00:00:00Z&to=2025-05-26T18:00:00Z&timezone=Asia/Tokyo"

say "A mail domain: a delivery under a key, twice, and a bounce."
for told in delivered delivered bounced; do
    key=(); [[ $told == bounced ]] || key=(-H 'Idempotency-Key: 3f0d1c52-6a1e-4f0b-9d65-0c1b7a2e4d30')
    printf '  PUT /events/mail.example/%s: status ' "$told"
    curl --silent --show-error -X PUT "${key[@]}" "$server/events/mail.example/$told" --write-out '%{http_code}\n'
done
get "Is it catch-all? It has turned mail away." /domains/mail.example
post "What each user did in each 4-hour window that is over." /metrics/calculate $json ''
get "One user's activity." "/metrics/users?user_id=bob"
post "Users in segments: one valid, one not." /users $json \
    '[{"ID": "ann", "segment": "regulars", "expiredSegment": 4102444800}, {"ID": "", "segment": "regulars"}]'
post "The segments are counted now; the service does so every minute." /segments/refresh $json ''
get "How many users are in each." /segments/count

say "The service is killed (kill -9) and started again: what was acknowledged is there."
kill -9 "$server_pid"
wait "$server_pid" 2>/dev/null || true
start
get "The same question as before." "/analytics/visitors?url=https://shop.example/shoes&$day"
get "The users are still in their segment." /segments/regulars/count
post "The first event once more: it is still known." /events $json "@$examples/event.json"
say "Every figure is held to the log."
"$binary" verify --server "$server" 2>/dev/null | sed 's/^/    /'

say "That is all. The service of this demo is stopped now; \`make start\` starts one that stays."
