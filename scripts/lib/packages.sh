# Installing Debian's packages, for the scripts beside this folder. They source it, fill `missing` and call these.

# Says in one line what is missing, and fails.
give_up() {
    echo "$1: apt-get install ${missing[*]}" >&2
    exit 1
}

# Goes on as root, or starts the script again as root. Usage: as_root WHAT, such as "services".
as_root() {
    command -v apt-get >/dev/null || give_up "missing $1, and no apt-get to install them; on Debian"
    if [[ $EUID != 0 ]]; then
        command -v sudo >/dev/null || give_up "missing $1, and neither root nor sudo to install them; as root"
        exec sudo "$(realpath "$0")"
    fi
}

# Runs apt-get, and shows what it says only where it fails. Usage: quietly LOG COMMAND…
quietly() {
    local log=$1
    shift
    DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 </dev/null || {
        tail -n 20 "$log" >&2
        give_up "the packages could not be installed"
    }
}

# Installs what is missing, and starts nothing of it: no service, and no cluster of Debian's own. Both for the time of the
# install only. Sets traps, so it comes last in a script.
install_stopped() {
    # A drop-in, so that the machine's configuration stays as it is.
    drop_in=/etc/postgresql-common/createcluster.d/footfall-tests.conf
    policy=/usr/sbin/policy-rc.d
    kept=$(mktemp -d)
    [[ ! -e $policy && ! -L $policy ]] || cp -a "$policy" "$kept/policy"
    trap restore EXIT INT TERM
    mkdir -p "${drop_in%/*}"
    echo "create_main_cluster = false" >"$drop_in"
    rm -f "$policy"
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    quietly "$kept/log" apt-get update -qq
    quietly "$kept/log" apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

restore() {
    status=$?
    trap - EXIT INT TERM
    rm -f "$drop_in" "$policy"
    rmdir --ignore-fail-on-non-empty "${drop_in%/*}"
    [[ ! -e $kept/policy && ! -L $kept/policy ]] || mv "$kept/policy" "$policy"
    rm -rf "$kept"
    exit "$status"
}

# Keeps what the packages enabled from starting at the next boot. Usage: disable_services SERVICE…
disable_services() {
    command -v systemctl >/dev/null || return 0
    local service
    for service in "$@"; do
        systemctl disable --quiet "$service" >/dev/null 2>&1 || true
    done
}
