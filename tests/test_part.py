"""A part's last word counts what has arrived, read or not: no delivery is lost because the generator was late."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from locust.stats import RequestStats

from loadtest.accounting.accounts import Account, Receiver
from loadtest.accounting.moment import Moment
from loadtest.accounting.stamps import Stamp, Stamps
from loadtest.network.connection import Connection
from loadtest.settings.options import Settings
from loadtest.worker.part import Part

RUN, ROOM, SPEAKER = "deadbeef", "#r", 9
SIZE = 80  # bytes of a message
SECOND = 1_000_000_000  # ns


class Member:
    """One who listens; the speaker is elsewhere."""

    def __init__(self) -> None:
        near, self.far = socket.socketpair()
        near.setblocking(False)
        self.connection: Connection | None = Connection(near)
        self.account: Account | None = None
        self.receiver = Receiver(ROOM)
        self.connection.on_lines = self._heard
        self.connection.start()

    def send_words(self, room: str, words: str) -> bool:
        return False

    def _heard(self, data: bytes, at: Moment) -> None:
        if self.account:
            self.account.receive(self.receiver, data, at)


@pytest.fixture
def members() -> Iterator[dict[int, Member]]:
    here = {number: Member() for number in range(3)}
    yield here
    for member in here.values():
        if member.connection:
            member.connection.close()
        member.far.close()


def orders() -> dict[str, Any]:
    now_ns = time.monotonic_ns()
    speakers = [[0, SPEAKER, ROOM, 0, SECOND, 5, []]]
    window = {"number": 1, "start_ns": now_ns, "end_ns": now_ns + SECOND, "slice_ns": SECOND}
    return {**window, "offset_ns": 0, "speakers": speakers, "crowds": []}


def test_the_last_word_reads_what_has_arrived_and_the_loop_had_no_turn_for(members: dict[int, Member]) -> None:
    part_orders = orders()
    part = Part(RUN, Settings(), members, RequestStats(), part_orders)
    words = Stamps(RUN, 1, SIZE).text(Stamp(0, 0, part_orders["start_ns"]))
    line = f"PRIVMSG {ROOM} :{words}\r\n"
    for member in members.values():
        member.far.sendall(line.encode())
    gone, members[2].connection = members[2].connection, None
    assert part.statement({})["delivered"] == 2
    part.close()
    assert gone
    gone.close()
