"""`python -m bench.costs`: what a message, a join, a leave, a rename and silence cost the server, in counts.

The server stands still (`bench.still`): its passes are run one by one over sockets that take everything, so that the
counts are the same in every run. `calls` are calls of the server's own functions; `peak KiB` is the memory taken
meanwhile, by tracemalloc; `CPU µs` is the best of several repetitions, without the kernel's part, which a fake socket
does not have. With `--strace` the system calls of a real server are counted too, for a message and for silence.
"""

import argparse
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.command import counts, need_program, started
from bench.crowd import Crowd
from bench.machine import facts
from bench.process import free_port, raise_file_limit, serving
from bench.still import StillServer, StillSocket, counted, still_server
from bench.system_calls import Calls
from bench.system_calls import counted as straced

REPETITIONS = 7  # the quickest counts
SILENCE = 5.0  # s under strace without any message
WORDS = f"PRIVMSG #a :{'x' * 100}"


class Forgotten(list[bytes]):
    """Keeps nothing."""

    def append(self, item: bytes) -> None: ...


Deed = Callable[[StillServer, list[StillSocket], int], None]

DEEDS: dict[str, Deed] = {
    "a message": lambda server, room, _: server.say(room[0], WORDS),
    "64 messages at once": lambda server, room, _: server.say(room[0], *[WORDS] * 64),
    "everyone says one": lambda server, room, _: server.say_all(room, WORDS),
    "a rename": lambda server, room, turn: server.say(room[1], f"NICK other{turn}"),
    "a leave": lambda server, room, turn: server.say(room[-2 - turn], "PART #a"),
    "a join": lambda server, room, turn: server.say(room[-2 - turn], "JOIN #a"),
    "a pass of silence": lambda server, room, _: server.settle(at_least=1),
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description="What things cost the server.")
    parser.add_argument(
        "--members", type=counts, default=[100, 1000], metavar="N,M", help="in the room (default 100,1000)"
    )
    parser.add_argument("--strace", action="store_true", help="count a real server's system calls too")
    options = parser.parse_args(arguments)
    return started("costs", lambda: _run(options.members, options.strace))


def _run(sizes: Sequence[int], strace: bool) -> int:
    if strace:
        need_program("strace", "strace")
    print(*(f"{name}: {fact}" for name, fact in facts().items()), "", sep="\n")
    print(f"{'':22}members   encodes   posts    sends    calls   peak KiB       CPU µs")
    for size in sizes:
        with still_server() as server:
            room = [server.connect(f"user{number}", "#a") for number in range(size)]
            for sock in room:
                sock.heard = Forgotten()  # or what was sent would count as the server's memory
            for name, deed in DEEDS.items():
                print(f"{name:22}{size:>7,}{_measured(server, room, deed)}", flush=True)
        print()
    if strace:
        raise_file_limit()
        for size in sizes:
            _count_system_calls(size)
    return 0


def _measured(server: StillServer, room: list[StillSocket], deed: Deed) -> str:
    with counted(server) as counts:
        deed(server, room, 0)
    tracemalloc.start()
    deed(server, room, 1)
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    deed(server, room, 2)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    best = float("inf")
    for turn in range(3, 3 + REPETITIONS):
        began = time.thread_time()
        deed(server, room, turn)
        best = min(best, time.thread_time() - began)
    return (
        f"{counts['encodes']:>10,}{counts['posts']:>8,}{counts['sends']:>9,}{counts['calls']:>9,}"
        f"{peak / 1024:>11,.0f}{best * 1e6:>13,.0f}"
    )


def _count_system_calls(members: int) -> None:
    port, calls, silence = free_port(), Calls(), Calls()
    command = [sys.executable, "-m", "chat.cli", "serve", "--log", "memory:", "--listen", f"irc://127.0.0.1:{port}"]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(command, port, Path(folder, "log")) as server,
    ):
        crowd = Crowd(port, "user", members, source=1)
        crowd.enter()
        crowd.say("everybody has come by now")
        with straced(server.pid, calls):
            crowd.say("x" * 100)
        with straced(server.pid, silence):
            time.sleep(SILENCE)
        crowd.close()
    print(f"system calls, {members:,} members, a message: {calls}; {SILENCE:g} s of silence: {silence or 'none'}")


if __name__ == "__main__":
    sys.exit(main())
