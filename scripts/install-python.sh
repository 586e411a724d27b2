#!/usr/bin/env bash
# Installs what `make test-openapi` needs of Python, where it is missing: 3.11 or newer, with venv. From Debian's packages. Where it
# can't install, says in one line what is missing, and fails.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/packages.sh"

is_there() {
    command -v python3 >/dev/null &&
        python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

is_there && exit 0
missing=(python3-venv)
as_root "what the test of the API's description needs"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly "$log" apt-get update -qq
quietly "$log" apt-get install -y -qq --no-install-recommends "${missing[@]}"
is_there || give_up "missing Python 3.11 or newer, and Debian's package is older; newer than"
