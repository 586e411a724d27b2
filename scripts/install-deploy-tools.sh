#!/usr/bin/env bash
# Installs what `make test-image` and `make test-deploy` use: a container engine, Compose, debootstrap for base images where no
# registry can be reached, systemd's own check of units, and Python for checkers that are in its package index. Only what is
# missing, from Debian's packages; nothing of it is started, now or at boot. Where it can't install, says in one line what is
# missing, and fails.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/packages.sh"

missing=()
[[ -x /usr/sbin/dockerd || -x /usr/bin/dockerd ]] || missing+=(docker.io)
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || missing+=(docker-compose)
[[ -x /usr/sbin/debootstrap ]] || missing+=(debootstrap)
[[ -x /usr/sbin/iptables ]] || missing+=(iptables)
command -v ip >/dev/null || missing+=(iproute2)
command -v curl >/dev/null || missing+=(curl)
command -v systemd-analyze >/dev/null || missing+=(systemd)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
((${#missing[@]} > 0)) || exit 0
as_root "what checks the deployment"
install_stopped
[[ " ${missing[*]} " != *" docker.io "* ]] || disable_services docker.service docker.socket containerd.service
