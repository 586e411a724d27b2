#!/usr/bin/env bash
# Builds the image, starts the service of it with PostgreSQL behind PgBouncer and with Redis, by docker-compose.yml, and uses it.
# Takes the container engine that answers, else starts one of its own (as root, from Debian's packages) and stops it at the end.
# Where none can be started it says so in one line, and passes. Images stay in target/test-image, so that the next run is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/lib/engine.sh
source scripts/lib/base-images.sh

work=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}/test-image")
project=footfall-image-test
image=footfall:0.1.0
export FOOTFALL_PORT=0
own=no

say() { echo "[$((SECONDS / 60))m$(printf %02d $((SECONDS % 60)))s] $*"; }
fail() {
    compose logs --no-color --tail 30 >&2 2>/dev/null || true
    echo "test-image: $*" >&2
    exit 1
}
pass() {
    echo "The image is not tested: $1."
    exit 0
}

compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose --project-name "$project" "$@"
    else
        docker-compose --project-name "$project" "$@"
    fi
}

clean_up() {
    local status=$?
    trap - EXIT INT TERM
    if [[ $own == no || -n ${engine:-} ]]; then
        compose down --volumes --timeout 5 >/dev/null 2>&1 || true
    fi
    stop_engine
    rm -rf "${work:?}"/{tmp.*,debian,bin,run}
    exit "$status"
}

# An engine for what comes: the one that is there, or one of the test's own.
engine_for() {
    [[ $own == yes ]] || return 0
    stop_engine
    start_engine "$1" || pass "no container engine can be started here ($(tail -n 1 "$work/engine.log" | cut -c 1-200))"
}

find_engine() {
    if docker info >/dev/null 2>&1; then
        return
    fi
    [[ $EUID == 0 ]] || pass "no container engine answers, and to start one takes root"
    scripts/install-deploy-tools.sh
    own=yes
    mkdir -p "$work/bin"
    # A newer client than the engine may refuse it.
    [[ ! -x /usr/bin/docker ]] || ln -sf /usr/bin/docker "$work/bin/docker"
    export PATH=$work/bin:$PATH DOCKER_HOST=unix://$work/sock
    engine_for building
}

build_images() {
    local bases network=()
    mapfile -t bases < <(sed -n 's/^ARG [A-Z]*_IMAGE=//p' deploy/Dockerfile deploy/pgbouncer/Dockerfile)
    mapfile -t -O "${#bases[@]}" bases < <(sed -n 's/^    image: \(postgres:.*\|redis:.*\)/\1/p' docker-compose.yml)
    bring_images "${bases[@]}"
    say "the base images are there"
    [[ $own == no ]] || network=(--network host)
    docker build "${network[@]}" "${proxies[@]}" --file deploy/Dockerfile --tag "$image" . >"$work/build.log" 2>&1 ||
        { tail -n 40 "$work/build.log" >&2 && fail "the image could not be built"; }
    docker build "${network[@]}" "${proxies[@]}" --tag footfall-pgbouncer:0.1.0 deploy/pgbouncer >"$work/build.log" 2>&1 ||
        { tail -n 40 "$work/build.log" >&2 && fail "PgBouncer's image could not be built"; }
    say "the image is built: $(($(docker image inspect --format '{{.Size}}' "$image") / 1000000)) MB, of which $(binary_size) MB are the binary"
}

binary_size() {
    local container
    container=$(docker create "$image")
    docker cp "$container:/usr/local/bin/footfall" - | wc --bytes | awk '{ printf "%d", $1 / 1000000 }'
    docker rm "$container" >/dev/null
}

container() { compose ps --quiet footfall; }

# Fails unless something is what it should be. Usage: expect WHAT WANTED FOUND
expect() { [[ $3 == "$2" ]] || fail "$1: expected $2, found $3"; }

# Starts the service and what it needs, and waits until Docker finds it healthy.
start() {
    compose up --detach --no-build footfall >"$work/compose.log" 2>&1 || { cat "$work/compose.log" >&2 && fail "it doesn't start"; }
    local try
    for ((try = 0; try < 60; try++)); do
        [[ $(docker inspect --format '{{.State.Health.Status}}' "$(container)") != healthy ]] || break
        sleep 1
    done
    expect "its health" healthy "$(docker inspect --format '{{.State.Health.Status}}' "$(container)")"
    base=http://$(compose port footfall 8080)
}

ask() { from_inside curl --silent --show-error --fail --max-time 10 "$base$1" "${@:2}"; }

visitors() { ask '/analytics/visitors?url=https://shop.example/shoes'; }

# Sends the examples; again they are duplicates.
send_events() {
    local answer
    answer=$(ask /events --header 'Content-Type: application/x-ndjson' --data-binary @examples/events.ndjson)
    expect "the answer to events" "$1" "$answer"
}

# What the image promises, of the running container.
check_container() {
    local id
    id=$(container)
    expect "its user" 10001 "$(docker top "$id" -eo pid,uid | awk 'END { print $2 }')"
    ! docker exec "$id" footfall export --output /export.ndjson >/dev/null 2>&1 || fail "the root file system can be written to"
    docker exec "$id" footfall export --output /data/export.ndjson >/dev/null 2>&1 || fail "/data can't be written to"
    ask / | grep --quiet '<script type="module"' || fail "the dashboard's page is not in it"
}

# SIGTERM ends it by itself, well before Docker would kill it.
check_stop() {
    local id
    id=$(container)
    compose stop footfall >/dev/null 2>&1
    expect "its exit status after SIGTERM" 0 "$(docker inspect --format '{{.State.ExitCode}}' "$id")"
}

check_backend() {
    export FOOTFALL_BACKEND=$1
    start
    send_events '{"accepted":4,"duplicates":0,"rejected":0,"errors":[]}'
    send_events '{"accepted":0,"duplicates":4,"rejected":0,"errors":[]}'
    local figures
    figures=$(visitors)
    [[ $figures != *'"page_views":0}' ]] || fail "the events are not counted: $figures"
    check_container
    check_stop
    start
    expect "the figures after a stop" "$figures" "$(visitors)"
    docker kill --signal KILL "$(container)" >/dev/null
    compose stop postgres pgbouncer redis >/dev/null 2>&1
    start
    expect "the figures after a kill, and a restart of all" "$figures" "$(visitors)"
    say "$1: healthy, not root, read-only, stops, and keeps what it took: $figures"
}

mkdir -p "$work"
exec 9>"$work/lock"
flock --nonblock 9 || fail "another one is running"
trap clean_up EXIT
trap 'exit 1' INT TERM
find_engine
build_images
engine_for running
check_backend postgres
ask /health/ready | grep --quiet '"redis"' || fail "Redis is not among what it depends on"
check_backend embedded
say "done"
