"""`python -m bench.mass_arrival`: thousands of users join one room at once; how much does each cost the server?

For each number of users, a fresh server with its default settings: all connect and register, then all say JOIN at once
and read until each has seen the end of its list of names. The time is taken first. In a second run the server's system
calls are counted under strace, which slows it down, so that only the counts mean anything there.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from bench.command import count, counts, need_program, started
from bench.crowd import Crowd
from bench.machine import facts
from bench.process import cpu_of, free_port, raise_file_limit, serving
from bench.system_calls import Calls, counted


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.mass_arrival", description="Many users join at once.")
    parser.add_argument(
        "--users", type=counts, default=[1250, 2500, 5000], metavar="N,M", help="how many (default 1250,2500,5000)"
    )
    parser.add_argument(
        "--pending", type=count, default=0, metavar="N", help="that join at the same time (default all)"
    )
    options = parser.parse_args(arguments)
    return started("mass_arrival", lambda: _run(options.users, options.pending))


def _run(sizes: Sequence[int], pending: int) -> int:
    need_program("strace", "strace")
    raise_file_limit()
    print(*(f"{name}: {fact}" for name, fact in facts().items()), "", sep="\n")
    print("users   all in after s   CPU s     sends   sends a user   reads   polls")
    for users in sizes:
        took, cpu, _ = arrive(users, pending or users, counting=False)
        calls = arrive(users, pending or users, counting=True)[2]
        print(
            f"{users:<8}{took:>14.2f}{cpu:>8.2f}{calls['sendto']:>10}{calls['sendto'] / users:>15.1f}"
            f"{calls['recvfrom']:>8}{calls['epoll_wait']:>8}",
            flush=True,
        )
    return 0


def arrive(users: int, pending: int, counting: bool) -> tuple[float, float, Calls]:
    """Seconds until all are in, seconds of the server's CPU, and its system calls if they are counted."""
    port, calls = free_port(), Calls()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "chat.cli", "serve", "--log", "memory:", "--listen", f"irc://127.0.0.1:{port}"]
        with serving(command, port, Path(folder, "log")) as server:
            crowd = Crowd(port, "user", users, source=1)
            crowd.connect()
            with counted(server.pid, calls) if counting else nullcontext():
                began, cpu = time.monotonic(), cpu_of(server.pid)
                crowd.join(pending)
                took, cpu = time.monotonic() - began, cpu_of(server.pid) - cpu
            crowd.close()
    return took, cpu, calls


if __name__ == "__main__":
    sys.exit(main())
