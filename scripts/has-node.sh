#!/usr/bin/env bash
# Fails unless there is a Node.js that can build the dashboard, with npm.
command -v node >/dev/null && command -v npm >/dev/null &&
    node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'
