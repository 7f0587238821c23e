#!/bin/sh
# system-packages.sh PYTHON: what the tests need of the system; installed where that is possible, else named in one line.
python=$1
missing=""
command -v xvfb-run >/dev/null && command -v xauth >/dev/null || missing="$missing xvfb xauth"
"$python" -c 'import tkinter' 2>/dev/null || missing="$missing python3-tk"
command -v cc >/dev/null || missing="$missing gcc libc6-dev"
echo '#include <openssl/ssl.h>' | cc -E - >/dev/null 2>&1 || missing="$missing libssl-dev"
# The report is opened in a browser: 110 MB to fetch, half a minute to install.
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
    missing="$missing chromium"
# A desktop's bus, and what looks at a window as the desktop does.
if [ "$(uname)" = Linux ]; then
    command -v dbus-daemon >/dev/null || missing="$missing dbus"
    command -v xprop >/dev/null || missing="$missing x11-utils"
    command -v redis-server >/dev/null || missing="$missing redis-server"
fi
# Its promtool checks the alerts and the format of the metrics.
command -v promtool >/dev/null || missing="$missing prometheus"
# Namespaces and packet filters are Linux's; elsewhere the tests that need them are skipped.
if [ "$(uname)" = Linux ]; then
    command -v ip >/dev/null || missing="$missing iproute2"
    PATH=$PATH:/usr/sbin command -v nft >/dev/null || missing="$missing nftables"
fi
# Servers of others: nobody wants them on a machine just because its owner runs the tests.
if [ "${REQUIRE_PEERS-}" = 1 ]; then
    for server in ngircd inspircd; do
        PATH=$PATH:/usr/sbin command -v "$server" >/dev/null || missing="$missing $server"
    done
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing$missing ..."
    # RUNLEVEL=1: no server is started as it is installed.
    # shellcheck disable=SC2086 # a list of packages
    apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null && exit 0
fi
if [ -n "$CI" ]; then
    echo "fanfare: missing system packages:$missing" >&2
    exit 2
fi
echo "fanfare: some tests will be skipped; to run them: apt-get install$missing" >&2
