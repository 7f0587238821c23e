"""Entries that come back late: what a connection has begun is brought to its end, and what has ended stays so."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from bench.still import StillServer, StillSocket
from chat.settings import Settings
from chat.wires.irc import IrcWire
from tests.attacks.late_log import LateLog


class LateServer(StillServer):
    """`catch_up` has everything come that was asked for; `connect` and `say` do so by themselves."""

    def __init__(self) -> None:
        super().__init__(Settings(helpers=0), self._make_log)

    def _make_log(self, node: str, kept: int, clock: Callable[[], float]) -> LateLog:
        self.log = LateLog(node, kept, clock)
        return self.log

    def catch_up(self) -> None:
        self.settle()
        while self.log.waiting:
            self.log.release(1)
            self.settle(at_least=1)

    def connect(self, nick: str, *rooms: str, host: str = "127.0.0.1") -> StillSocket:
        sock = super().connect(nick, *rooms, host=host)
        self.catch_up()
        return sock


@pytest.fixture
def late() -> Iterator[LateServer]:
    with closing(LateServer()) as server:
        yield server


def test_later_commands_wait_for_one_that_is_on_its_way(late: LateServer) -> None:
    ana = late.connect("ana")
    ana.lines()
    late.say(ana, "JOIN #a", "NAMES #a", "PING x")
    assert ana.lines() == []
    late.catch_up()
    verbs = [line.split(" ")[1] for line in ana.lines()]
    assert verbs == ["JOIN", "353", "366", "353", "366", "PONG"]


def test_nothing_follows_the_farewell_of_somebody_whose_quit_is_on_its_way(late: LateServer) -> None:
    ana, bob = late.connect("ana", "#a"), late.connect("bob", "#a")
    late.say(bob, "CAP REQ :labeled-response batch")
    bob.lines()
    late.say(bob, "@label=1 QUIT :bye")
    late.say(ana, "PRIVMSG bob,#a :are you there")
    late.catch_up()
    assert bob.lines() == ["ERROR :Closing link: Quit: bye"]
    assert ":bob!~bob@127.0.0.1 QUIT :Quit: bye" in ana.lines()
    assert late.node.state.find_user("bob") is None


@pytest.mark.parametrize("rooms", [(), ("#a",)])
def test_who_is_gone_before_their_registration_comes_back_leaves_no_ghost(
    late: LateServer, rooms: tuple[str, ...]
) -> None:
    sock = late.adopt(IrcWire())
    late.say(sock, "NICK ana", "USER ana 0 * :ana", *(f"JOIN {room}" for room in rooms))
    sock.ended = True
    late.catch_up()
    assert sock.closed
    assert not late.node.state.users
    assert not late.node.state.rooms


@pytest.mark.parametrize("on_its_way", ["NICK anna", "JOIN #b", "PART #a", "JOIN #b,#c,#d", "PRIVMSG #a :x"])
def test_who_is_gone_before_a_request_of_theirs_comes_back_has_quit(late: LateServer, on_its_way: str) -> None:
    ana, bob = late.connect("ana", "#a"), late.connect("bob", "#a", "#b")
    bob.lines()
    late.say(ana, on_its_way)
    late.loop.connections.drop(late.connection(ana), "Connection reset by peer", farewell=False)
    assert ana.closed
    late.catch_up()
    assert [user.nick for user in late.node.state.users.values()] == ["bob"]
    heard = bob.lines()
    assert sum(" QUIT " in line for line in heard) == (on_its_way != "PART #a"), heard
    late.say(bob, "PRIVMSG #b :still here")
    late.catch_up()
    late.settle()
