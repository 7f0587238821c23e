"""The two workers of `bench.accounting`, one a process: `python -m bench.accounting_worker KIND PORT MEMBERS`.

It connects. Then, for each number on standard input, it counts that many deliveries and prints its processor time.
"""

# ruff: noqa: E402  (patched first)
from gevent import monkey

monkey.patch_all()  # as Locust does, before anything else

import json
import re
import socket
import sys
import time
from collections.abc import Callable

import gevent
from gevent.fileobject import FileObject
from locust.env import Environment

from bench.process import raise_file_limit
from loadtest.core.examine import Audience
from loadtest.core.ledger import Ledger
from loadtest.core.receiver import Receiver
from loadtest.core.schedules import Schedule
from loadtest.core.slices import Slices
from loadtest.core.stamps import Stamps
from loadtest.locust.chat_user import ChatUser
from loadtest.locust.seams import Row
from loadtest.net.connection import Connection
from loadtest.run.health import settle
from loadtest.wires.irc import IrcWire

Counter = Callable[[int], int]  # from the number to wait for to the deliveries so far

RUN = "0badcafe"  # in the source's stamps
ROOM = "#load"
SIZE = 100  # bytes of a message's text
_TICK_S = 0.2  # as a run's process flushes its account
_LOOK_S = 0.003  # between two checks for the end; far less than a round takes


class AnyTime(int):
    """Equal to all: the source sends when the worker has counted, by no plan."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class AsTheyCome(Schedule):
    def at(self, number: int) -> int:
        return AnyTime()


def usual(port: int, members: int) -> Counter:
    """A greenlet for each connection, an event for each delivery."""
    environment = Environment()
    environment.create_local_runner()
    stamp = re.compile(r"\{[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+\.([0-9a-f]+)\}")

    def listen(sock: socket.socket) -> None:
        rest = b""
        while data := sock.recv(65_536):
            *lines, rest = (rest + data).split(b"\r\n")
            for line in lines:
                found = stamp.search(line.decode())
                if found:
                    environment.events.request.fire(
                        request_type="deliver",
                        name="broadcast",
                        response_time=(time.monotonic_ns() - int(found[1], 16)) / 1e6,
                        response_length=len(line),
                        exception=None,
                        context={},
                    )

    for _ in range(members):
        gevent.spawn(listen, socket.create_connection(("127.0.0.1", port)))
    return lambda wanted: environment.stats.total.num_requests


def fanfare(port: int, members: int) -> Counter:
    """A process of the load test, as it runs in a window."""
    environment = Environment()
    environment.create_local_runner()
    row = Row(environment.stats, "deliver", "broadcast")
    plan = AsTheyCome(time.monotonic_ns(), 1, 1 << 32)
    audiences = {0: Audience(ROOM, members, plan.count, schedule=plan, nick="announcer")}
    ledger = Ledger(
        Stamps(RUN, 1, SIZE), 1_000_000_000, audiences, Slices(time.monotonic_ns(), 1_000_000_000), wire=IrcWire("")
    )
    for _ in range(members):
        user = ChatUser(environment)
        user.ledger, user.receiver = ledger, Receiver(ROOM)
        user.connection = Connection.open((socket.AF_INET, ("127.0.0.1", port)), 10)
        user.connection.on_lines = user._heard
        user.connection.start()

    def tick() -> None:
        while True:
            gevent.sleep(_TICK_S)
            ledger.flush()
            ledger.take_completed()
            row.show(ledger.fanout)

    settle()
    gevent.spawn(tick)

    def counted(wanted: int) -> int:
        """A run flushes five times a second; here, once all is noted."""
        noted = sum(len(batch.moments) * len(batch.stamps) for batch in ledger._batches)
        if ledger.delivered + noted >= wanted:
            ledger.flush()
        return ledger.delivered

    return counted


def main(kind: str, port: int, members: int) -> int:
    raise_file_limit()
    counted = {"usual": usual, "fanfare": fanfare}[kind](port, members)
    for line in FileObject(sys.stdin.fileno(), "r"):
        while (so_far := counted(int(line))) < int(line):
            gevent.sleep(_LOOK_S)
        print(json.dumps([time.process_time(), so_far]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
