"""Servers that can be killed: a parent that has imported everything forks one for each line that it reads.

`python -m tests.disk.crashing PATH DURABILITY` answers each line with `PID PORT`.
"""

import os
import signal
import sys
import time

from chat.server.server import Server
from chat.settings import Settings, parse_address


def serve(path: str, durability: str) -> None:
    """Run a server until something kills it."""
    listen = (parse_address("irc://127.0.0.1:0"),)
    settings = Settings(listen=listen, log=f"sqlite:{path}", durability=durability, rate_limit=0.0, history_length=0)
    server = Server(settings)
    (address,) = server.start()
    print(os.getpid(), address.port, flush=True)
    while True:
        time.sleep(60.0)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        if not os.fork():
            serve(*sys.argv[1:])


if __name__ == "__main__":
    main()
