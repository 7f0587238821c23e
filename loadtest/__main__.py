"""`python -m loadtest`, and `fanfare load`: run a scenario, or look at the results of runs."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from chat.arguments import OneLineParser
from chat.errors import FanfareError, SetupError

_LOCUSTFILE = Path(__file__).parent / "locustfile.py"
_SPAWN_RATE = "100"  # users a second; Locust's own is 1, and a room of 200 would take minutes to fill
_WORKS = "report", "diff", "schema"
# What the exit status of a run says.
EXITS = {
    0: "every requirement was kept",
    1: "the server missed a requirement, or one of the scenario's own thresholds",
    2: "an option is wrong; one line says which",
    3: "the generator may have shaped the figures, or the load was not what was asked for: no verdict on the server",
}
_USAGE = """\
usage: fanfare load URL [--scenario NAME] [--users N] [--require 'p99<50ms,lost=0'] [-f FILE.py] [Locust's options]
       fanfare load report RESULT.json [--as table|html|summary|hgrm|junit|markdown|prometheus] [--output FILE]
       fanfare load diff A B                exit status 1 when B is worse beyond its interval; each is a result.json,
                                            the folder of a run, or a folder with those of several rounds
       fanfare load schema                  the JSON Schema of result.json

URL is like irc://127.0.0.1:6667, or several of one network with commas between; `fanfare load --help-all` has every
option of a run. Exit status of a run:

""" + "".join(f"  {status}  {words}\n" for status, words in EXITS.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status. A run replaces this process by Locust's."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(_USAGE, end="")
        return 0 if words else 2
    try:
        if words[0] in _WORKS:
            return {"report": _report, "diff": _diff, "schema": _schema}[words[0]](words[1:])
        _run(words)
    except FanfareError as error:
        sys.stderr.write(f"fanfare load: {error}\n")
        return 2


def _run(words: list[str]) -> NoReturn:
    """Locust, headless unless its page is asked for. Raises SetupError."""
    command = [sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE)]
    if "--help-all" in words:
        command.append("--help")
    else:
        if not words[0].startswith("-"):
            command += ["--host", words.pop(0)]
            if words and "://" in words[0] and not words[0].startswith("-"):  # to Locust it is the name of a class
                raise SetupError(f"{words[0]}: several hosts of one network go with commas between")
        if "-f" in words[:-1]:  # the user's own classes first, then ours
            at = words.index("-f")
            command[4] = f"{words[at + 1]},{_LOCUSTFILE}"
            del words[at : at + 2]
        if not {"-r", "--spawn-rate"} & {word.partition("=")[0] for word in words}:
            words += ["--spawn-rate", _SPAWN_RATE]
        if not any(word.partition("=")[0] == "--report" for word in words) and "--worker" not in words:
            words += ["--report", "report"]
        page = [word for word in words if word == "--web" or word.startswith("--web-") or word == "--autostart"]
        command += [word for word in words if word != "--web"]
        command += [] if page or "--worker" in words else ["--headless", "--only-summary"]
    sys.stdout.flush()
    os.execv(sys.executable, command)


def _report(words: list[str]) -> int:
    from loadtest import scenarios
    from loadtest.report import exports_of  # plots take their time to import

    scenarios.load()  # they have sections of the report

    makers: dict[str, Callable[..., str]] = exports_of()
    parser = OneLineParser(prog="fanfare load report")
    parser.add_argument("result", type=Path, help="result.json, or the folder of a run")
    parser.add_argument("--as", dest="form", choices=tuple(makers), default="table")
    parser.add_argument("--output", type=Path, help="write it there (default: standard output)")
    options = parser.parse_args(words)
    from loadtest.core.result import load

    text = makers[options.form](load(options.result))
    try:
        options.output.write_text(text, encoding="utf-8") if options.output else print(text.rstrip("\n"), flush=True)
    except BrokenPipeError:  # whoever reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        sys.stderr.write(f"fanfare load: {options.output}: {error.strerror}\n")
        return 2
    return 0


def _diff(words: list[str]) -> int:
    from loadtest.core.result import load_rounds
    from loadtest.report.comparison import diff, is_worse, show

    parser = OneLineParser(prog="fanfare load diff")
    parser.add_argument("one", type=Path, metavar="A", help="the earlier run, its folder, or that of its rounds")
    parser.add_argument("other", type=Path, metavar="B")
    options = parser.parse_args(words)
    ones, others = load_rounds(options.one), load_rounds(options.other)
    rows = diff(ones, others)
    print(show(ones[0], others[0], rows))
    if len(ones) == 1 or len(others) == 1:
        print("no ratio: two runs of the same differ, too, and one each does not tell by how much; give several rounds")
    return 1 if is_worse(rows) else 0


def _schema(words: list[str]) -> int:
    from loadtest.core.result import json_schema

    OneLineParser(prog="fanfare load schema").parse_args(words)
    print(json.dumps(json_schema(), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
