#!/usr/bin/env bash
# Builds the dashboard's page for the binary that is built next. Where Node.js is missing, or building fails, says in one line
# that the page is left out, and goes on: the service needs none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! scripts/has-node.sh; then
    echo "The dashboard is left out: it needs Node.js 20.19 or newer with npm. With them, \`make dashboard\` and build again."
    exit 0
fi
make --no-print-directory dashboard >/dev/null 2>&1 ||
    echo "The dashboard is left out: it could not be built. \`make dashboard\` says why."
