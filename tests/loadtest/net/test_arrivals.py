"""A latency ends when the kernel had the bytes, and a wall clock that is set spoils no figure."""

import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from loadtest.net.reader import CONTROL_BYTES, Pulse, Wall, ask_for_stamps

MS, SECOND = 1_000_000, 1_000_000_000  # ns
WAIT_MS = 20
TRIES = 200  # the kernel begins to note arrivals a moment after it was asked to


class Clocks:
    """Both clocks, set by hand: the wall clock is far ahead, as it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monotonic = 5 * SECOND
        self.ahead = 1_000_000 * SECOND
        monkeypatch.setattr("loadtest.net.reader.time", self)

    @property
    def wall(self) -> int:
        return self.monotonic + self.ahead

    def monotonic_ns(self) -> int:
        return self.monotonic

    def time_ns(self) -> int:
        return self.wall

    def control(self) -> list[Any]:
        """What a read of bytes that came now has beside them."""
        return [(socket.SOL_SOCKET, 35, struct.pack("@ll", *divmod(self.wall, SECOND)))]


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


def test_an_arrival_is_told_by_the_monotonic_clock(clocks: Clocks) -> None:
    wall, came, control = Wall(), clocks.monotonic, clocks.control()
    clocks.monotonic += 7 * MS
    wall.look()
    assert wall.arrival(control, clocks.monotonic) == came


def test_without_a_stamp_bytes_came_as_they_were_read(clocks: Clocks) -> None:
    assert Wall().arrival([], clocks.monotonic) == clocks.monotonic


@pytest.mark.parametrize("step", [-3 * SECOND, 3 * SECOND, 3 * MS])
def test_after_the_wall_clock_was_set_no_stamp_is_trusted_for_a_while(clocks: Clocks, step: int) -> None:
    wall, control = Wall(), clocks.control()
    clocks.ahead += step
    clocks.monotonic += MS
    wall.look()
    assert wall.arrival(control, clocks.monotonic) == clocks.monotonic
    clocks.monotonic += 2 * SECOND
    wall.look()
    came, control = clocks.monotonic, clocks.control()
    clocks.monotonic += MS
    assert wall.arrival(control, clocks.monotonic) == came


def test_a_wall_clock_that_is_slewed_is_trusted(clocks: Clocks) -> None:
    wall = Wall()
    for _ in range(3):
        clocks.monotonic += 100 * SECOND
        clocks.ahead += 50 * MS  # 500 ppm, the fastest
        wall.look()
        came, control = clocks.monotonic, clocks.control()
        clocks.monotonic += MS
        assert wall.arrival(control, clocks.monotonic) == came


def test_no_arrival_is_after_the_reading(clocks: Clocks) -> None:
    wall, control = Wall(), clocks.control()
    assert wall.arrival(control, clocks.monotonic - 1) == clocks.monotonic - 1


def test_what_woke_the_loop_came_then(clocks: Clocks) -> None:
    pulse = Pulse()
    pulse.before()
    clocks.monotonic += 5 * MS
    assert pulse.earliest(clocks.monotonic) == clocks.monotonic


def test_what_a_busy_loop_finds_may_have_come_since_it_last_looked(clocks: Clocks) -> None:
    pulse = Pulse()
    pulse.before()
    looked = clocks.monotonic
    pulse.emptied_ns = looked
    clocks.monotonic += 99 * MS
    pulse.before()
    assert pulse.earliest(clocks.monotonic + 1_000) == looked


def test_a_loop_that_slept_longer_than_it_can_was_kept_from_running(clocks: Clocks) -> None:
    pulse = Pulse()
    pulse.before()
    began = clocks.monotonic
    clocks.monotonic += 500 * MS
    assert pulse.earliest(clocks.monotonic) == began + 11 * MS


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        sender = socket.create_connection(listener.getsockname())
        reader, _ = listener.accept()
    with sender, reader:
        yield sender, reader


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux notes arrivals")
def test_the_kernel_says_when_bytes_came(pair: tuple[socket.socket, socket.socket]) -> None:
    sender, reader = pair
    assert ask_for_stamps(reader)
    waited_ns = 0
    for _ in range(TRIES):
        sender.sendall(b"hello")
        select.select([reader], [], [])
        until = time.monotonic_ns() + WAIT_MS * MS
        while time.monotonic_ns() < until:
            pass  # busy with something else
        data, control, _, _ = reader.recvmsg(100, CONTROL_BYTES)
        assert data == b"hello"
        now_ns = time.monotonic_ns()
        waited_ns = now_ns - Wall().arrival(control, now_ns)
        if waited_ns >= WAIT_MS * MS - MS:
            break
    assert waited_ns >= WAIT_MS * MS - MS


def test_where_the_kernel_notes_nothing_none_is_asked_for(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not ask_for_stamps(pair[1])
