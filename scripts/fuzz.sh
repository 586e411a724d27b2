#!/usr/bin/env bash
# Runs the fuzzers of fuzz/ one after the other. Usage: fuzz.sh SECONDS [TARGET…]; `fuzz.sh keep` takes what they found into
# fuzz/corpus, as few inputs as cover the same. Needs cargo-fuzz (cargo install cargo-fuzz --locked); the compiler is the
# one that builds everything else, told to allow what fuzzers need of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v cargo-fuzz >/dev/null || { echo "fuzzing needs cargo-fuzz: cargo install cargo-fuzz --locked" >&2; exit 1; }
export RUSTC_BOOTSTRAP=1

# The longest input in bytes: a little more than the longest that is taken, where that is short.
declare -A longest=([access_log]=4096 [csv]=4096 [cursor]=512 [domain]=2100 [events]=4096 [page_url]=8300)
# What they find, until it is kept; and what they were started with.
found=fuzz/target/corpus kept=fuzz/corpus

triple=$(rustc -vV | sed -n 's/^host: //p')

keep() {
    local target=$1 fresh
    fresh=$(mktemp -d fuzz/target/keep-XXXXXX)
    cargo fuzz build "$target"
    "fuzz/target/$triple/release/$target" -merge=1 "-max_len=${longest[$target]}" "$fresh" "$kept/$target" "$found/$target" 2>/dev/null
    rm -rf "${kept:?}/$target"
    mv "$fresh" "$kept/$target"
    chmod 755 "$kept/$target"
    echo "$target: $(find "$kept/$target" -type f | wc -l) inputs, $(du -sb "$kept/$target" | cut -f1) bytes"
}

run() {
    local target=$1 seconds=$2
    mkdir -p "$found/$target"
    cargo fuzz run "$target" "$found/$target" "$kept/$target" -- \
        "-max_total_time=$seconds" "-max_len=${longest[$target]}" -timeout=10 -print_final_stats=1
}

what=${1:?usage: fuzz.sh SECONDS|keep [TARGET…]}
shift
targets=("$@")
((${#targets[@]} > 0)) || targets=(access_log csv cursor domain events page_url)
for target in "${targets[@]}"; do
    mkdir -p "$found/$target"
    if [[ $what == keep ]]; then keep "$target"; else run "$target" "$what"; fi
done
