"""While a pass's sends are in flight, its sockets are neither written to nor closed, and nobody waits for ever."""

from collections.abc import Iterator
from typing import Any

import pytest

from bench.still import UNLIMITED, StillServer, StillSocket
from chat.server.net.connection import Connection, Phase
from chat.server.net.sender import Planned, SendLoop, Short, send_all


class HeldSender(SendLoop):
    """Makes a pass's sends no earlier than it has to."""

    def __init__(self) -> None:
        super().__init__(0)
        self._plan: dict[Connection, Planned] = {}

    def send(self, plan: dict[Connection, Planned], share: bool) -> list[Short]:
        assert not self.in_flight
        self._plan = plan
        self.in_flight = bool(plan)
        return []

    def collect(self) -> list[Short]:
        shorts: list[Short] = []
        send_all(self._plan.items(), shorts)
        self._plan, self.in_flight = {}, False
        return shorts


@pytest.fixture
def server() -> Iterator[StillServer]:
    still = StillServer(UNLIMITED, sender=HeldSender())
    yield still
    still.close()


def said(sock: StillSocket) -> list[str]:
    return [line.rpartition(":")[2] for line in sock.lines() if "PRIVMSG" in line]


def in_flight(server: StillServer, speaker: StillSocket, *lines: str) -> None:
    """Run one pass, whose sends stay in flight."""
    speaker.said += b"".join(f"PRIVMSG #a :{line}\r\n".encode() for line in lines)
    server.step()
    assert server.sender.in_flight


def test_a_loop_with_nothing_to_do_completes_what_is_in_flight_before_it_waits(
    server: StillServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, ben = server.connect("ana", "#a"), server.connect("ben", "#a")
    said(ben)
    in_flight(server, ana, "one")
    polls: list[tuple[bool, bool]] = []  # whether it may wait, and whether anything is in flight

    def poll(timeout: float | None) -> list[Any]:
        polls.append((timeout != 0.0, server.sender.in_flight))
        return []

    monkeypatch.setattr(server.poller, "poll", poll)
    server.step()
    assert polls == [(False, True), (True, False)]
    assert said(ben) == ["one"]


def test_what_has_come_meanwhile_is_handled_first(server: StillServer) -> None:
    ana, ben = server.connect("ana", "#a"), server.connect("ben", "#a")
    said(ben)
    in_flight(server, ana, "one")
    in_flight(server, ana, "two")
    assert said(ben) == ["one"]
    server.settle(at_least=1)
    assert said(ben) == ["two"]


def test_the_rest_of_a_short_write_goes_before_what_has_come_since(server: StillServer) -> None:
    ana, ben = server.connect("ana", "#a"), server.connect("ben", "#a")
    said(ben)
    in_flight(server, ana, "one", "two")
    ben.room = 20
    ana.said += b"PRIVMSG #a :three\r\n"
    server.step()
    ben.room = None
    server.settle(at_least=1)
    assert said(ben) == ["one", "two", "three"]


def test_the_rest_stands_before_the_farewell(server: StillServer) -> None:
    ana, ben = server.connect("ana", "#a"), server.connect("ben", "#a")
    said(ben)
    in_flight(server, ana, "one")
    ben.room = 7
    ben.said = b"QUIT\r\n"
    server.step()
    ben.room = None
    server.settle(at_least=1)
    lines = ben.lines()
    assert [line.split(" ")[0] for line in lines] == [lines[0].split(" ")[0], "ERROR"]
    assert lines[0].endswith("PRIVMSG #a :one")


@pytest.mark.parametrize("how", ["close", "drop"])
def test_a_socket_is_not_closed_before_its_send_is_made(server: StillServer, how: str) -> None:
    ana, ben = server.connect("ana", "#a"), server.connect("ben", "#a")
    said(ben)
    in_flight(server, ana, "one")
    if how == "close":
        server.loop.connections.close(server.connection(ben), "gone")
    else:
        server.loop.connections.drop(server.connection(ben), "gone", farewell=False)
    assert ben.closed
    assert said(ben) == ["one"]


def test_last_answers_come_behind_what_is_in_flight(server: StillServer) -> None:
    """A peer that has closed its half gets its answers by a send of its own, before the end of the pass."""
    ana, ben = server.connect("ana", "#a"), server.connect("ben", "#a")
    said(ben)
    in_flight(server, ana, "one")
    ben.said, ben.ended = b"PING x\r\n", True
    server.settle(at_least=1)
    assert [line.split(" ")[1] for line in ben.lines()][:2] == ["PRIVMSG", "PONG"]


def test_an_error_of_a_send_in_flight_ends_the_connection(server: StillServer) -> None:
    ana, ben = server.connect("ana", "#a"), server.connect("ben", "#a")
    connection = server.connection(ben)
    ana.lines()
    in_flight(server, ana, "one")
    ben.error = ConnectionResetError(104, "Connection reset by peer")
    server.settle(at_least=1)
    assert connection.phase is Phase.CLOSED
    assert "QUIT :Connection reset by peer" in ana.lines()[-1]


def test_the_end_of_the_loop_completes_what_is_in_flight(server: StillServer) -> None:
    ana, ben = server.connect("ana", "#a"), server.connect("ben", "#a")
    said(ben)
    in_flight(server, ana, "one")
    server.loop.close()
    assert said(ben) == ["one"]
    assert not server.sender.in_flight
