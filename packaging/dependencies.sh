# shellcheck shell=bash disable=SC2034
# The Debian 12 packages that gantry needs, in one place, how to install them, and how to build the release. To be sourced, never run.
# Used by packaging/quickstart, packaging/build-deb and tests/run.

# What compiling and linking the binary takes.
GANTRY_BUILD_PACKAGES=(
    cmake ninja-build clang-19 lld-19 ccache pkg-config
    libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev
    libdcmtk-dev libopenjp2-7-dev libturbojpeg0-dev libpng-dev libgif-dev libssl-dev libsqlite3-dev zlib1g-dev libxxhash-dev
    libspdlog-dev libyaml-cpp-dev libcli11-dev prometheus-cpp-dev libsystemd-dev
)

# What making and trying the package takes.
GANTRY_PACKAGE_PACKAGES=(dpkg-dev fakeroot file)

# What the demonstration takes beside the binary: a modality's side, and a web client.
GANTRY_DEMO_PACKAGES=(dcmtk curl)

# What the tests take: unit tests, sanitizers, house checks, real peers, and a box to boot.
GANTRY_TEST_PACKAGES=(
    doctest-dev libclang-rt-19-dev llvm-19 clang-format-19 shellcheck
    dcmtk libgdcm-tools curl openssl sqlite3 procps python3
    orthanc orthanc-dicomweb
    chromium chromium-driver
    systemd systemd-container debootstrap
)

# The viewer and the web clients that the trials put before gantry, as npm packages.
GANTRY_WEB_CLIENTS=(@ohif/app@3.12.10 dicomweb-client@0.11.3 dcmjs@0.51.1)

# Only for tests/run --tidy.
GANTRY_TIDY_PACKAGES=(clang-tidy-19)

# as_root COMMAND...: runs it as root, through sudo where we are not.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "needs root or sudo: $*" >&2
        return 1
    fi
}

# missing_packages PACKAGE...: prints those that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done
}

# with_retries COMMAND...: three attempts, since mirrors have bad moments.
with_retries() {
    local attempt
    for attempt in 1 2 3; do
        "$@" && return 0
        echo "attempt $attempt of 3 failed: $*" >&2
        sleep $((attempt * 5))
    done
    return 1
}

# without_services COMMAND...: packages installed meanwhile do not start their daemons on this machine.
without_services() {
    local policy=/usr/sbin/policy-rc.d code=0
    if [ -e "$policy" ]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod 755 "$policy"
    "$@" || code=$?
    as_root rm -f "$policy"
    return "$code"
}

# install_packages PACKAGE...: installs what is missing; touches nothing, and no network, when nothing is.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "not a Debian; please install: ${missing[*]}" >&2
        return 1
    fi
    echo "installing ${missing[*]}"
    with_retries as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y update || return 1
    without_services with_retries as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y install --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "${missing[@]}"
}

# unpack_web_clients FOLDER: gets GANTRY_WEB_CLIENTS where they are not there yet: FOLDER/app, FOLDER/dicomweb-client, ...
unpack_web_clients() {
    local folder=$1 client name packed
    command -v npm >/dev/null || install_packages npm || return 1
    for client in "${GANTRY_WEB_CLIENTS[@]}"; do
        name=${client%@*} && name=${name##*/}
        [ "$(cat "$folder/$name/version" 2>/dev/null)" != "$client" ] || continue
        rm -rf "${folder:?}/$name" && mkdir -p "$folder/$name" || return 1
        with_retries npm pack --silent --pack-destination "$folder/$name" "$client" || return 1
        packed=("$folder/$name"/*.tgz)
        tar -xzf "${packed[0]}" -C "$folder/$name" --strip-components=1 && rm "${packed[0]}" || return 1
        echo "$client" >"$folder/$name/version"
    done
}

# build_release: builds the binary alone, as it is shipped: build/release/gateway/gantry.
build_release() {
    local arguments=(--preset release)
    # The tests need more packages; a folder that is set up with them already stays so.
    [ -f build/release/CMakeCache.txt ] || arguments+=(-DBUILD_TESTING=OFF)
    mkdir -p build
    if ! cmake "${arguments[@]}" >build/release-configure.log 2>&1; then
        tail -n 40 build/release-configure.log
        return 1
    fi
    if [ -t 1 ]; then
        cmake --build build/release --target gantry
    elif ! cmake --build build/release --target gantry >build/release-build.log 2>&1; then
        tail -n 60 build/release-build.log
        return 1
    fi
}
