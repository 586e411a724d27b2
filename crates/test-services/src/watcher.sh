# Started beside each server, as `sh -c … watcher FOLDER`: ends the server and removes its folder once nobody holds the
# other end of our standard input, that is when the process that started the server has ended, in whatever way.
trap '' HUP INT QUIT TERM
while read -r line; do :; done

# Those whose command line has an argument that the file's expressions describe.
processes() {
    grep -alz -f "$1/processes" /proc/[0-9]*/cmdline 2>/dev/null | cut -d / -f 3
}

# Asked first, so that PostgreSQL leaves no shared memory behind; killed when they don't care, after 5 s.
tries=0
while found=$(processes "$1") && [ -n "$found" ] && [ "$tries" -lt 500 ]; do
    if [ "$tries" -gt 250 ]; then
        kill -s KILL $found
    elif [ "$((tries % 25))" -eq 0 ]; then
        kill -s QUIT $found
        kill -s CONT $found
    fi
    tries=$((tries + 1))
    sleep 0.02
done 2>/dev/null

# What a PostgreSQL that was killed leaves: the segment of System V that it keeps to be sure of being alone.
if [ -e "$1/data/postmaster.pid" ]; then
    ipcrm -m "$(sed -n 7p "$1/data/postmaster.pid" | awk '{ print $2 }')"
fi 2>/dev/null

# A process that is just ending may still write.
rm -rf "$1" || { sleep 1 && rm -rf "$1"; } || { sleep 5 && rm -rf "$1"; }
