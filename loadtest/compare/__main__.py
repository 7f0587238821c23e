"""`python -m loadtest.compare NAME=irc://HOST:PORT ... -- LOCUST-OPTIONS`: the same load on each server in turn.

The first one named is what the others' completion times are compared with. Exit status: 0 all ran, whatever the
verdicts; 3 some run was invalid; 2 the command line is wrong.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chat.errors import SetupError
from loadtest.compare.row import INVALID, Result, row
from loadtest.compare.table import comparison
from loadtest.compare.target import targets
from loadtest.compare.turn import take_turn

_USAGE = "python -m loadtest.compare [--report DIR] NAME=irc://HOST:PORT ... -- LOCUST-OPTIONS"
_WRONG_USE, _SOME_INVALID, _INTERRUPTED = 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    at = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:at])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: with what it started
    try:
        rows = compare(options.servers, words[at + 1 :], Path(options.report))
    except SetupError as error:
        print(f"compare: {error}", file=sys.stderr)
        return _WRONG_USE
    except KeyboardInterrupt:
        print("compare: stopped before its end", file=sys.stderr)
        return _INTERRUPTED
    return _SOME_INVALID if any(each["verdict"] == INVALID for each in rows) else 0


def compare(servers: Sequence[str], options: Sequence[str], report: Path) -> list[dict[str, Any]]:
    """Run, print the table, write compare.json. Raises SetupError."""
    chosen = targets(servers)
    results: list[Result] = []
    for target in chosen:
        directory = report / "compare" / target.name
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(f"--report {report}: {error.strerror}") from None
        _progress(f"{target.name}: a warm-up, then the run ...")
        results.append(take_turn(target, options, directory))
        summary = results[-1].summary
        _progress(f"{target.name}: {summary['verdict'] if summary else results[-1].why}")
    rows = [row(result, results[0].summary) for result in results]
    answer = {"baseline": chosen[0].name, "options": list(options), "servers": rows}
    (report / "compare.json").write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
    text = comparison(rows, chosen[0].name)
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)
    return rows


def _progress(text: str) -> None:
    print(f"compare: {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compare", usage=_USAGE, description=__doc__)
    parser.add_argument("servers", nargs="*", metavar="NAME=irc://HOST:PORT", help="the servers, in turn")
    parser.add_argument("--report", default="report", metavar="DIR", help="where the results go. Default: report")
    return parser


if __name__ == "__main__":
    sys.exit(main())
