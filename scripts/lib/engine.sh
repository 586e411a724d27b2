# A container engine of the test's own, for test-image.sh, which sources this: in namespaces of its own, so that it ends with
# the script, however that ends, and takes its containers, mounts and networks along.
#
# Needs `work`, a folder that is there. Sets `engine`, the process to wait for, and `inside`, the one in the namespaces.

# Starts it. `building` shares the machine's network, for what a build step downloads, and has none for containers; `running` has
# one of its own, with nothing behind it. Fails where it can't start. Usage: start_engine building|running
start_engine() {
    local namespaces=(--mount --pid --fork --kill-child --mount-proc)
    local options=(--data-root "$work/data" --exec-root "$work/run" --pidfile "$work/pid" --host "unix://$work/sock"
        --cgroup-parent /footfall-test-image)
    if [[ $1 == running ]]; then
        namespaces+=(--net)
    else
        options+=(--bridge none --iptables=false)
    fi
    # Its configuration, keys and sockets aren't the machine's.
    local prepare='for folder in /etc/docker /run/containerd; do mkdir -p "$folder"; mount -t tmpfs footfall "$folder"; done
        ip link set lo up; exec dockerd "$@"'
    # What one that was killed left.
    sweep
    rm -rf "$work/run" "$work/pid" "$work/sock"
    setpriv --pdeathsig KILL unshare "${namespaces[@]}" -- sh -c "$prepare" sh "${options[@]}" >"$work/engine.log" 2>&1 &
    engine=$!
    local try
    for ((try = 0; try < 150; try++)); do
        if DOCKER_HOST=unix://$work/sock docker info >/dev/null 2>&1; then
            inside=$(<"/proc/$engine/task/$engine/children")
            inside=${inside%% *}
            return 0
        fi
        kill -0 "$engine" 2>/dev/null || break
        sleep 0.2
    done
    stop_engine
    return 1
}

# Stops it, and what it runs.
stop_engine() {
    [[ -n ${engine:-} ]] || return 0
    if [[ -n ${inside:-} ]]; then
        kill -TERM "$inside" 2>/dev/null || true
        local try
        for ((try = 0; try < 100; try++)); do
            kill -0 "$inside" 2>/dev/null || break
            sleep 0.2
        done
    fi
    kill -KILL "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
    engine='' inside=''
    sweep
}

# Removes the control groups of an engine that is gone.
sweep() {
    find /sys/fs/cgroup -depth -type d -path '*/footfall-test-image*' -exec rmdir {} + 2>/dev/null || true
}

# Runs a command in the network of what runs. Usage: from_inside COMMAND…
from_inside() {
    if [[ -n ${inside:-} ]]; then
        nsenter --net="/proc/$inside/ns/net" "$@"
    else
        "$@"
    fi
}
