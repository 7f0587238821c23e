"""The time that arrived bytes wait to be read is the kernel's word, and a wall clock that is set spoils no figure."""

import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from loadtest.network.arrivals import Arrivals, sample

MS, SECOND = 1_000_000, 1_000_000_000  # ns
WAIT_MS = 20
TRIES = 200  # the kernel begins to note arrivals a moment after it was asked to


class Clocks:
    """Both clocks, set by hand: the wall clock is far ahead, as it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monotonic = 5 * SECOND
        self.ahead = 1_000_000 * SECOND
        monkeypatch.setattr("loadtest.network.arrivals.time", self)

    @property
    def wall(self) -> int:
        return self.monotonic + self.ahead

    def monotonic_ns(self) -> int:
        return self.monotonic

    def time_ns(self) -> int:
        return self.wall


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        sender = socket.create_connection(listener.getsockname())
        reader, _ = listener.accept()
    with sender, reader:
        yield sender, reader


def test_a_wait_is_counted_from_arrival_to_reading(clocks: Clocks) -> None:
    arrivals = Arrivals()
    arrived = clocks.wall
    clocks.monotonic += 7 * MS
    arrivals.note(arrived, clocks.wall, clocks.monotonic)
    assert (arrivals.waits.count, arrivals.waits.longest) == (1, 7_000)


@pytest.mark.parametrize("step", [-3 * SECOND, 3 * SECOND, 2 * MS])
def test_a_wall_clock_that_was_set_between_arrival_and_reading_makes_no_sample(clocks: Clocks, step: int) -> None:
    arrivals = Arrivals()
    arrived = clocks.wall
    clocks.ahead += step
    arrivals.note(arrived, clocks.wall, clocks.monotonic)
    assert arrivals.waits.count == 0
    arrived = clocks.wall
    clocks.monotonic += MS
    arrivals.note(arrived, clocks.wall, clocks.monotonic)
    assert (arrivals.waits.count, arrivals.waits.longest) == (1, 1_000)


def test_a_wall_clock_that_is_slewed_goes_on_counting(clocks: Clocks) -> None:
    arrivals = Arrivals()
    for _ in range(3):
        clocks.monotonic += 100 * SECOND
        clocks.ahead += 50 * MS  # 500 ppm, the fastest
        arrivals.note(clocks.wall - MS, clocks.wall, clocks.monotonic)
    assert arrivals.waits.count == 3


@pytest.mark.parametrize(("connections", "watched"), [(0, 0), (3, 3), (4, 4), (20, 4), (64, 4), (1000, 63)])
def test_every_16th_connection_is_watched_but_a_few_in_any_case(connections: int, watched: int) -> None:
    assert len(sample(range(connections))) >= watched
    assert len(sample(range(connections))) <= max(watched, 2 * 4)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux notes arrivals")
def test_the_kernel_says_when_bytes_came(pair: tuple[socket.socket, socket.socket]) -> None:
    sender, reader = pair
    arrivals = Arrivals()
    read = arrivals.reader(reader)
    assert read
    for _ in range(TRIES):
        sender.sendall(b"hello")
        select.select([reader], [], [])
        until = time.monotonic_ns() + WAIT_MS * MS
        while time.monotonic_ns() < until:
            pass  # busy with something else
        assert read(reader.fileno(), 100) == b"hello"
        if arrivals.waits.longest >= WAIT_MS * 1000:
            break
    assert arrivals.waits.longest >= WAIT_MS * 1000
    with pytest.raises(BlockingIOError):
        read(reader.fileno(), 100)
    sender.close()
    assert read(reader.fileno(), 100) == b""


def test_where_the_kernel_notes_nothing_reading_stays_as_it_was(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert Arrivals().reader(pair[1]) is None
