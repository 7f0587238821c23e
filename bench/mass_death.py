"""`python -m bench.mass_death`: thousands of a room's members disconnect at once; how does it delay the others?

A server with its default settings runs in one process, the victims in another, the survivors in a third, which only
reads and takes times. The speakers are in this process and send on a timetable. A latency counts from a message's time
in the timetable to its arrival, one sample a survivor. Each way to disconnect is a round with a fresh server: `fin`
shuts all sockets down, `rst` closes them with SO_LINGER 0, `kill` sends SIGKILL to the process that holds them.

`before` is measured with the victims in the room, `after` in the seconds from the first disconnect on. `known` is when
the last survivor had been told of all. `late` is the longest time between two reads of the survivors' process: that
much of a figure may be the instrument's fault."""

import argparse
import multiprocessing
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.command import count, need_program, positive, started, words
from bench.crowd import ROOM, TIMEOUT, Crowd
from bench.machine import facts
from bench.process import ENDINGS, cpu_of, free_port, raise_file_limit, serving
from bench.system_calls import Calls, counted

TURN = 0.02  # s between two reads of a part of the victims' sockets
SETTLE = 1.0  # s between the last join and the first counted message
ROUNDS = ("fin", "rst", "kill")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    return started("mass_death", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.strace:
        need_program("strace", "strace")
    raise_file_limit()
    print(*(f"{name}: {fact}" for name, fact in facts().items()), "", sep="\n")
    print(f"{options.victims:,} victims, {options.survivors:,} survivors, {options.rate:g} messages/s")
    print("way     before p50/p99   after p50/p99 ms   ratio     max  lost  known s  dropped  late ms  CPU s")
    failed = False
    for way in options.ways:
        for _ in range(options.rounds):
            outcome = measure(way, options)
            print(outcome, flush=True)
            failed |= not outcome.ok
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.mass_death", description="Many members die at once.")
    parser.add_argument("--victims", type=count, default=10_000, metavar="N")
    parser.add_argument("--survivors", type=count, default=300, metavar="N")
    parser.add_argument("--rate", type=positive, default=20.0, metavar="R", help="messages/s (default 20)")
    parser.add_argument("--seconds", type=positive, default=5.0, metavar="S", help="before and after (default 5)")
    parser.add_argument(
        "--ways", type=words(ROUNDS), default=list(ROUNDS), metavar="A,B", help=f"of {','.join(ROUNDS)}"
    )
    parser.add_argument("--rounds", type=count, default=1, metavar="N", help="of each way (default 1)")
    parser.add_argument("--strace", action="store_true", help="count the server's system calls from the deaths on")
    return parser


@dataclass
class Outcome:
    way: str
    before: list[float]  # latencies in s
    after: list[float]
    expected: int  # deliveries, before and after
    known: float | None  # s from the first disconnect until the last survivor was told of all; None when it never was
    dropped: int  # survivors that lost their connection or were dropped as slow readers
    late: float  # s
    cpu: float  # s of the server's, after

    @property
    def ok(self) -> bool:
        return self.known is not None and not self.dropped and len(self.before) + len(self.after) == self.expected

    def __str__(self) -> str:
        (p50, p99, _), (after50, after99, most) = _percentiles(self.before), _percentiles(self.after)
        known = "never" if self.known is None else f"{self.known:.2f}"
        lost = self.expected - len(self.before) - len(self.after)
        return (
            f"{self.way:<5}{p50:>10.1f} /{p99:>6.1f}{after50:>11.1f} /{after99:>6.1f}{after99 / p99:>7.2f}x{most:>8.1f}"
            f"{lost:>6}{known:>9}{self.dropped:>9}{self.late * 1000:>9.1f}{self.cpu:>7.2f}"
        )


def _percentiles(samples: list[float]) -> tuple[float, float, float]:
    """p50, p99 and the largest, in ms."""
    ordered = sorted(samples) or [0.0]
    return tuple(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.99, 1.0))  # type: ignore[return-value]


def measure(way: str, options: argparse.Namespace) -> Outcome:
    """One round with a fresh server. All processes that it starts have ended when it returns."""
    port = free_port()
    serve = [sys.executable, "-m", "chat.cli", "serve", "--log", "memory:", "--listen", f"irc://127.0.0.1:{port}"]
    serve += ["--rate-limit", "off"]  # the talkers have just come in, which costs as much as many words
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        with (
            serving(serve, port, log) as server,
            _Child(_survivors, port, options.survivors) as survivors,
            _Child(_victims, port, options.victims) as victims,
        ):
            for child in (victims, survivors):  # 10,000 take a minute, and who reads nothing meanwhile is dropped
                child.ask("enter")
            talkers = Crowd(port, "talker", max(1, round(options.rate / 4)), source=200)
            talkers.enter()
            time.sleep(SETTLE)
            talk = Timetable(talkers, options.rate)
            survivors.tell(options.victims)
            talk.until(time.monotonic() + options.seconds)
            calls = Calls()
            with counted(server.pid, calls) if options.strace else nullcontext():
                cpu, death = cpu_of(server.pid), time.monotonic()
                if way == "kill":
                    victims.kill()
                else:
                    victims.tell(way)
                talk.until(death + options.seconds)
                cpu = cpu_of(server.pid) - cpu
            if calls:
                print(calls)
            talkers.close()
            samples, knowing, dropped, late = survivors.ask(talk.sent)
    before = [latency for at, latency in samples if at < death]
    after = [latency for at, latency in samples if at >= death]
    known = max(knowing) - death if len(knowing) == options.survivors else None
    return Outcome(way, before, after, talk.sent * options.survivors, known, dropped, late, cpu)


