#!/bin/sh
# start.sh NAME: fill in that server's configuration, and become it. Writes to /tmp only.
set -eu
settings=$(dirname "$0")
fill() {
    sed -e 's/@HOST@/0.0.0.0/' -e 's/@PORT@/6667/' -e 's:@FOLDER@:/tmp:' -e 's/@TLS@//' -e 's/@HISTORY@/false/' \
        "$settings/$1" >"/tmp/$1"
}

case ${1-} in
ngircd)
    fill ngircd.conf
    exec ngircd --nodaemon --config /tmp/ngircd.conf
    ;;
inspircd)
    fill inspircd.conf
    exec inspircd --nofork --nolog --config /tmp/inspircd.conf
    ;;
ergo)
    fill ergo.yaml
    rm -f /tmp/ergo.db
    ergochat initdb --quiet --conf /tmp/ergo.yaml
    exec ergochat run --quiet --conf /tmp/ergo.yaml
    ;;
*)
    echo "start.sh: which server: ngircd, inspircd or ergo?" >&2
    exit 2
    ;;
esac
