"""A part's last word counts what has arrived, read or not: no delivery is lost because the generator was late."""

import socket
import time
from collections.abc import Iterator

import pytest

from loadtest.core.receiver import Moment, Receiver, Sink
from loadtest.core.stamps import Stamp, Stamps
from loadtest.net.connection import Connection
from loadtest.run.messages import Opening, SenderPlan
from loadtest.run.part import Part
from loadtest.run.settings import Settings

RUN, ROOM, SPEAKER = "deadbeef", "#r", 9
SIZE = 80  # bytes of a message
SECOND = 1_000_000_000  # ns


class Member:
    """One who listens; the speaker is elsewhere."""

    def __init__(self) -> None:
        near, self.far = socket.socketpair()
        near.setblocking(False)
        self.connection: Connection | None = Connection(near)
        self.ledger: Sink | None = None
        self.node = 0
        self.receiver = Receiver(ROOM)
        self.connection.on_lines = self._heard
        self.connection.start()

    def send_words(self, room: str, words: str) -> bool:
        return False

    def _heard(self, data: bytes, at: Moment) -> None:
        if self.ledger:
            self.ledger.receive(self.receiver, data, at)


@pytest.fixture
def members() -> Iterator[dict[int, Member]]:
    here = {number: Member() for number in range(3)}
    yield here
    for member in here.values():
        if member.connection:
            member.connection.close()
        member.far.close()


def opening() -> Opening:
    now_ns = time.monotonic_ns()
    return Opening(1, now_ns, now_ns + SECOND, SECOND, [SenderPlan(0, SPEAKER, ROOM, 0, SECOND, 5)])


def test_the_last_word_reads_what_has_arrived_and_the_loop_had_no_turn_for(members: dict[int, Member]) -> None:
    one = opening()
    part = Part(RUN, Settings(), members, lambda kind, name: lambda histogram: None, one)
    words = Stamps(RUN, 1, SIZE).text(Stamp(0, 0, one.start_ns))
    line = f"PRIVMSG {ROOM} :{words}\r\n"
    for member in members.values():
        member.far.sendall(line.encode())
    gone, members[2].connection = members[2].connection, None
    assert part.statement({}).delivered == 2
    part.close()
    assert gone
    gone.close()
