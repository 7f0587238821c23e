"""`python -m bench.shared_log`: what a shared log adds to a delivery, and how much goes through it.

Pairs of users, the speaker on one node and the listener on another. The same talk goes by one node with `memory:`, by
one with the shared log, and by two; turn by turn. Takes a `redis-server`.
"""

import argparse
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.command import count, need_package, need_program, positive, started
from bench.machine import facts
from bench.pairs import Talk
from bench.process import StartError, free_port, last_words, raise_file_limit, running, serving


@contextmanager
def store(folder: Path) -> Iterator[str]:
    path = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", ""]
    words = folder / "redis.log"
    words.touch()
    with running([*command, "--appendonly", "yes", "--logfile", str(words)]) as process:
        with socket.socket(socket.AF_UNIX) as probe:
            while probe.connect_ex(str(path)):
                if process.poll() is not None:
                    raise StartError(f"redis-server ended with status {process.returncode}{last_words(words)}")
                time.sleep(0.02)
        yield f"unix://{path}"


@contextmanager
def nodes(count: int, log: str, folder: Path) -> Iterator[list[int]]:
    with ExitStack() as stack:
        ports = []
        for number in range(count):
            port = free_port()
            command = [sys.executable, "-m", "chat.cli", "serve", "--listen", f"irc://127.0.0.1:{port}", "--log", log]
            command += ["--rate-limit", "off", "--admin", "off", "--node", f"node{number}"]
            stack.enter_context(serving(command, port, folder / f"node{number}.log"))
            ports.append(port)
        yield ports


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.shared_log", description="What a shared log adds and takes.")
    parser.add_argument("--rate", type=count, default=5_000, help="messages/s of the steady part (default 5,000)")
    parser.add_argument("--seconds", type=positive, default=4.0, help="of a steady turn (default 4)")
    parser.add_argument("--total", type=count, default=60_000, help="messages of a saturated turn (default 60,000)")
    parser.add_argument("--rounds", type=count, default=3, help="of each row (default 3)")
    options = parser.parse_args(arguments)
    return started("shared_log", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    need_program("redis-server", "redis-server")
    need_package("redis", "cluster")
    raise_file_limit()
    print(*(f"{name}: {fact}" for name, fact in facts().items()), "", sep="\n")
    rows = {"one node, memory:": (1, False), "one node, shared log": (1, True), "two nodes, shared log": (2, True)}
    figures: dict[str, list[tuple[float, float, float]]] = {name: [] for name in rows}
    for _ in range(options.rounds):
        for name, (size, shared) in rows.items():
            figures[name].append(_turn(size, shared, options.rate, options.seconds, options.total))
    print(f"{'':24}{'p50 ms':>10}{'p99 ms':>10}{'messages/s, saturated':>26}")
    for name, turns in figures.items():
        p50, p99, most = (statistics.median(values) for values in zip(*turns, strict=True))
        print(f"{name:24}{p50 * 1000:>10.2f}{p99 * 1000:>10.2f}{most:>26,.0f}")
    return 0


def _turn(count: int, shared: bool, rate: int, seconds: float, total: int) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        log = stack.enter_context(store(folder)) if shared else "memory:"
        ports = stack.enter_context(nodes(count, log, folder))
        talk = Talk(ports)
        delays = sorted(talk.steady(rate, seconds))
        talk.close()
        talk = Talk(ports)
        most = talk.saturated(total)
        talk.close()
    return delays[len(delays) // 2], delays[int(len(delays) * 0.99)], most


if __name__ == "__main__":
    sys.exit(main())
