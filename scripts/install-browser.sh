#!/usr/bin/env bash
# Installs what the browser tests need: Chromium with real glyphs, and Node.js with npm. Only what is missing, from Debian's
# packages. Where it can't install, or the packages' Node.js is too old, says in one line what is missing, and fails.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
source "$here/lib/packages.sh"

missing=()
[[ -n ${CHROMIUM:-} || -x /usr/bin/chromium ]] || missing+=(chromium)
[[ -d /usr/share/fonts/truetype/liberation || -d /usr/share/fonts/truetype/liberation2 ]] || missing+=(fonts-liberation)
"$here/has-node.sh" || missing+=(nodejs)
((${#missing[@]} > 0)) || exit 0
as_root "what browser tests need"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly "$log" apt-get update -qq
if [[ " ${missing[*]} " == *" nodejs "* ]]; then
    candidate=$(apt-cache policy nodejs | sed -n 's/^ *Candidate: //p')
    if ! dpkg --compare-versions "${candidate:-0}" ge 20.19; then
        echo "missing Node.js 20.19 or newer, and Debian's package is ${candidate:-not there}: see https://nodejs.org/en/download" >&2
        exit 1
    fi
fi
quietly "$log" apt-get install -y -qq --no-install-recommends "${missing[@]}"
# Others' packages of Node.js bring npm, Debian's doesn't.
if ! command -v npm >/dev/null; then
    missing=(npm)
    quietly "$log" apt-get install -y -qq --no-install-recommends npm
fi
