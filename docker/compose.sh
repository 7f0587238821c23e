#!/bin/sh
# Docker Compose with the given arguments, whichever generation is installed, on a base image that can be had here.
#
#   docker/compose.sh up --build                   a server and simulated users; Locust's page on port 8089
#   docker/compose.sh run --rm broadcast           one scenario, headless; exits with the run's status
#
# Without an engine or Compose: one line, exit 2.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "docker/compose.sh: $*" >&2
    exit 2
}

command -v docker >/dev/null || fail "docker is not installed"
timeout 20 docker version >/dev/null 2>&1 || fail "no Docker engine answers (is it running, and may you use it?)"
if docker compose version >/dev/null 2>&1; then
    compose='docker compose'
elif command -v docker-compose >/dev/null; then
    compose=docker-compose
else
    fail "neither 'docker compose' nor docker-compose is installed"
fi

# An image that is here wins; then the official one; then a stand-in made of Debian packages.
base_image() {
    official=python:3.14-slim
    for image in "$official" fanfare-base:trixie; do
        if docker image inspect "$image" >/dev/null 2>&1; then
            echo "$image"
            return
        fi
    done
    # Two minutes is enough for 45 MB on a slow line, and an end to a firewall's silence.
    if timeout 120 docker pull --quiet "$official" >/dev/null 2>&1; then
        echo "$official"
    else
        docker/base-image.sh
    fi
}

# pip inside a build sees no configuration file of this machine: its index settings go in as build arguments.
pip_setting() {
    printf '%s\n' "$pip_settings" | sed -n "s/^[a-z][a-z]*\.$1='\(.*\)'\$/\1/p" | sed 's/\\n/ /g' | tail -n 1
}

for argument; do
    case $argument in
    build | up | run | create)
        BASE_IMAGE=${BASE_IMAGE:-$(base_image)}
        export BASE_IMAGE
        pip_settings=$(python3 -m pip config list 2>/dev/null || true)
        export PIP_INDEX_URL="${PIP_INDEX_URL:-$(pip_setting index-url)}"
        export PIP_EXTRA_INDEX_URL="${PIP_EXTRA_INDEX_URL:-$(pip_setting extra-index-url)}"
        export PIP_TRUSTED_HOST="${PIP_TRUSTED_HOST:-$(pip_setting trusted-host)}"
        break
        ;;
    esac
done

# shellcheck disable=SC2086 # two words, on purpose
exec $compose "$@"
