#!/bin/sh
# `broadcast` against Fanfare, ngIRCd, InspIRCd and Ergo in turn; the arguments go to the load test.
#
#   docker/compare.sh --users 500 --rate 20       in containers; the table comes out, the rest is in report/
#
# Where no engine answers, with those of the servers that are installed here. What it started, and nothing else, is gone
# when it ends, also after Ctrl-C. Exit status: 0 all ran, 3 some run was invalid, 2 it could not begin.
set -eu
cd "$(dirname "$0")/.."

if ! why=$(docker/compose.sh version 2>&1 >/dev/null); then
    echo "compare: without containers (${why#docker/compose.sh: }): with the servers that are installed here" >&2
    exec "${PYTHON:-python3}" -m bench.installed "$@"
fi

# A project of its own, on ports that the engine chooses: what is running goes on.
export COMPOSE_PROJECT_NAME="${COMPOSE_PROJECT_NAME:-fanfare}-compare"
export FANFARE_IRC_PORT=0 FANFARE_RELAY_PORT=0 FANFARE_JOINED_PORT=0 FANFARE_TILDE_PORT=0 FANFARE_NICK_PORT=0
export FANFARE_NGIRCD_PORT=0 FANFARE_INSPIRCD_PORT=0 FANFARE_ERGO_PORT=0

compose() {
    docker/compose.sh --profile compare "$@"
}

quietly() {
    said=$("$@" 2>&1) || {
        printf '%s\n' "$said" | tail -n 20 >&2
        exit 2
    }
}

clear_up() {
    trap '' INT TERM
    docker/compose.sh --profile compare down --timeout 5 >/dev/null 2>&1 || true
}
trap clear_up EXIT
trap 'exit 130' INT TERM

echo "compare: building the images and starting the servers ..." >&2
quietly compose build server compare ngircd
quietly compose up --detach server ngircd inspircd ergo
compose run --rm -T compare "$@"
