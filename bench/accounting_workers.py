"""The two workers of `bench.accounting`. Imported in a process that gevent has patched; each gives its own counter."""

import re
import socket
import time
from collections.abc import Callable

import gevent
from locust.env import Environment

from bench.accounting import ROOM, RUN
from loadtest import stamps
from loadtest.accounts import Account, Audience, Receiver
from loadtest.connection import Connection
from loadtest.epochs import Timetable
from loadtest.rows import Row
from loadtest.slices import Slices
from loadtest.users import ChatUser

_TICK_S = 0.2  # as a run's process flushes its account


def usual(port: int, members: int) -> Callable[[], int]:
    """A greenlet for each connection, an event for each delivery."""
    environment = Environment()
    environment.create_local_runner()
    stamp = re.compile(r"~[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+\.([0-9a-f]+)~")

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
    return lambda: environment.stats.total.num_requests


def fanfare(port: int, members: int) -> Callable[[], int]:
    """What a process of the load test does in a window."""
    environment = Environment()
    environment.create_local_runner()
    row = Row(environment.stats, "deliver", "broadcast")
    plan = Timetable(time.monotonic_ns(), 1, 1 << 32)
    audiences = {0: Audience(ROOM, members, plan.count, timetable=plan)}
    account = Account(stamps.pattern(RUN, 1), 1_000_000_000, audiences, Slices(time.monotonic_ns(), 1_000_000_000))
    for _ in range(members):
        user = ChatUser(environment)
        user.account, user.receiver = account, Receiver(ROOM)
        user.connection = Connection.open((socket.AF_INET, ("127.0.0.1", port)), 10)
        user.connection.on_lines = user._heard
        user.connection.start()

    def tick() -> None:
        while True:
            gevent.sleep(_TICK_S)
            account.flush()
            account.take_completed()
            row.show(account.fanout)

    gevent.spawn(tick)

    def counted() -> int:
        account.flush()
        return account.delivered

    return counted
