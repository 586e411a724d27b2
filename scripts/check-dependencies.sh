#!/usr/bin/env bash
# Holds the crates to their direction of dependency (docs/ARCHITECTURE.md, "The workspace"):
#   1. footfall-domain and footfall-ports depend on nothing but what scripts/allowed-dependencies.txt names;
#   2. each crate names only the workspace crates that its place allows, so that only footfall-server (and the
#      benchmarks, which ship with nothing) names an adapter;
#   3. the read models, the services, the import formats and the generated traffic know no runtime, no HTTP and no driver.
# Dependencies of tests alone are not looked at. Says everything that is wrong, and fails if anything is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

allowed_file=scripts/allowed-dependencies.txt
# One target for everyone, so that the answer doesn't depend on the machine.
target=x86_64-unknown-linux-gnu
problems=0

problem() {
    echo "dependency rule: $1" >&2
    problems=$((problems + 1))
}

# Names of what a crate depends on, itself left out. Usage: dependencies CRATE [DEPTH]. Called in assignments only: there
# a failure of cargo ends the script.
dependencies() {
    cargo tree --locked --package "$1" --edges normal --target "$target" --prefix none ${2:+--depth "$2"} |
        awk -v self="$1" '$1 != self && $1 != "" { print $1 }' | sort -u
}

# The names of a section of the allow-list.
allowed() {
    awk -v section="[$1]" '/^\[/ { inside = ($0 == section); next } inside && /^[^#]/ { print $1 }' "$allowed_file"
}

# Which workspace crates each crate may name. A crate that is not here has no place yet.
may_name() {
    case $1 in
        footfall-domain) ;;
        footfall-ports | footfall-read-models) echo footfall-domain ;;
        footfall-event-blocks) echo footfall-domain footfall-read-models ;;
        footfall-services | footfall-conformance) echo footfall-domain footfall-ports ;;
        footfall-http) echo footfall-dashboard footfall-domain footfall-ports footfall-services ;;
        footfall-traffic) echo footfall-domain ;;
        footfall-dashboard) ;;
        footfall-test-services | footfall-import-formats) ;;
        footfall-fuzzing) echo footfall-domain footfall-http footfall-import-formats footfall-ports footfall-services ;;
        footfall-server | footfall-bench) echo any ;;
        *) return 1 ;;
    esac
}

members=$(sed -n 's/^name = "\(footfall-[a-z-]*\)"$/\1/p' crates/*/Cargo.toml)
adapters=$(sed -n 's/^name = "\(footfall-[a-z-]*\)"$/\1/p' crates/adapters/*/Cargo.toml)

for crate in footfall-domain footfall-ports; do
    known=$({ allowed footfall-domain; allowed "$crate"; } | sort -u)
    found=$(dependencies "$crate")
    for name in $found; do
        grep -qxF "$name" <<<"$known" || problem "$crate depends on $name, which $allowed_file does not name"
    done
done

for crate in $members $adapters; do
    if grep -qxF "$crate" <<<"$adapters"; then
        may="footfall-domain footfall-ports footfall-read-models footfall-event-blocks"
    elif ! may=$(may_name "$crate"); then
        problem "$crate has no place in the direction of dependency: give it one in scripts/check-dependencies.sh"
        continue
    fi
    [[ $may == any ]] && continue
    found=$(dependencies "$crate" 1)
    for name in $found; do
        [[ $name != footfall-* || " $may " == *" $name "* ]] || problem "$crate names $name, but may name only: ${may:-no crate of the workspace}"
    done
done

for crate in footfall-read-models footfall-event-blocks footfall-import-formats footfall-services footfall-traffic; do
    found=$(dependencies "$crate")
    for name in $found; do
        case $name in
            actix* | awc* | tokio* | hyper* | reqwest* | sqlx* | *postgres* | redis* | rusqlite*)
                problem "$crate depends on $name: runtimes, HTTP and drivers belong to the shell and the adapters" ;;
        esac
    done
done

found=$(dependencies footfall-server 1)
if grep -qxF footfall-bench <<<"$found"; then
    problem "footfall-server names footfall-bench: benchmarks ship with nothing"
fi

if ((problems > 0)); then
    exit 1
fi
echo "dependency rule: kept"
