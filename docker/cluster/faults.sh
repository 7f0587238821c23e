#!/bin/sh
# What the load test's scenario `nodes` asks for in compose's profile cluster-faults: faults.sh WHAT 1|2|3|store.
# Their processes are in one process namespace with this, each with a shell that starts it again when it has ended; the
# shell of one that is killed is stopped until `start`. This runs on the store's machine: what a node is cut off from is
# dropped here.
set -eu
what=$1
which=$2
case $which in
store) word=redis-server ;;
*) word=--node=faults-node-$which ;;
esac

find_pid() { # of the "program", or its "shell"
    for process in /proc/[0-9]*; do
        case $(tr '\0' ' ' <"$process/cmdline" 2>/dev/null || true) in
        "sh -c "*"$word"*) found=shell ;;
        "sh "* | */faults.sh*) continue ;;
        *"$word"*) found=program ;;
        *) continue ;;
        esac
        [ "$found" = "$1" ] && echo "${process#/proc/}" && return
    done
    return 1
}

send() {
    pid=$(find_pid "$2") || { echo "$which does not run" && exit 1; }
    kill -s "$1" "$pid"
}

case $what in
drain) send TERM program ;;
kill) send STOP shell && send KILL program ;;
stop) send STOP program ;;
cont) send CONT program ;;
start)
    send CONT shell
    until find_pid program >/dev/null; do sleep 0.1; done
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
