# Base images, for test-image.sh, which sources this. Where their registry can be reached they are pulled; else stand-ins are made
# under their names: Debian by debootstrap, on it what the image is for, from Debian's packages or from this machine.
#
# Needs `work`, a folder that is there, and an engine.

plain=footfall-test-image/debian

# Sees to it that the named images are there. Usage: bring_images NAME…
bring_images() {
    local image reachable=yes
    for image in "$@"; do
        docker image inspect "$image" >/dev/null 2>&1 && continue
        if [[ $reachable == yes ]] && timeout 300 docker pull --quiet "$image" >/dev/null 2>&1; then
            continue
        fi
        reachable=no
        echo "$image can't be pulled: a stand-in of Debian's packages"
        make_image "$image" >"$work/image.log" 2>&1 || {
            tail -n 20 "$work/image.log" >&2
            echo "the stand-in for $image could not be made" >&2
            return 1
        }
    done
}

# Makes a stand-in. Usage: make_image NAME
make_image() {
    docker image inspect "$plain" >/dev/null 2>&1 || make_plain
    case $1 in
    debian:*) docker tag "$plain" "$1" ;;
    rust:*) rust_image "$1" ;;
    node:*) node_image "$1" ;;
    gcr.io/distroless/cc-*) runtime_image "$1" ;;
    postgres:*) postgres_image "$1" ;;
    redis:*) redis_image "$1" ;;
    *) echo "there is no stand-in for $1" && return 1 ;;
    esac
}

# Debian, from where this machine has its own, with the authorities and the proxy that this machine trusts.
make_plain() {
    local root=$work/debian mirror
    mirror=$(apt-get indextargets --format '$(SITE)' 'Origin: Debian' 2>/dev/null | head -n 1)
    rm -rf "$root"
    debootstrap --variant=minbase --include=ca-certificates trixie "$root" "${mirror:-http://deb.debian.org/debian}" || return
    apt-config dump Acquire::http::Proxy >"$root/etc/apt/apt.conf.d/90proxy" || return
    echo 'APT::Install-Recommends "false";' >"$root/etc/apt/apt.conf.d/90lean"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt" || return
    tar --create --directory "$root" --exclude './var/cache/apt/*' --exclude './usr/share/doc/*' --exclude './usr/share/locale/*' . |
        docker import --change 'CMD ["bash"]' - "$plain" || return
    rm -rf "$root"
}

# Builds an image whose context is what comes on standard input. Usage: … | stand_in NAME
stand_in() {
    docker build --network host --tag "$1" "${proxies[@]}" -
}
proxies=(--build-arg HTTP_PROXY --build-arg HTTPS_PROXY --build-arg NO_PROXY)

# This machine's toolchain, and what it has set for Cargo.
rust_image() {
    local context
    context=$(mktemp --directory --tmpdir="$work")
    mkdir "$context/cargo"
    cp "${CARGO_HOME:-$HOME/.cargo}/config.toml" "$context/cargo/" 2>/dev/null || true
    cat >"$context/Dockerfile" <<END
FROM $plain
RUN apt-get update && apt-get install -y gcc libc6-dev
COPY bin /usr/local/bin
COPY lib /usr/local/lib
COPY cargo /usr/local/cargo
ENV CARGO_HOME=/usr/local/cargo
END
    tar --create --directory "$(rustc --print sysroot)" --exclude lib/rustlib/src bin lib \
        --directory "$context" Dockerfile cargo | stand_in "$1"
}

# This machine's Node.js and npm, and the registry that it uses.
node_image() {
    local context
    context=$(mktemp --directory --tmpdir="$work")
    cp "$(readlink -f "$(command -v node)")" "$context/node"
    cat >"$context/Dockerfile" <<END
FROM $plain
RUN apt-get update && apt-get install -y libatomic1 libstdc++6
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt npm_config_registry=$(npm config get registry)
END
    tar --create --directory "$(npm root --global)" npm --directory "$context" Dockerfile node | stand_in "$1"
}

# What the binary needs at run time, and no shell.
runtime_image() {
    stand_in_alone "$1" <<END
FROM $plain AS packages
RUN mkdir /root/fs && cd /root && apt-get update && apt-get download base-files libc6 libgcc-s1 libstdc++6 tzdata \
    && for package in *.deb; do dpkg-deb --extract "\$package" fs; done \
    && mkdir -p fs/etc/ssl/certs && cp /etc/ssl/certs/ca-certificates.crt fs/etc/ssl/certs/ && chmod 1777 fs/tmp
FROM scratch
COPY --from=packages /root/fs /
USER 65532
END
}

# Builds an image without a context. Usage: … | stand_in_alone NAME
stand_in_alone() {
    docker build --network host --tag "$1" "${proxies[@]}" --file - "$(mktemp --directory --tmpdir="$work")"
}

# With what the official image makes of its environment at the first start.
postgres_image() {
    local context
    context=$(mktemp --directory --tmpdir="$work")
    cat >"$context/entrypoint" <<'END'
#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    echo "$POSTGRES_PASSWORD" >/tmp/password
    initdb --username "$POSTGRES_USER" --pwfile /tmp/password --auth-local trust --auth-host scram-sha-256
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait --options "-c listen_addresses=''" start
    createdb --username "$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl --wait stop
fi
exec "$@"
END
    chmod 755 "$context/entrypoint"
    cat >"$context/Dockerfile" <<END
FROM $plain
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/none.conf \
    && apt-get update && apt-get install -y postgresql \
    && ln -s /usr/lib/postgresql/*/bin /usr/lib/postgresql/bin \
    && install -d -o postgres -m 0700 /var/lib/postgresql/data && install -d -o postgres -m 3777 /run/postgresql
COPY entrypoint /usr/local/bin/entrypoint
ENV PATH=/usr/lib/postgresql/bin:/usr/local/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["entrypoint"]
CMD ["postgres", "-c", "listen_addresses=*"]
END
    tar --create --directory "$context" . | stand_in "$1"
}

redis_image() {
    stand_in_alone "$1" <<END
FROM $plain
RUN apt-get update && apt-get install -y redis-server
WORKDIR /data
CMD ["redis-server", "--protected-mode", "no"]
END
}
