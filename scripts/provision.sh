# Sourced by the scripts beside it: finds the programs that they run, and installs what is missing.
# Nothing here starts, stops or configures a server that is already there.
# shellcheck shell=bash

readonly BARMAN='barman[cloud,snappy,lz4,zstandard]==3.19.1'
# The oldest and the newest that is supported, as npm's @embedded-postgres has them.
readonly OTHER_POSTGRES='13.23.0-beta.16 18.4.0-beta.17'
readonly PROMETHEUS_CLIENT=0.26.0
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/walcast-test"

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

# need_programs PROGRAM:PACKAGE...   Debian's packages for the programs that are not in the PATH
need_programs() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
}

# ready_for PACKAGE...   packages can be had: sets `root`, which is the caller's, to what gives the rights
ready_for() {
    root=()
    command -v apt-get >/dev/null || die "missing, and there is no apt-get to install it: $*"
    if ((EUID != 0)); then
        root=(sudo)
        [[ -t 0 ]] || root+=(-n)
        "${root[@]}" true 2>/dev/null || die "missing: $*. Run as root: apt-get install $*"
    fi
    say "installing $*"
    if [[ -z ${APT_IS_FRESH:-} ]]; then
        "${root[@]}" apt-get update -qq
        APT_IS_FRESH=yes
    fi
}

install_packages() {
    local root output
    ready_for "$@"
    output=$("${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" 2>&1 </dev/null) ||
        die "apt-get could not install $*: $output"
}

# Exports POSTGRES_BIN, the folder of the newest server's programs.
need_postgres() {
    if ! find_postgres; then install_postgres; fi
    find_postgres || die "the package postgresql has no server under /usr/lib/postgresql"
}

find_postgres() {
    local bin
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr) "$(dirname "$(command -v initdb)")"; do
        if [[ -x $bin/initdb && -x $bin/postgres && -x $bin/pgbench && -x $bin/psql ]]; then
            export POSTGRES_BIN=$bin
            return 0
        fi
    done
    return 1
}

# Debian's package makes and starts a server of its own; while this file is there, it does not.
install_postgres() {
    local drop_in=/etc/postgresql-common/createcluster.d/walcast.conf root=()
    ((EUID == 0)) || root=(sudo)
    install_packages postgresql-common
    (
        trap '"${root[@]}" rm -f "$drop_in"' EXIT
        "${root[@]}" mkdir -p "${drop_in%/*}"
        echo 'create_main_cluster = false' | "${root[@]}" tee "$drop_in" >/dev/null
        install_packages postgresql
    )
}

# Exports WALCAST_TEST_POSTGRES, where the servers of other versions are: each in a folder named by
# its major version. They are servers only; what asks them is the distribution's.
need_other_postgres() {
    local folder="$CACHE/postgresql" version major packages=() architecture=x64
    # A server does not run as root, and its user cannot look into root's home.
    ((EUID != 0)) || folder=/var/cache/walcast-test/postgresql
    export WALCAST_TEST_POSTGRES=$folder
    [[ $(cat "$folder/complete" 2>/dev/null) != "$OTHER_POSTGRES" ]] || return 0
    need_programs node:nodejs npm:npm
    say "installing PostgreSQL $OTHER_POSTGRES in $folder"
    [[ $(uname -m) != aarch64 ]] || architecture=arm64
    for version in $OTHER_POSTGRES; do
        packages+=("postgresql-${version%%.*}@npm:@embedded-postgres/linux-$architecture@$version")
    done
    rm -rf "$folder"
    mkdir -p "$folder"
    npm install --loglevel=error --no-audit --no-fund --prefix "$folder" "${packages[@]}" >&2 ||
        die "npm could not install ${packages[*]}"
    for version in $OTHER_POSTGRES; do
        major=${version%%.*}
        ln -s "node_modules/postgresql-$major/native/bin" "$folder/$major"
        chmod a+x "$folder/$major"/*
        "$folder/$major/postgres" --version >/dev/null || die "PostgreSQL $version does not run"
    done
    echo "$OTHER_POSTGRES" >"$folder/complete"
}

# Exports WALCAST_TEST_PYTHON, a Python that has Barman and python-snappy.
need_barman() {
    local venv="$CACHE/venv" wanted="$BARMAN python-snappy"
    export WALCAST_TEST_PYTHON="$venv/bin/python"
    if [[ $(cat "$venv/complete" 2>/dev/null) == "$wanted" ]] &&
        "$WALCAST_TEST_PYTHON" -c 'import barman, boto3, snappy' 2>/dev/null; then
        return
    fi
    need_programs python3:python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
    need_headers
    say "installing $wanted in $venv"
    python3 -m venv --clear "$venv"
    "$WALCAST_TEST_PYTHON" -m pip install --quiet --disable-pip-version-check "$BARMAN" python-snappy >&2
    echo "$wanted" >"$venv/complete"
}

# Exports WALCAST_TEST_PROMTOOL, and gives the Python of need_barman Prometheus' client.
need_prometheus() {
    if [[ $(client_version) != "$PROMETHEUS_CLIENT" ]]; then
        say "installing prometheus-client $PROMETHEUS_CLIENT"
        "$WALCAST_TEST_PYTHON" -m pip install --quiet --disable-pip-version-check \
            "prometheus-client==$PROMETHEUS_CLIENT" >&2
    fi
    WALCAST_TEST_PROMTOOL=$(command -v promtool) || WALCAST_TEST_PROMTOOL="$CACHE/prometheus/promtool"
    export WALCAST_TEST_PROMTOOL
    [[ -x $WALCAST_TEST_PROMTOOL ]] || fetch_promtool "${WALCAST_TEST_PROMTOOL%/*}"
}

client_version() {
    "$WALCAST_TEST_PYTHON" -c 'from importlib.metadata import version; print(version("prometheus-client"))' \
        2>/dev/null || true
}

# Takes the one program out of Debian's package, which would run a server if it were installed.
fetch_promtool() {
    local root
    ready_for prometheus
    mkdir -p "$1"
    (
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"' EXIT
        chmod a+rwx "$scratch"
        cd "$scratch" || exit
        apt-get download -qq prometheus >&2 || die "apt-get could not download prometheus"
        dpkg-deb --extract prometheus_*.deb .
        mv usr/bin/promtool "$1"
    )
}

# Barman wants psycopg2, which is built here.
need_headers() {
    local python missing=()
    python=$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')
    [[ -e $python/Python.h ]] || missing+=(python3-dev)
    [[ -e $(pg_config --includedir 2>/dev/null)/libpq-fe.h ]] || missing+=(libpq-dev)
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
}

# need_cargo SUBCOMMAND VERSION   a tool from crates.io, built if it is missing
need_cargo() {
    cargo "$1" --version >/dev/null 2>&1 && return
    say "installing cargo-$1"
    # A folder of its own, so that the workspace's build and the tool's do not wait for each other.
    CARGO_TARGET_DIR="$CACHE/target" cargo install --quiet --locked "cargo-$1@$2" >&2 ||
        die "cargo-$1 could not be installed"
    rm -rf "$CACHE/target"
}

need_rust() {
    command -v cargo >/dev/null || die "cargo is missing. Install Rust 1.95 or newer: https://rustup.rs"
    need_programs cc:build-essential
}

# Where cargo builds to.
target_folder() {
    cargo metadata --no-deps --format-version 1 | grep -oE '"target_directory":"[^"]*"' | cut -d '"' -f 4
}
