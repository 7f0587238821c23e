"""`python -m bench`: measure all the servers that are installed, in turns, and print the tables."""

import argparse
import json
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from bench.build import BARE_EPOLL, GENERATOR, BuildError, compile_c
from bench.cases import Turn, case, take_turn
from bench.machine import facts
from bench.process import raise_file_limit
from bench.servers import NAMES, choose
from bench.table import COLUMNS, DISTURBED, failed, outline, table

USAGE_ERROR = 2
FAILURE = 1
INTERRUPTED = 130

LEGEND = f"""1.00x is the best peer's value: more is better for deliveries, less for all else.
fanfare is what is compared, and bare-epoll is a C loop that is no chat server: neither counts as a peer.
bare-epoll also shows what the generator can count: it does not hold up a server that delivers less.
Medians of the rounds in which others than server and generator took at most {DISTURBED} % of a core,
or of all rounds where there is no such: then it is worth measuring again."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 a turn failed, 2 could not begin."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    raise_file_limit()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            return _run(options, Path(scratch))
    except BuildError as error:
        complaint = str(error)
    except OSError as error:
        complaint = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except KeyboardInterrupt:
        print("bench: interrupted; everything that it started has ended", file=sys.stderr)
        return INTERRUPTED
    print(f"bench: {complaint}", file=sys.stderr)
    return USAGE_ERROR


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure IRC servers side by side.")
    parser.add_argument("--servers", type=_words(NAMES), default=list(NAMES), metavar="A,B", help=", ".join(NAMES))
    parser.add_argument("--cases", type=_words(COLUMNS), default=list(COLUMNS), metavar="A,B", help=", ".join(COLUMNS))
    parser.add_argument(
        "--rounds", type=_count, default=3, metavar="N", help="turns of each server and case (default 3)"
    )
    parser.add_argument("--idle-rounds", type=int, default=1, metavar="N", help="rounds with the idle case (default 1)")
    parser.add_argument(
        "--members", type=_count, default=1000, metavar="N", help="receivers in the room (default 1,000)"
    )
    parser.add_argument(
        "--idle-members", type=_count, default=5000, metavar="N", help="in the idle case (default 5,000)"
    )
    parser.add_argument("--seconds", type=float, default=2, metavar="S", help="of counted load a turn (default 2)")
    parser.add_argument(
        "--idle-seconds",
        type=float,
        default=20,
        metavar="S",
        help="until who has not joined is not waited for (default 20)",
    )
    parser.add_argument("--workers", type=_counts, default=[], metavar="1,2", help="run fanfare with each of these")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PATH",
        help="also run fanfare with this interpreter; repeatable",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every turn's report there")
    return parser


def _words(known: Iterable[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        words = text.split(",")
        for word in words:
            if word not in known:
                raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(known)}")
        return words

    return parse


def _counts(text: str) -> list[int]:
    return [_count(word) for word in text.split(",")]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def _run(options: argparse.Namespace, scratch: Path) -> int:
    if options.json:
        options.json.touch()  # better now than after minutes of measuring
    generator, bare_epoll = compile_c(GENERATOR, scratch), compile_c(BARE_EPOLL, scratch)
    servers = choose(options.servers, bare_epoll, options.python, options.workers)
    cases = [
        case(name, options.members, options.idle_members, options.seconds, options.idle_seconds)
        for name in COLUMNS
        if name in options.cases
    ]
    machine, command = facts(), shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    versions = {server.name: server.missing() or server.version() for server in servers}
    print(command, *(f"{name}: {fact}" for name, fact in machine.items()), sep="\n")
    print("", *(f"{name}: {version}" for name, version in versions.items()), "", sep="\n", flush=True)

    turns: list[Turn] = []
    present = [server for server in servers if not server.missing()]
    for round_ in range(options.rounds):
        rotated = present[round_ % len(present) :] + present[: round_ % len(present)] if present else []
        for asked in cases:
            if asked.name == "idle" and round_ >= options.idle_rounds:
                continue
            for server in rotated:
                with tempfile.TemporaryDirectory(dir=scratch) as folder:
                    turn = take_turn(generator, server, asked, round_, Path(folder))
                print(f"round {round_ + 1}/{options.rounds} {outline(turn)}", file=sys.stderr, flush=True)
                turns.append(turn)

    for asked in cases:
        print(f"\n{asked.title}\n\n{table(turns, servers, asked.name)}")
    for failure in filter(None, map(failed, turns)):
        print(f"\n{failure}")
    print(f"\n{LEGEND}")
    if options.json:
        report = {
            "command": command,
            "machine": machine,
            "versions": versions,
            "turns": [asdict(turn) for turn in turns],
        }
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return FAILURE if any(turn.error for turn in turns) else 0


if __name__ == "__main__":
    sys.exit(main())
