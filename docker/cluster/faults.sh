#!/bin/sh
# What the load test's scenario `nodes` asks for in compose's profile cluster-faults: faults.sh WHAT 1|2|3|store.
# Their processes are in one process namespace with this, and the engine starts again those that end. It is on the
# machine of the store: what a node is cut off from is dropped here.
set -eu
what=$1
which=$2
case $which in
store) word=redis-server ;;
*) word=--node=faults-node-$which ;;
esac

find_pid() {
    for process in /proc/[0-9]*; do
        case $(tr '\0' ' ' <"$process/cmdline" 2>/dev/null || true) in
        "sh "* | */faults.sh*) ;;
        *"$word"*) echo "${process#/proc/}" && return ;;
        esac
    done
    return 1
}

send() {
    pid=$(find_pid) || { echo "$which does not run" && exit 1; }
    kill -s "$1" "$pid"
}

case $what in
drain) send TERM ;;
kill) send KILL ;;
stop) send STOP ;;
cont) send CONT ;;
start)
    until find_pid >/dev/null; do sleep 0.1; done
    if [ "$which" = store ]; then
        until python3 -c 'import socket; socket.create_connection(("127.0.0.1", 6379), 1)' 2>/dev/null; do sleep 0.1; done
    fi
    ;;
cut)
    address=$(getent hosts "faults-node-$which" | cut -d ' ' -f 1)
    nft -f - <<RULES
table ip cut {
    chain arriving { type filter hook input priority 0; ip saddr $address tcp dport 6379 drop; }
    chain leaving { type filter hook output priority 0; ip daddr $address tcp sport 6379 drop; }
}
RULES
    ;;
mend) nft delete table ip cut ;;
*) echo "$what is nothing that can be done" && exit 2 ;;
esac