class _Child:
    """A child process at the other end of a pipe; it ends with the block."""

    def __init__(self, job: Any, *arguments: Any) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_as_child, args=(job, theirs, *arguments), daemon=True)

    def __enter__(self) -> "_Child":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def tell(self, word: Any) -> None:
        self._pipe.send(word)

    def ask(self, word: Any) -> Any:
        self.tell(word)
        if not self._pipe.poll(TIMEOUT):
            raise SystemExit(f"no answer to {word!r} after {TIMEOUT:.0f} s")
        return self._pipe.recv()

    def kill(self) -> None:
        self._process.kill()


def _as_child(job: Any, *arguments: Any) -> None:
    for number in ENDINGS:  # they are the parent's to handle
        signal.signal(number, signal.SIG_DFL)
    job(*arguments)


@dataclass
class Timetable:
    """Messages at fixed times, whether the earlier ones have arrived or not."""

    crowd: Crowd
    rate: float
    sent: int = 0
    _next: float = field(default_factory=time.monotonic)

    def until(self, end: float) -> None:
        while self._next < end:
            time.sleep(max(0.0, self._next - time.monotonic()))
            sock = self.crowd.socks[self.sent % len(self.crowd.socks)]
            sock.send(f"PRIVMSG {ROOM} :at {self._next:.6f} {'x' * 80}\r\n".encode())
            self.crowd.drain(self.crowd.socks)
            self.sent += 1
            self._next += 1 / self.rate


def _victims(pipe: Connection, port: int, size: int) -> None:
    """Hold the connections, read from each about once a second, and end them as told."""
    crowd = Crowd(port, "victim", size, source=1)
    pipe.recv()
    crowd.enter()
    pipe.send("in")
    turn = 0
    while not pipe.poll(TURN):
        crowd.drain(crowd.socks[turn :: round(1 / TURN)])  # spread out: a thousand reads in a row delay the others
        turn = (turn + 1) % round(1 / TURN)
    way = pipe.recv()
    for sock in crowd.socks:
        if way == "fin":
            sock.shutdown(socket.SHUT_RDWR)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
    signal.pause()


def _survivors(pipe: Connection, port: int, size: int) -> None:
    """Read, and keep the time of each message and of the last disconnect that each connection was told of."""
    crowd = Crowd(port, "survivor", size, source=100)
    pipe.recv()
    crowd.enter()
    pipe.send("in")
    deaths = 0  # the number to come; set when all are in
    epoll = select.epoll()
    readers = {sock.fileno(): _Reader(sock) for sock in crowd.socks}
    for fd in readers:
        epoll.register(fd, select.EPOLLIN)
    sent, late, woke = None, 0.0, time.monotonic()
    deadline = 0.0
    while sent is None or (time.monotonic() < deadline and not _complete(readers.values(), sent, deaths)):
        late = max(late, time.monotonic() - woke) if deaths else 0.0
        ready = epoll.poll(0.05)
        woke = time.monotonic()
        for fd, _ in ready:
            if not readers[fd].read(deaths):
                epoll.unregister(fd)
        if sent is None and pipe.poll():
            if not deaths:
                deaths = pipe.recv()
            else:
                sent, deadline = pipe.recv(), time.monotonic() + 20.0
    samples = [sample for reader in readers.values() for sample in reader.samples]
    knowing = [reader.knew for reader in readers.values() if reader.knew is not None]
    dropped = max(reader.slow for reader in readers.values()) + sum(reader.ended for reader in readers.values())
    pipe.send((samples, knowing, dropped, late))
    signal.pause()


class _Reader:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.samples: list[tuple[float, float]] = []  # intended time, latency
        self.deaths = 0
        self.slow = 0  # dropped for reading slowly
        self.knew: float | None = None
        self.ended = False
        self._rest = b""

    def read(self, deaths: int) -> bool:
        try:
            data = self.sock.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        now = time.monotonic()
        if not data:
            self.ended = True
            return False
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        self.deaths += data.count(b" QUIT ", 0, end)
        self.slow += data.count(b" QUIT :Slow", 0, end)
        if self.knew is None and deaths and self.deaths >= deaths:
            self.knew = now
        at = data.find(b" :at ", 0, end)
        while at >= 0:
            intended = float(data[at + 5 : data.index(b" ", at + 5)])
            self.samples.append((intended, now - intended))
            at = data.find(b" :at ", at + 5, end)
        return True


def _complete(readers: Any, sent: int, deaths: int) -> bool:
    return all(reader.ended or (len(reader.samples) >= sent and reader.deaths >= deaths) for reader in readers)


if __name__ == "__main__":
    sys.exit(main())
