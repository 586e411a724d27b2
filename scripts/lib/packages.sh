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
