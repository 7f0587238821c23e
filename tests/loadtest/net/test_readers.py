"""Whatever has arrived is read, however much it is and whatever ends it; a connection closed meanwhile is let be."""

import socket
from collections.abc import Iterator

import gevent
import pytest

from loadtest.core.receiver import Moment
from loadtest.net import reader
from loadtest.net.connection import Connection
from loadtest.net.reader import READ_BYTES, Watchers


class Ends:
    """A connection and its far end."""

    def __init__(self) -> None:
        near, self.far = socket.socketpair()
        near.setblocking(False)
        self.connection = Connection(near)
        self.heard = 0
        self.lost: list[str] = []
        self.connection.on_lines = self._hear
        self.connection.on_lost = self.lost.append
        self.connection.start()

    def _hear(self, data: bytes, at: Moment) -> None:
        self.heard += len(data)

    def close(self) -> None:
        self.connection.close()
        self.far.close()


@pytest.fixture(params=["epoll", "watchers"])
def ends(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Ends]]:
    if request.param == "watchers":
        plain = Watchers(gevent.get_hub().loop)
        monkeypatch.setattr("loadtest.net.connection.readers_here", lambda: plain)
    made = [Ends() for _ in range(3)]
    yield made
    for each in made:
        each.close()


def test_more_than_one_read_is_read_to_its_end_and_so_is_the_end(ends: list[Ends]) -> None:
    one = ends[0]
    one.far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    one.far.sendall((b"x" * 99 + b"\n") * (2 * READ_BYTES // 100))
    one.far.close()
    while not one.lost:
        gevent.sleep(0.001)
    assert (one.heard, one.lost) == (2 * READ_BYTES // 100 * 100, ["closed by the server"])


def test_last_words_and_the_end_that_come_together_are_both_noticed(ends: list[Ends]) -> None:
    for each in ends:
        each.far.sendall(b"bye\n")
        each.far.close()
    while not all(each.lost for each in ends):
        gevent.sleep(0.001)
    assert [each.heard for each in ends] == [4, 4, 4]


def test_who_is_closed_by_another_in_the_same_turn_is_not_read(ends: list[Ends]) -> None:
    for each in ends:
        others = [other for other in ends if other is not each]
        each.connection.on_lines = lambda data, at, each=each, others=others: _close(each, others)  # type: ignore[misc]
        each.far.sendall(b"x\n")
    while not any(each.heard for each in ends):
        gevent.sleep(0.001)
    gevent.sleep(0.001)
    assert sorted(each.heard for each in ends) == [0, 0, 1]
    assert [each.lost for each in ends] == [[], [], []]


def _close(reader: Ends, others: list[Ends]) -> None:
    reader.heard += 1
    for other in others:
        other.connection.close()


def test_a_machine_without_epoll_has_watchers(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str, name: str) -> None:
        raise AttributeError(name)

    monkeypatch.setattr("gevent.monkey.get_original", missing)
    assert reader._epoll() is None
