#!/usr/bin/env bash
# Says in one line which of the named programs are missing, and fails if any is. Usage: need.sh PURPOSE PROGRAM…
set -euo pipefail

purpose=$1
shift
missing=()
for program in "$@"; do
    command -v "$program" >/dev/null 2>&1 || missing+=("$program")
done
if ((${#missing[@]} > 0)); then
    echo "$purpose needs what is missing here: ${missing[*]} (cargo: https://rustup.rs; cargo-fmt, cargo-clippy: rustup component add rustfmt clippy; cc, curl: apt-get install gcc curl)" >&2
    exit 1
fi
