"""`python -m bench.many_cores`: `send` and io_uring side by side on a machine with many cores, in one table.

Takes turns of Fanfare by `send`, of Fanfare by io_uring on as many rings as it takes itself, on four and on eight, of
both bare loops, and of InspIRCd and Ergo where they are installed; with a generator that reads by several threads. It
begins no turn after `--limit` seconds, so that it fits a machine that is lent for minutes. Needs Python, a C compiler
and no network.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from bench import ceiling
from bench.build import BARE_EPOLL, BARE_URING, GENERATOR, compile_c
from bench.cases import Case, all_cases
from bench.command import count, positive, started
from bench.command import readers as threads
from bench.machine import facts
from bench.process import raise_file_limit
from bench.servers import YARDSTICK, FanfareUring, Server, choose
from bench.table import COLUMNS, medians, outline
from bench.turn import Turn, take_turn
from chat.server.net.sender_choice import cores

SERVERS = ("fanfare-send", "fanfare-uring", "inspircd", "ergo", "bare-epoll", "bare-uring")
CASES = ("saturated", "steady", "busy", "steady-10000", "steady-100")  # in this order, while there is time
AGAIN = ("saturated", "steady")  # in each further round
FIGURES = {  # the columns of the table: of a case, and of the bench's own table of it
    "deliveries/s": ("saturated", "deliveries/s"),
    "100: p50": ("steady-100", "complete p50"),
    "1,000: p50": ("steady", "complete p50"),
    "p99": ("steady", "complete p99"),
    "server CPU": ("steady", "server CPU"),
    "10,000: p50": ("steady-10000", "complete p50"),
    "busy day": ("busy", "messages/s"),
}
MOST_READERS = 8


class Rings(FanfareUring):
    """Fanfare by io_uring on a given number of rings."""

    def __init__(self, number: int) -> None:
        super().__init__(f"fanfare-uring, {number} rings", sys.executable)
        self._number = number

    def command(self, port: int, folder: Path, tls: bool = False) -> list[str]:
        env, *rest = super().command(port, folder, tls)
        return [env, f"FANFARE_SENDERS={self._number}", *rest]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        return started("many_cores", lambda: _run(options, Path(scratch)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.many_cores", description="send and io_uring, in one table")
    readers = max(1, min(MOST_READERS, cores() // 2))
    parser.add_argument(
        "--readers", type=threads, default=readers, metavar="N", help=f"threads (default here {readers})"
    )
    parser.add_argument("--rounds", type=count, default=3, metavar="N", help="the first has all cases (default 3)")
    parser.add_argument(
        "--limit", type=positive, default=420, metavar="S", help="begin no turn after this (default 420)"
    )
    parser.add_argument("--seconds", type=positive, default=2, metavar="S", help="of counted load a turn (default 2)")
    parser.add_argument("--scale", type=positive, default=1, metavar="X", help="of all numbers of members (default 1)")
    return parser


def _run(options: argparse.Namespace, scratch: Path) -> int:
    began = monotonic()
    generator, bare, uring = (compile_c(source, scratch) for source in (GENERATOR, BARE_EPOLL, BARE_URING))
    servers = [*choose(SERVERS, bare, bare_uring=uring), Rings(4), Rings(8)]
    known = {case.name: case for case in all_cases(options.scale, options.seconds, 0.5, readers=options.readers)}
    print(*(f"{name}: {fact}" for name, fact in facts().items()), f"reading threads: {options.readers}", sep="\n")
    print("", *(f"{server.name}: {server.missing() or server.version()}" for server in servers), sep="\n")
    ceilings = ceiling.measure(generator, bare, scratch, options.seconds, options.scale, options.readers)
    print(f"\ngenerator, against a bare sink\n\n{ceiling.described(ceilings)}\n", flush=True)
    present = [server for server in servers if not server.missing()]
    turns: list[Turn] = []
    for round_ in range(options.rounds):
        for case in [known[name] for name in (CASES if not round_ else AGAIN)]:
            for server in present:
                if monotonic() - began < options.limit:
                    turns.append(_turn(generator, server, case, round_, scratch))
    print(summary(turns, present))
    failures = [f"{turn.server}, {turn.case}: {turn.error}" for turn in turns if turn.error]
    print(*failures, f"\n{monotonic() - began:.0f} s in all", sep="\n")
    return 1 if failures else 0


def _turn(generator: Path, server: Server, case: Case, round_: int, scratch: Path) -> Turn:
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        turn = take_turn(generator, server, case, round_, Path(folder))
    print(outline(turn), file=sys.stderr, flush=True)
    return turn


def summary(turns: Sequence[Turn], servers: Sequence[Server]) -> str:
    """A row a server: medians, and in brackets the ratio to the bare loop's."""
    rows = [["", *FIGURES]]
    for server in servers:
        row = [server.name]
        for case, title in FIGURES.values():
            column = next(column for column in COLUMNS[case] if column.title == title)
            value = medians(turns, server.name, case)[title]
            base = medians(turns, YARDSTICK, case)[title]
            shown = "-" if value is None else column.show(value)
            row.append(f"{shown} ({value / base:.2f})" if value is not None and base else shown)
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows)


if __name__ == "__main__":
    sys.exit(main())
