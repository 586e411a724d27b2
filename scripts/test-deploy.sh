#!/usr/bin/env bash
# Holds what is in deploy/ to its tools: Compose, hadolint, Kubernetes' schemas, terraform fmt, systemd-analyze. What can be
# installed is (Debian's packages; checkers of the Python index into target/deploy-tools); the rest is named where it is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The oldest Kubernetes that the manifests are for, and the newest whose schemas there are.
kubernetes_versions=(1.31 1.37)
# Of 100, where systemd has 100 for a service that may do everything.
most_exposure=15

tools=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}/deploy-tools")
missing=()

install_tools() {
    scripts/install-deploy-tools.sh
    local requirements=scripts/deploy-requirements.txt
    cmp --silent "$requirements" "$tools/installed" && return
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
    cp "$requirements" "$tools/installed"
}

check_compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose config --quiet
    else
        docker-compose config --quiet
    fi
}

check_images() {
    "$tools/bin/hadolint" deploy/Dockerfile deploy/pgbouncer/Dockerfile
}

check_kubernetes() {
    local version files
    # Of Kubernetes' own kinds; kustomization.yaml is kubectl's.
    mapfile -t files < <(find deploy/kubernetes -name '*.yaml' ! -name kustomization.yaml | sort)
    for version in "${kubernetes_versions[@]}"; do
        "$tools/bin/kubernetes-validate" --strict --quiet --kubernetes-version "$version" "${files[@]}"
    done
    if command -v kubectl >/dev/null; then
        kubectl kustomize deploy/kubernetes >/dev/null
    else
        missing+=(kubectl)
    fi
}

# Its providers' schemas come from a registry: `terraform validate` is for where there is one.
check_terraform() {
    if command -v terraform >/dev/null; then
        terraform fmt -check -recursive -diff deploy/terraform
    else
        missing+=(terraform)
    fi
}

# A copy, whose program is there.
check_systemd() {
    local folder=$tools/unit
    mkdir -p "$folder"
    sed 's#/usr/local/bin/footfall#/bin/true#' deploy/systemd/footfall.service >"$folder/footfall.service"
    systemd-analyze verify "$folder/footfall.service"
    systemd-analyze security --offline=true --no-pager --threshold="$most_exposure" "$folder/footfall.service" | tail -n 1
}

install_tools
for check in compose images kubernetes terraform systemd; do
    "check_$check"
    echo "$check: checked"
done
((${#missing[@]} == 0)) || echo "Not checked, for they are missing here: ${missing[*]}."
