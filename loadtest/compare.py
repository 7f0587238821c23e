"""`python -m loadtest.compare NAME=irc://HOST:PORT ... -- LOCUST-OPTIONS`: the same load on each server, in rounds.

The first one named is what the others' completion times are compared with, round by round. Exit status: 0 all ran,
whatever the verdicts; 3 some run was invalid; 2 the command line is wrong.
"""

import argparse
import json
import operator
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chat.errors import FanfareError, SetupError
from loadtest.core.result import Result, load
from loadtest.net.session import Session
from loadtest.report import summary_of
from loadtest.report.comparison import INVALID, Target, Turn, comparison, row
from loadtest.run.server import owner
from loadtest.run.settings import number
from loadtest.wires.irc import IrcWire
from loadtest.wires.wire import Refused

_USAGE = "python -m loadtest.compare [--report DIR] [--rounds N] NAME=irc://HOST:PORT ... -- LOCUST-OPTIONS"
_ROUNDS = 3  # the fewest of which the ratio has an interval that says something
_WRONG_USE, _SOME_INVALID, _INTERRUPTED = 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    at = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:at])
    options, locusts = _rounds_parser().parse_known_args(words[at + 1 :], options)  # of make, all comes behind the `--`
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: with what it started
    try:
        rows = compare(options.servers, locusts, Path(options.report), options.rounds)
    except SetupError as error:
        print(f"compare: {error}", file=sys.stderr)
        return _WRONG_USE
    except KeyboardInterrupt:
        print("compare: stopped before its end", file=sys.stderr)
        return _INTERRUPTED
    return _SOME_INVALID if any(each["verdict"] == INVALID for each in rows) else 0


def compare(servers: Sequence[str], options: Sequence[str], report: Path, rounds: int) -> list[dict[str, Any]]:
    """Run, print the table, write compare.json. Raises SetupError."""
    chosen = targets(servers)
    played: dict[str, list[Run]] = {target.name: [] for target in chosen}
    for target in chosen:
        try:
            _clear(report / "compare" / target.name)
        except OSError as error:
            raise SetupError(f"--report {report}: {error.strerror}") from None
    for round_ in range(rounds):
        for target in rotated(chosen, round_):
            head = f"round {round_ + 1} of {rounds}, {target.name}"
            _progress(f"{head}: a warm-up, then the run ...")
            run = take_turn(target, options, report / "compare" / target.name / f"round-{round_ + 1}")
            played[target.name].append(run)
            _progress(f"{head}: {run.result.verdict if run.result else run.why}")
    turns = [together(target, played[target.name]) for target in chosen]
    rows = [row(turn, turns[0]) for turn in turns]
    answer = {"baseline": chosen[0].name, "options": list(options), "rounds": rounds, "servers": rows}
    (report / "compare.json").write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
    text = comparison(rows, chosen[0].name)
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)
    return rows


def _progress(text: str) -> None:
    print(f"compare: {text}", file=sys.stderr, flush=True)


def _rounds_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compare", usage=_USAGE, add_help=False, allow_abbrev=False)
    words = f"how often each server has its turn; each round begins with another one. Default: {_ROUNDS}"
    kind = number(int, 1, 1_000)
    parser.add_argument("--rounds", type=kind, default=argparse.SUPPRESS, metavar="N", help=words)
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compare", usage=_USAGE, description=__doc__, parents=[_rounds_parser()])
    parser.set_defaults(rounds=_ROUNDS)
    parser.add_argument("servers", nargs="*", metavar="NAME=irc://HOST:PORT", help="the servers, in turn")
    parser.add_argument("--report", default="report", metavar="DIR", help="where the results go. Default: report")
    return parser


LOCUSTFILE = Path(__file__).parent / "locustfile.py"
_ROOT = LOCUSTFILE.parent.parent
# What the options on the command line may replace. With fewer connecting at a time, a server that looks at newcomers
# once a second, as InspIRCd does, would let 8 users a second in.
DEFAULTS = ("--scenario", "broadcast", "--users", "200", "--spawn-rate", "50", "--connecting", "64", "--rate", "20")
WARM_UP_S = 2  # of messages: caches, allocators and the first growth of buffers
_WRONG_OPTION = 2  # Locust's exit status, and ours, for it
_END_S = 20.0  # for a Locust that was told to end: it closes its users' connections and its accounts


@dataclass(frozen=True, slots=True)
class Run:
    """One server's in one round. Without a result, `why` tells."""

    version: str
    result: Result | None
    why: str = ""


