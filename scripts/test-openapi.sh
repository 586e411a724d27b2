#!/usr/bin/env bash
# Holds the service to its description (/openapi.json): validates the document, and has Schemathesis ask every operation, on each
# backend, without keys and with them. The services, a PostgreSQL and their files are the script's own, and gone afterwards.
# Usage: test-openapi.sh [BACKEND…]; by default all three. EXAMPLES: how many requests each operation gets from the generator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

backends=("$@")
((${#backends[@]} > 0)) || backends=(memory embedded postgres)
examples=${EXAMPLES:-15}
target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
binary=${FOOTFALL_BIN:-$target/debug/footfall}
settings=$PWD/scripts/openapi
python=$target/openapi/bin

# Made anew where what it should hold has changed.
if ! cmp -s "$settings/requirements.txt" "$target/openapi/requirements.txt"; then
    echo "Installing Schemathesis …"
    rm -rf "$target/openapi"
    python3 -m venv "$target/openapi"
    "$python/pip" install --quiet --disable-pip-version-check --requirement "$settings/requirements.txt"
    cp "$settings/requirements.txt" "$target/openapi/"
fi

work=$(mktemp -d)
started=()
stop() {
    status=$?
    trap - EXIT INT TERM
    stop_started
    rm -rf "$work"
    exit "$status"
}
stop_started() {
    local pid
    for pid in $(printf "%s\n" "${started[@]}" | tac); do
        kill -INT "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    started=()
}
trap stop EXIT INT TERM

# Only what is set here counts.
for variable in $(compgen -e FOOTFALL__ || true); do unset "$variable"; done
export FOOTFALL__SERVER__BIND=127.0.0.1:0 FOOTFALL__LOG__LEVEL=warn FOOTFALL__EVENTS__UNKNOWN_TYPES=accept
cd "$work"

# A PostgreSQL on a free port; `url` is an empty database of it.
start_postgres() {
    local bin as=() port
    bin=$(compgen -G "/usr/lib/postgresql/*/bin" | sort -V | tail -n 1 || true)
    bin=${bin:-$(dirname "$(command -v initdb)")}
    port=$("$python/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    mkdir "$work/postgres"
    if [[ $EUID == 0 ]]; then
        chmod 711 "$work"
        chown postgres "$work/postgres"
        as=(setpriv --reuid=postgres --regid=postgres --init-groups)
    fi
    cd "$work/postgres"
    "${as[@]}" "$bin/initdb" --pgdata data --username footfall --auth trust --no-sync >initdb.log 2>&1 || { cat initdb.log >&2; exit 1; }
    "${as[@]}" "$bin/postgres" -D data -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= >log 2>&1 &
    started+=($!)
    cd "$work"
    for _ in {1..100}; do
        "$bin/pg_isready" --quiet --host 127.0.0.1 --port "$port" --username footfall && break
        sleep 0.1
    done
    url=postgres://footfall@127.0.0.1:$port/postgres
}

# A service in a folder of its own; `server` is where it listens.
start_service() {
    local folder
    folder=$(mktemp -d "$work/service.XXXXXX")
    cd "$folder"
    : >stdout
    env "$@" "$binary" serve >stdout 2>stderr &
    started+=($!)
    server=
    for _ in {1..300}; do
        server=$(sed -n 's/^listening on //p' stdout)
        [[ -n $server ]] && break
        kill -0 "${started[-1]}" 2>/dev/null || { echo "the service did not start:" >&2; cat stderr >&2; exit 1; }
        sleep 0.1
    done
    [[ -n $server ]] || { echo "the service did not say where it listens" >&2; exit 1; }
    cd "$work"
}

# Only what was found wrong is printed. What Schemathesis keeps is in the folder that goes.
ask() { # TITLE OPTION…
    local title=$1
    shift
    if ! PYTHONPATH=$settings PYTHONDONTWRITEBYTECODE=1 "$python/st" --config-file "$settings/schemathesis.toml" run "$server/openapi.json" \
        --no-color --max-examples "$examples" "$@" >"$work/said" 2>&1; then
        cat "$work/said" >&2
        echo "$title: the service and its description differ" >&2
        exit 1
    fi
    printf '  %-34s%s\n' "$title" "$(sed -n 's/^ *\([0-9]* generated.*\)/\1/p' "$work/said")"
}

all_operations() { # TITLE OPTION…
    # Its answer has no end: of it only what is refused is asked for here; crates/server/tests/http asks for the rest.
    ask "$@" --exclude-path /events/stream
    ask "$@" --include-path /events/stream --phases coverage --mode negative --exclude-checks ignored_auth
}

for backend in "${backends[@]}"; do
    common=(FOOTFALL__STORAGE__BACKEND="$backend")
    for keys in without with; do
        settings_of=("${common[@]}")
        if [[ $backend == postgres ]]; then
            start_postgres
            settings_of+=(FOOTFALL__POSTGRES__URL="$url")
        fi
        [[ $keys == without ]] || settings_of+=(FOOTFALL__AUTH__KEYS="all:ingest+read+admin:secret")
        start_service "${settings_of[@]}"
        if [[ $backend == "${backends[0]}" && $keys == without ]]; then
            curl --silent --show-error --fail "$server/openapi.json" >document.json
            "$python/openapi-spec-validator" document.json >said 2>&1 || { cat said >&2; exit 1; }
            echo "The document is valid OpenAPI. The service is held to it (Schemathesis):"
        fi
        if [[ $keys == with ]]; then
            all_operations "$backend with keys" --header "Authorization: Bearer secret"
        else
            all_operations "$backend" --exclude-checks ignored_auth
        fi
        stop_started
        rm -rf "$work/postgres"
    done
done
