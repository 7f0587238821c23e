"""`python -m bench.accounting`: how many deliveries a load worker can account for, beside the usual way to write one.

A source in this process writes to 1,000 connections of one worker process, a fixed number of messages to each at a
time ("in flight"), and waits until the worker has counted them all. There are two workers, which take turns:

- *usual*: as Locust files for sockets are written: a greenlet for each connection reads, decodes, cuts the text into
  lines, and calls `events.request.fire` with the latency of each delivery;
- *fanfare*: the read path of `loadtest`, as in a run: one epoll for all, the kernel's time of arrival with each read,
  whole messages examined once for all who read the same bytes, every delivery checked for loss, repetition and order,
  its latency kept in a histogram.

Deliveries are given for each second of the worker's processor time, the rate of one worker on one core. The
source is another process, so that its cost does not count, and it sends no faster than the kernel takes it.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.command import count, counts, need_package, started
from bench.machine import facts
from bench.process import raise_file_limit, running
from loadtest.core import stamps

RUN, ROOM = "0badcafe", "#load"  # as the workers expect them
SIZE = 100  # bytes of a message's text; a long line of chat
WORKERS = ("usual", "fanfare")
GOALS = {1: 2.5, 8: 5.0, 64: 9.0}  # times the usual worker's rate
_DELIVERIES = 600_000  # of one measurement, about: one to ten seconds of a worker
_WAIT = 60.0  # s for a worker to count what it was sent


@dataclass(frozen=True)
class Rate:
    """Deliveries a second: of the worker's processor time, and on the clock."""

    cpu: float
    wall: float


class Source:
    """Sends to one worker's connections, on blocking sockets: a worker that falls behind makes it wait."""

    def __init__(self, worker: "subprocess.Popen[str]", members: int, listener: socket.socket) -> None:
        self._worker = worker
        self._members = [listener.accept()[0] for _ in range(members)]
        self._number = 0

    def warm_up_and_measure(self, in_flight: int, rounds: int) -> Rate:
        self._play(in_flight, max(1, rounds // 10))
        began, cpu, counted = time.monotonic(), *self._state()
        self._play(in_flight, rounds)
        took, (cpu_now, counted_now) = time.monotonic() - began, self._state()
        counted_now -= counted
        return Rate(counted_now / (cpu_now - cpu), counted_now / took)

    def close(self) -> None:
        for member in self._members:
            member.close()

    def _play(self, in_flight: int, rounds: int) -> None:
        for _ in range(rounds):
            now_ns = time.monotonic_ns()
            text = stamps.Stamps(RUN, 1, SIZE).text
            data = b"".join(
                b":announcer!user@host PRIVMSG %b :%b\r\n"
                % (ROOM.encode(), text(stamps.Stamp(0, self._number + n, now_ns)).encode())
                for n in range(in_flight)
            )
            self._number += in_flight
            for member in self._members:
                member.sendall(data)
            self._state()

    def _state(self) -> tuple[float, int]:
        """The worker's processor time and its deliveries, once it has everything that was sent."""
        assert self._worker.stdin
        assert self._worker.stdout
        print(self._number * len(self._members), file=self._worker.stdin, flush=True)
        cpu, counted = json.loads(self._worker.stdout.readline())
        return cpu, counted


def measure(worker: str, members: int, in_flight: int, deliveries: int = _DELIVERIES) -> Rate:
    """One turn of a worker, which must count about this many deliveries, every one of them."""
    rounds = max(3, deliveries // (members * in_flight))
    with socket.create_server(("127.0.0.1", 0), backlog=members) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "bench.accounting_worker", worker, str(port), str(members)]
        with running(command, stdin=subprocess.PIPE, stderr=None) as process:  # type: ignore[arg-type]
            listener.settimeout(_WAIT)
            source = Source(process, members, listener)
            try:
                return source.warm_up_and_measure(in_flight, rounds)
            finally:
                source.close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.accounting", description="What a load worker counts.")
    parser.add_argument("--members", type=count, default=1_000, metavar="N", help="connections (default 1000)")
    parser.add_argument(
        "--in-flight", type=counts, default=[1, 8, 64], metavar="N,M", help="messages at a time (default 1,8,64)"
    )
    parser.add_argument("--rounds", type=count, default=3, metavar="N", help="turns of each worker (default 3)")
    options = parser.parse_args(arguments)
    return started("accounting", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    need_package("locust", "load")
    raise_file_limit()
    print(*(f"{name}: {fact}" for name, fact in facts().items()), "", sep="\n")
    print("deliveries a second     of the worker's processor time              on the clock")
    print("in flight              usual     fanfare   ratio   goal         usual     fanfare")
    for in_flight in options.in_flight:
        rates: dict[str, list[Rate]] = {worker: [] for worker in WORKERS}
        for _ in range(options.rounds):
            for worker in WORKERS:
                rates[worker].append(measure(worker, options.members, in_flight))
        cpu, wall = ([_median(rates[worker], of) for worker in WORKERS] for of in ("cpu", "wall"))
        goal = f"{GOALS[in_flight]:g}" if in_flight in GOALS else "-"
        print(
            f"{in_flight:>9}{cpu[0]:>19,.0f}{cpu[1]:>12,.0f}{cpu[1] / cpu[0]:>8.2f}{goal:>7}"
            f"{wall[0]:>14,.0f}{wall[1]:>12,.0f}",
            flush=True,
        )
    return 0


def _median(rates: Sequence[Rate], of: str) -> float:
    median: float = statistics.median(getattr(rate, of) for rate in rates)
    return median


if __name__ == "__main__":
    sys.exit(main())
