"""`python -m bench`: measure all installed servers, turn by turn, and print the tables."""

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import ceiling, instrument
from bench.build import BARE_EPOLL, BARE_URING, GENERATOR, compile_c, need_openssl
from bench.cases import P99_LIMIT, PLAIN, Case, all_cases
from bench.command import count, need_program, positive, readers, started, words
from bench.goals import check, goals_table
from bench.machine import facts
from bench.process import StartError, raise_file_limit
from bench.servers import NAMES, USUAL, YARDSTICKS, Server, choose
from bench.table import COLUMNS, DISTURBED, cost_of_tls, failed, medians, outline, table
from bench.turn import Turn, take_turn

FAILURE = 1
PICTURES = (".svg", ".png", ".pdf")

LEGEND = f"""1.00x is the best peer's value: more is better for deliveries and messages, less for all else.
fanfare is what is compared, and bare-epoll and bare-uring are C loops that are no chat servers: none counts as a peer.
"server CPU" and "generator CPU" are of one core, while load is counted; of the arrival where that is the case.
"held up by" is what kept a search from a higher rate: "generator" if it sent over {P99_LIMIT * 100:g} ms late.
Medians of the rounds in which others than server and generator took at most {DISTURBED} % of a core,
or of all rounds where there is no such: then it is worth measuring again."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 a turn failed, 2 could not start."""
    options = _parser().parse_args(arguments)
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        return started("bench", lambda: _run(options, Path(scratch)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure IRC servers side by side.")
    add = parser.add_argument
    few = f"{', '.join(NAMES)}; by default {', '.join(USUAL)}"
    add("--servers", type=words(NAMES), default=list(USUAL), metavar="A,B", help=few)
    names = [*COLUMNS, instrument.NAME]
    usual = [name for name in names if name not in PLAIN]
    few = f"{', '.join(names)}; by default all but those with TLS"
    add("--cases", type=words(names), default=usual, metavar="A,B", help=few)
    add(
        "--rounds",
        type=count,
        default=3,
        metavar="N",
        help="turns of each server and case (default 3); busy runs in every second of them, from the first on, and "
        "steady-10000, rooms, large, arrival and both idle ones in every third",
    )
    add("--scale", type=positive, default=1, metavar="X", help="of all numbers of members (default 1)")
    add("--seconds", type=positive, default=2, metavar="S", help="of counted load a turn (default 2)")
    add("--step-seconds", type=positive, default=1, metavar="S", help="counted in each step of a search (default 1)")
    add("--idle-seconds", type=positive, default=20, metavar="S", help="of silence in the idle case (default 20)")
    add(
        "--readers",
        type=readers,
        default=0,
        metavar="N",
        help="threads of the generator that read, for a server that sends in parallel (default 0: the main one does)",
    )
    add(
        "--checkout",
        action="append",
        type=_folder,
        default=[],
        metavar="DIR",
        help="also run fanfare as it is in this tree of the project, the commit before, say; repeatable",
    )
    add(
        "--python",
        action="append",
        default=[],
        metavar="PATH",
        help="also run fanfare with this interpreter; repeatable",
    )
    add("--json", type=Path, metavar="FILE", help="write every turn's report there")
    add("--plot", type=_picture, metavar="FILE", help="draw the medians there: .svg, .png or .pdf")
    return parser


def _folder(text: str) -> Path:
    folder = Path(text).resolve()
    if not (folder / "chat").is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no tree of the project")
    return folder


def _picture(text: str) -> Path:
    if not text.endswith(PICTURES):
        raise argparse.ArgumentTypeError(f"{text!r} does not end with {', '.join(PICTURES)}")
    return Path(text)


def _run(options: argparse.Namespace, scratch: Path) -> int:
    for file in filter(None, (options.json, options.plot)):
        file.touch()  # fails now rather than after minutes of measuring
    if options.plot:
        try:
            from bench import plot  # only a run that draws needs matplotlib
        except ImportError as error:
            raise StartError(f"--plot needs the packages of requirements/bench.txt: {error}") from None
    if PLAIN.keys() & set(options.cases):
        need_openssl()
        need_program("openssl", "openssl")
    generator, bare_epoll = compile_c(GENERATOR, scratch), compile_c(BARE_EPOLL, scratch)
    bare_uring = compile_c(BARE_URING, scratch) if "bare-uring" in options.servers else None
    servers = choose(options.servers, bare_epoll, options.python, options.checkout, bare_uring)
    known = all_cases(options.scale, options.seconds, options.step_seconds, options.idle_seconds, options.readers)
    cases = [case for case in known if case.name in options.cases]
    machine, command = facts(), shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    versions = {server.name: server.missing() or server.version() for server in servers}
    print(command, *(f"{name}: {fact}" for name, fact in machine.items()), sep="\n")
    print("", *(f"{name}: {version}" for name, version in versions.items()), sep="\n", flush=True)

    ceilings = ceiling.measure(generator, bare_epoll, scratch, options.seconds, options.scale, options.readers)
    print(f"\ngenerator, against a bare sink\n\n{ceiling.described(ceilings)}", flush=True)
    turns = _take_turns(generator, servers, cases, options.rounds, scratch)
    failures = list(filter(None, map(failed, [*ceilings, *turns])))
    report = {
        "command": command,
        "machine": machine,
        "versions": versions,
        **_compare(servers, cases, turns, ceilings, max(1, options.readers)),
        "turns": [asdict(turn) for turn in turns],
    }
    if instrument.NAME in options.cases:
        steady = next(case for case in known if case.name == "steady")
        report[instrument.NAME], failure = _judge_instrument(generator, servers, steady, options.rounds, scratch)
        failures += failure
    print(*(f"\n{failure}" for failure in failures), f"\n{LEGEND}", sep="\n")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.plot:
        plot.write(report, options.plot)
    return FAILURE if failures else 0


def _compare(
    servers: Sequence[Server], cases: Sequence[Case], turns: Sequence[Turn], ceilings: Sequence[Turn], cores: int
) -> dict[str, Any]:
    """Print the tables and the goals; return their values for the report. `cores` is how many the generator can use."""
    rows = {case.name: {server.name: medians(turns, server.name, case.name) for server in servers} for case in cases}
    comparable = [server.name for server in servers if server.name not in YARDSTICKS]
    headroom = {case.name: ceiling.headroom(ceilings, case.name, rows[case.name], comparable, cores) for case in cases}
    peers = [server.name for server in servers if server.peer]
    ours = [name for name in comparable if name not in peers]
    checked = [goal for name in ours for goal in check(rows, name, peers)]
    for case in cases:
        print(f"\n{case.name}: {case.title}\n\n{table(turns, servers, case.name)}")
        if case.tls and (cost := cost_of_tls(turns, servers, case.name)):
            print(f"\n{cost}")
    for name in ours:
        print(f"\ngoals of {name}\n\n{goals_table([goal for goal in checked if goal.server == name])}")
    if any(headroom.values()):
        can_use = "the one core" if cores == 1 else f"the {cores} cores"
        print(f"\nthe generator's own effort, of {can_use} that it can use\n")
        print(*(f"  {line}" for line in headroom.values() if line), sep="\n")
    return {
        "cases": {case.name: case.title for case in cases},
        "generator": {"turns": [asdict(turn) for turn in ceilings], "headroom": headroom},
        "medians": rows,
        "goals": [asdict(goal) for goal in checked],
    }


def _judge_instrument(
    generator: Path, servers: Sequence[Server], steady: Case, rounds: int, scratch: Path
) -> tuple[list[dict[str, Any]], list[str]]:
    """Print the load test's figures beside the generator's, on the first server that is here; and what failed."""
    server = next((server for server in servers if not server.missing()), None)
    if server is None:
        return [], []
    print(f"\n{instrument.NAME}: the load test beside the generator, on {server.name}: {steady.title}\n", flush=True)
    try:
        pairs = instrument.measure(generator, server, steady, rounds, scratch)
    except StartError as error:
        return [], [f"{instrument.NAME} {server.name} FAILED: {error}"]
    print(instrument.described(pairs), flush=True)
    return [asdict(pair) for pair in pairs], []


def _take_turns(
    generator: Path, servers: Sequence[Server], cases: Sequence[Case], rounds: int, scratch: Path
) -> list[Turn]:
    """Run all servers, turn by turn; each round begins with another one."""
    turns: list[Turn] = []
    present = [server for server in servers if not server.missing()]
    for round_ in range(rounds if present else 0):
        rotated = present[round_ % len(present) :] + present[: round_ % len(present)]
        for case in cases:
            for server in rotated if round_ % case.every == 0 else ():
                if server.left_out(case.tls):
                    continue
                with tempfile.TemporaryDirectory(dir=scratch) as folder:
                    turn = take_turn(generator, server, case, round_, Path(folder))
                print(f"round {round_ + 1}/{rounds} {outline(turn)}", file=sys.stderr, flush=True)
                turns.append(turn)
    return turns


if __name__ == "__main__":
    sys.exit(main())