def rotated(chosen: Sequence[Target], number: int) -> list[Target]:
    """In the order of this round, numbered from 0: whoever is first in one meets what others do not."""
    at = number % len(chosen)
    return [*chosen[at:], *chosen[:at]]


def together(target: Target, runs: Sequence[Run]) -> Turn:
    """Runs that all have a result add up to one; without, there is nothing to show of the server."""
    version = max(run.version for run in runs)
    results = [run.result for run in runs if run.result]
    if len(results) < len(runs):
        return Turn(target, version, None, next(run.why for run in runs if not run.result))
    whole = reduce(operator.add, results)
    return Turn(target, version, summary_of(whole), rounds=[summary_of(each) for each in results])


def _clear(directory: Path) -> None:
    """An earlier comparison's runs would pass for this one's. They stay; what leads to them goes. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    for place in (directory, *directory.glob("round-*")):
        for name in ("result.json", "summary.json", "report.html"):
            (place / name).unlink(missing_ok=True)


def take_turn(target: Target, options: Sequence[str], directory: Path) -> Run:
    """The report goes to `directory`. Raises SetupError when Locust does not take the options."""
    try:
        seen = probe(target.url)
    except (OSError, FanfareError) as error:
        return Run("", None, f"no answer from {target.url}: {error}")
    process = ("--server-pid", str(seen.pid)) if seen.pid else ()
    with tempfile.TemporaryDirectory() as thrown_away:
        _locust(target, [*options, "--duration", str(WARM_UP_S), "--report", thrown_away])
    said = _locust(target, [*options, *process, "--report", str(directory)])
    try:
        return Run(seen.version, load(directory))
    except FanfareError:
        return Run(seen.version, None, f"the run left no result: {said}")


def command(target: Target, options: Sequence[str]) -> list[str]:
    return [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *DEFAULTS, *options),
        *("--headless", "--only-summary", "--loglevel", "WARNING", "--host", target.url),
    ]


def _locust(target: Target, options: Sequence[str]) -> str:
    """Run it to its end; gives the last line that it wrote of what went wrong. Raises SetupError."""
    with _running(command(target, options)) as process:
        _, errors = process.communicate()
    last = next((line for line in reversed(errors.splitlines()) if line.strip()), f"exit status {process.returncode}")
    if process.returncode == _WRONG_OPTION:
        raise SetupError(last.partition("error: ")[2] or last)
    return last


@contextmanager
def _running(words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """In a session of its own: a Ctrl-C is ours, and Locust ends by our word, whatever happens here."""
    process = subprocess.Popen(
        words,
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


_TARGET = re.compile(r"([A-Za-z0-9][\w.-]*)=(irc://(\[[0-9a-fA-F:.]+\]|[^/@:\[\]]+):([0-9]{1,5}))")


def targets(words: Sequence[str]) -> list[Target]:
    """Raises SetupError where there is none, one cannot be read, or two have one name."""
    if not words:
        raise SetupError("which servers? NAME=irc://HOST:PORT, one or more, then -- and Locust's options")
    found: dict[str, Target] = {}
    for word in words:
        match = _TARGET.fullmatch(word)
        if not match or int(match[4]) > 65_535:
            raise SetupError(f"a server must be NAME=irc://HOST:PORT, got {word!r}")
        if match[1] in found:
            raise SetupError(f"two servers are named {match[1]!r}")
        found[match[1]] = Target(match[1], match[2])
    return list(found.values())


_PATIENCE_S = 20.0  # for connecting, and again for each answer: InspIRCd looks at newcomers once a second
# 004: nickname, server name, version, modes; every server sends it after the welcome.
_MY_INFO = re.compile(rb"^(?::[^ \n]+ )?004 [^ \n]+ [^ \n]+ ([^ \r\n]+)[^\n]*\n", re.M)


@dataclass(frozen=True, slots=True)
class Seen:
    version: str  # in the server's own words
    pid: int | None


def probe(url: str) -> Seen:
    """Raises OSError, or Refused."""
    place = urlsplit(url)
    wire = IrcWire(f"p{secrets.token_hex(4)}")
    session, rest = Session(wire), b""
    with socket.create_connection((place.hostname or "", place.port or 0), _PATIENCE_S) as sock:
        sock.sendall(session.begin(wire.register()))
        while data := sock.recv(65_536):
            if answer := session.receive(data):
                sock.sendall(answer)
            if info := _MY_INFO.search(rest := rest + data):
                found = Seen(info[1].decode(errors="replace"), owner(sock))
                sock.sendall(wire.goodbye())
                return found
        raise Refused("the server closed the connection before it had said what it is")


if __name__ == "__main__":
    sys.exit(main())
