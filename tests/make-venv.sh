#!/bin/sh
# make-venv.sh PYTHON DIR: a virtual environment, or one line that says what is missing.
python=$1 dir=$2
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "fanfare: $python is missing or older than Python 3.11; name another with: make PYTHON=python3.13" >&2
    exit 2
}
"$python" -m venv "$dir" >/dev/null 2>&1 && exit 0
rm -rf "$dir" # half made
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null && "$python" -m venv "$dir" && exit 0
fi
echo "fanfare: $python cannot make virtual environments; install its venv module (Debian: apt-get install python3-venv)" >&2
exit 2
