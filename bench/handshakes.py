"""`python -m bench.handshakes`: a thousand TLS handshakes in a second; how do they delay those who talk?

A fresh server a turn, and pairs that talk on a timetable without TLS. Each turn has a quiet part, and one in which a
process of its own makes handshakes at a fixed rate; its connections stay. A delay counts from when a message was due.
`late` is by how much the process of the handshakes was itself late, at most: the machine was too busy for it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.certificates import KEYS, make_certificate
from bench.command import count, positive, started, words
from bench.machine import facts
from bench.pairs import Talk
from bench.process import StartError, cpu_of, free_port, raise_file_limit, running, serving

GOAL = 3.0  # times the quiet p99


@dataclass(frozen=True)
class Part:
    """What the pairs saw in one part of a turn, in ms, and what the server took of one core, in %."""

    p50: float
    p99: float
    most: float
    cpu: float


@dataclass(frozen=True)
class Turn:
    quiet: Part
    besides: Part
    made: int
    failed: int
    late: float  # ms
    took: float  # ms a handshake, p50


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 the goal is met, 1 it is missed or a handshake failed, 2 could not start."""
    parser = argparse.ArgumentParser(prog="python -m bench.handshakes", description="Handshakes beside people's talk.")
    parser.add_argument("--rate", type=positive, default=1_000.0, metavar="N", help="handshakes/s (default 1000)")
    parser.add_argument("--talk", type=count, default=500, metavar="N", help="messages/s of the pairs (default 500)")
    parser.add_argument("--seconds", type=positive, default=4.0, metavar="S", help="of each part (default 4)")
    parser.add_argument("--rounds", type=count, default=5, metavar="N", help="(default 5)")
    parser.add_argument(
        "--keys", type=words(KEYS), default=["ecdsa"], metavar="A,B", help=f"of {','.join(KEYS)} (default ecdsa)"
    )
    options = parser.parse_args(arguments)
    return started("handshakes", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    raise_file_limit()
    print(*(f"{name}: {fact}" for name, fact in facts().items()), "", sep="\n")
    print(
        f"{options.talk:,} messages a second by pairs, without and with {options.rate:,.0f} handshakes a second; ms\n"
    )
    print(
        "           quiet p50 /  p99    max   CPU  with p50 /  p99     max   CPU  ratio    made  failed    late   each"
    )
    status = 0
    for key in options.keys:
        turns = []
        for _ in range(options.rounds):
            turns.append(measure(options.rate, options.talk, options.seconds, key))
            print(_row(key, turns[-1]), flush=True)
        ratio = statistics.median(turn.besides.p99 / turn.quiet.p99 for turn in turns)
        failed = sum(turn.failed for turn in turns)
        met = ratio <= GOAL and not failed
        print(f"{key}: p99 {ratio:.2f} times the quiet one, the goal is {GOAL:g}: {'met' if met else 'MISSED'}\n")
        status |= not met
    return status


def _row(key: str, turn: Turn) -> str:
    quiet, besides = turn.quiet, turn.besides
    return (
        f"{key:<8}{quiet.p50:>12.2f} /{quiet.p99:>5.2f}{quiet.most:>7.1f}{quiet.cpu:>4.0f} %"
        f"{besides.p50:>10.2f} /{besides.p99:>5.2f}{besides.most:>8.1f}{besides.cpu:>4.0f} %"
        f"{besides.p99 / quiet.p99:>7.2f}{turn.made:>8,}{turn.failed:>8,}{turn.late:>8.1f}{turn.took:>7.1f}"
    )


def measure(rate: float, talk: int, seconds: float, key: str) -> Turn:
    """One turn. Raises StartError."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate, private = make_certificate(folder, key)
        port, secure = free_port(), free_port()
        command = [sys.executable, "-m", "chat.cli", "serve", "--log", "memory:", "--admin", "off"]
        command += ["--listen", f"irc://127.0.0.1:{port}", "--listen", f"ircs://127.0.0.1:{secure}"]
        command += ["--tls-cert", str(certificate), "--tls-key", str(private), "--rate-limit", "off"]
        worker = [sys.executable, "-m", "bench.handshakes_worker", str(secure), str(rate), str(seconds)]
        with (
            serving(command, port, folder / "log") as server,
            running(worker, stdin=subprocess.PIPE, stderr=sys.stderr.fileno()) as clients,
        ):
            assert clients.stdin
            assert clients.stdout
            clients.stdout.readline()
            pairs = Talk([port])
            quiet = _part(pairs, talk, seconds, server.pid)
            print(file=clients.stdin, flush=True)
            besides = _part(pairs, talk, seconds, server.pid)
            pairs.close()
            report = clients.stdout.readline()
            if not report:
                raise StartError(f"the handshakes' process ended with status {clients.wait()}")
    told = json.loads(report)
    if not told["made"]:
        raise StartError(f"none of {told['failed']:,} handshakes was made")
    return Turn(
        quiet, besides, told["made"], told["failed"], told["late"] * 1000, statistics.median(told["took"]) * 1000
    )


def _part(pairs: Talk, rate: int, seconds: float, server: int) -> Part:
    cpu = cpu_of(server)
    delays = sorted(pairs.steady(rate, seconds))
    taken = 100 * (cpu_of(server) - cpu) / seconds
    p50, p99, most = (1000 * delays[min(len(delays) - 1, int(len(delays) * share))] for share in (0.5, 0.99, 1.0))
    return Part(p50, p99, most, taken)


if __name__ == "__main__":
    sys.exit(main())
