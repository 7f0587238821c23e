#!/usr/bin/env bash
# locust-versions.sh PYTHON DIR: what the load test relies on in Locust, held against the lowest supported, the pinned
# and the latest Locust, each in a virtual environment of its own under DIR. Takes the network, and a minute for each.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$1 dir=$2
lowest=$(sed -n 's/.*"locust>=\([0-9.]*\)".*/\1/p' pyproject.toml)
pinned=$(sed -n 's/^locust==\([0-9.]*\).*/\1/p' requirements/load.txt)
failed=""
for version in "locust==$lowest" "locust==$pinned" "locust"; do
    place="$dir/$(printf %s "$version" | tr -c 'A-Za-z0-9.\n' _)"
    tests/make-venv.sh "$python" "$place"
    "$place/bin/pip" --quiet --disable-pip-version-check install --upgrade "$version" pytest pytest-timeout hypothesis
    echo "Locust $("$place/bin/python" -c 'import importlib.metadata as m; print(m.version("locust"))'):"
    PYTHONPATH=. "$place/bin/python" -m pytest -q -p no:cacheprovider tests/loadtest/locust/test_seams.py || failed=1
done
[ -z "$failed" ]
