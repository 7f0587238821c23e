"""`python -m bench.history`: a log with a million entries on disk: how soon it starts, and what its history costs.

The file is made in the oldest format and brought to the newest one, which is timed. Its newest entries are behind its
snapshot of the state, as a crash leaves them. A server starts with a copy, is killed, and starts again, now with a
fresh snapshot. Then pairs of users talk: first alone, then while one client asks for the newest 100 messages of one
room after the other, then while it asks 60 such questions at a time.
"""

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from bench.command import count, positive, started
from bench.goals import HISTORY_GOALS, check, goals_table
from bench.history_asker import LENGTH, PATIENCE
from bench.history_file import BEHIND, fewest_messages, fill, migrate
from bench.machine import facts
from bench.pairs import Talk
from bench.process import StartError, free_port, raise_file_limit, running, serving

ASKED_ROOMS = 50  # that the asking client is in; each question is about one of them
BURST = 60  # questions at once
RATE = 500  # messages/s of the pairs, together


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.history", description="A log with a million entries.")
    parser.add_argument("--entries", type=count, default=1_000_000, help="in the file (default 1,000,000)")
    parser.add_argument("--rooms", type=count, default=1_000, help="that they are spread over (default 1,000)")
    parser.add_argument("--seconds", type=positive, default=5.0, help="of each part with talk (default 5)")
    parser.add_argument("--rounds", type=count, default=3, help="of starts and talk (default 3)")
    options = parser.parse_args(arguments)
    if options.entries < BEHIND + 4 * options.rooms:
        parser.error(f"argument --entries: at least {BEHIND:,}, and four for each room")
    return started("history", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    raise_file_limit()
    print(*(f"{name}: {fact}" for name, fact in facts().items()), "", sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        path = Path(name) / "log.sqlite"
        fill(path, options.entries, options.rooms)
        took = migrate(path, BEHIND)
        size = path.stat().st_size / 1e6
        print(f"{options.entries:,} entries in {options.rooms:,} rooms, {size:,.0f} MB; {BEHIND:,} behind the snapshot")
        print(f"brought from the oldest format to the newest in {took:.1f} s\n", flush=True)
        turns = [_turn(path, Path(name) / str(number), options) for number in range(options.rounds)]
    medians = {figure: statistics.median(turn[figure] for turn in turns) for figure in turns[0]}
    print(*(f"{figure:44}{value:>10.2f}" for figure, value in medians.items()), sep="\n")
    print(f"\n{goals_table(check({'history': {'fanfare': medians}}, 'fanfare', (), HISTORY_GOALS))}")
    return 0


def _turn(path: Path, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """The figures of one round, on a copy of the file in a new folder."""
    folder.mkdir()
    log = folder / "log.sqlite"
    shutil.copyfile(path, log)
    figures = {}
    with _served(log) as (_, took):
        figures["start after a crash, s"] = took
    with _served(log) as (port, took):
        figures["start, s"] = took
        alone = _talk(port, options.seconds)
        figures["others' p99, nobody asks, ms"] = alone
        for kind, at_once in (("", 1), (f", {BURST} at once", BURST)):
            with _asking(port, at_once, options) as asker:
                others = _talk(port, options.seconds)
                delays = _end(asker)
            figures[f"LATEST p50{kind}, ms"] = statistics.median(delays) * 1000
            figures[f"LATEST p99{kind}, ms"] = _p99(delays)
            figures[f"others' p99{kind}, ms"] = others
            figures[f"added to others' p99{kind}, ms"] = others - alone
    shutil.rmtree(folder)
    return figures


@contextmanager
def _served(log: Path) -> Iterator[tuple[int, float]]:
    """A server's port, and after how many seconds it answered. In the end it is killed."""
    port = free_port()
    command = [sys.executable, "-m", "chat.cli", "serve", "--listen", f"irc://127.0.0.1:{port}"]
    command += ["--log", f"sqlite:{log}", "--rate-limit", "off", "--admin", "off"]
    began = time.monotonic()
    with serving(command, port, log.with_name("output")):
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            client.sendall(b"PING x\r\n")
            client.recv(4096)  # the kernel accepts for a server that still reads its log
        yield port, time.monotonic() - began


def _talk(port: int, seconds: float) -> float:
    """The p99 of a delivery, in ms."""
    with closing(Talk([port])) as talk:
        return _p99(talk.steady(RATE, seconds))


def _p99(delays: Sequence[float]) -> float:
    return sorted(delays)[int(len(delays) * 0.99)] * 1000


@contextmanager
def _asking(port: int, at_once: int, options: argparse.Namespace) -> "Iterator[subprocess.Popen[str]]":
    step = max(1, options.rooms // ASKED_ROOMS)
    rooms = [f"#room{number}" for number in range(0, options.rooms, step)][:ASKED_ROOMS]
    command = [sys.executable, "-m", "bench.history_asker", str(port), str(at_once), *rooms]
    with running(command, stdin=subprocess.PIPE, stderr=None) as asker:  # type: ignore[arg-type]
        assert asker.stdout is not None
        answer, wanted = asker.stdout.readline(), min(LENGTH, fewest_messages(options.entries, options.rooms))
        if int(answer or 0) < wanted:
            raise StartError(f"an answer has {answer.strip() or 0} messages, not {wanted}")
        yield asker


def _end(asker: "subprocess.Popen[str]") -> list[float]:
    """What it has measured, in seconds."""
    assert asker.stdin is not None
    assert asker.stdout is not None
    print(file=asker.stdin, flush=True)
    delays: list[float] = json.loads(asker.stdout.readline())
    return delays


if __name__ == "__main__":
    sys.exit(main())
