#!/bin/sh
# Build a stand-in for python:3.14-slim on a machine that reaches a Debian mirror but no image registry.
#
# It carries this machine's CA certificates, for pip to trust what this machine trusts: images built on it are
# for this machine and are not for pushing. Its Python is that of Debian trixie, 3.13.
# Does nothing when the image is there. Prints the image's name.
set -eu

image=fanfare-base:trixie
certificates=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}

if docker image inspect "$image" >/dev/null 2>&1; then
    echo "$image"
    exit 0
fi

fail() {
    echo "docker/base-image.sh: $*" >&2
    exit 2
}

[ "$(id -u)" = 0 ] || fail "debootstrap needs root; run this as root once, or set BASE_IMAGE to an image with Python 3.11 or newer"

if ! command -v debootstrap >/dev/null; then
    command -v apt-get >/dev/null || fail "debootstrap is not installed and there is no apt-get to install it with"
    {
        apt-get update &&
            apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=120 debootstrap debian-archive-keyring
    } >&2 || fail "could not install debootstrap"
fi

# The mirror and the proxy that apt uses here; with none to be found, debootstrap knows Debian's own mirror.
mirror=
if command -v apt-get >/dev/null; then
    # shellcheck disable=SC2016 # apt expands it
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
        grep -m 1 -E '^(https?|file):' || true)
    eval "$(apt-config shell apt_proxy Acquire::http::Proxy)"
    export http_proxy="${http_proxy:-${apt_proxy:-}}"
fi

# Not under /tmp, which is often mounted nodev or noexec; neither will do for a root file system.
work=$(mktemp -d "${TMPDIR:-/var/tmp}/fanfare-base.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' INT TERM
root=$work/root

echo "docker/base-image.sh: building $image, about 40 s" >&2
# shellcheck disable=SC2086 # no mirror means no argument
debootstrap --variant=minbase --include=python3,python3-venv trixie "$root" $mirror >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    fail "debootstrap failed"
}

rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/cache/debconf/* "$root"/var/log/* \
    "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/*
mkdir -p "$root/etc/ssl/certs"
cp --dereference --remove-destination "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"

tar --create --directory "$root" --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' . |
    docker import \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'ENV LANG=C.UTF-8' \
        --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' \
        --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt' \
        --change 'CMD ["python3"]' \
        - "$image" >/dev/null
echo "$image"
