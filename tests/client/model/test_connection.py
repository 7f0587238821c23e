"""When a lost connection is tried again, how it comes back, and when it is given up."""

import errno
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.irc.address import Address, allowed_name, other_names
from chat.client.irc.connect import of_error, of_farewell
from chat.client.irc.news import Join, Kick, Member, Names, News, Person, Quit, Rename, Say
from chat.client.irc.server_news import (
    Connecting,
    Lost,
    NickFree,
    NickRefused,
    Online,
    Problem,
    Refused,
    Supports,
    Welcomed,
)
from chat.client.model.changes import Change
from chat.client.model.connection import BASE, CAP, LASTED, Reconnect, Stage
from chat.client.model.network import Network
from chat.wires.names import is_nickname

ANA = Person("ana", "ana", "here.example")
BEN = Person("ben", "b", "there.example")


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def longest(clock: Clock) -> Reconnect:
    """One without luck: each wait is as long as it can be."""
    return Reconnect(clock=clock, chance=lambda: 1.0)


def waits(reconnect: Reconnect, count: int) -> list[float | None]:
    found = []
    for _ in range(count):
        reconnect.lost()
        found.append(reconnect.left)
    return found


def test_the_waits_grow_up_to_a_limit() -> None:
    assert waits(longest(Clock()), 8) == [1, 2, 4, 8, 16, 32, CAP, CAP]


def test_chance_spreads_each_wait() -> None:
    assert waits(Reconnect(clock=Clock(), chance=lambda: 0.25), 3) == [0.25, 0.5, 1]


def test_there_is_no_attempt_too_many_for_the_arithmetic() -> None:
    assert waits(longest(Clock()), 2000)[-1] == CAP


@given(st.floats(0, 1), st.integers(1, 100))
def test_each_wait_is_within_its_bounds(chance: float, failures: int) -> None:
    """Invariant: 0 <= wait <= min(CAP, BASE * 2 ** k)."""
    wait = waits(Reconnect(clock=Clock(), chance=lambda: chance), failures)[-1]
    assert wait is not None
    assert 0 <= wait <= min(CAP, BASE * 2 ** (failures - 1))


@pytest.mark.parametrize(("lasted", "next_wait"), [(LASTED - 1, 8), (LASTED, 1)])
def test_only_a_connection_that_lasted_begins_anew(lasted: float, next_wait: float) -> None:
    clock = Clock()
    reconnect = longest(clock)
    waits(reconnect, 3)
    reconnect.welcomed()
    clock.now += lasted
    assert waits(reconnect, 1) == [next_wait]
    assert waits(reconnect, 1) == [next_wait * 2]


def test_it_says_how_long_is_left_and_stops_on_demand() -> None:
    clock = Clock()
    reconnect = longest(clock)
    assert reconnect.left is None
    waits(reconnect, 3)
    clock.now += 1.5
    assert reconnect.left == 2.5
    clock.now += 100
    assert reconnect.left == 0
    reconnect.stop()
    assert reconnect.left is None


def network(clock: Clock, *rooms: str) -> Network:
    """Of ana, in #lobby and these rooms."""
    made = Network("ana", "#lobby", "irc.example:6667", clock=lambda: 7.0, reconnect=longest(clock))
    come_in(made, "#lobby", *rooms)
    return made


def come_in(network: Network, *rooms: str, nick: str = "ana") -> None:
    take(network, Connecting("irc.example"), Welcomed(nick, frozenset(), 1.0))
    for room in rooms:
        take(network, Join(Person(nick, "ana", "h"), room, 2.0), Names(room, (Member(nick), Member("ben"))))


def take(network: Network, *news: News) -> list[Change]:
    return [change for one in news for change in network.take(one)]


def test_the_status_counts_down_to_the_next_attempt() -> None:
    clock = Clock()
    ana = network(clock)
    take(ana, Lost("cut", 3.0))
    assert ana.status == "Not connected · next attempt in 1 s"
    assert not ana.connection.due
    clock.now += 1
    assert ana.connection.due
    ana.begin_again()
    assert not ana.connection.due
    assert ana.status == "Connecting to irc.example:6667 …"
    take(ana, Lost("nothing listens", 3.0, Problem.REFUSED))
    assert ana.status == "Not connected · next attempt in 2 s"
    ana.begin_again()  # "now", on demand
    assert ana.connection.stage is Stage.CONNECTING


def test_on_return_every_room_is_joined_that_was_and_the_transcripts_stay() -> None:
    ana = network(Clock(), "#cats", "#dogs")
    ana.join("#keyed", "secret")
    take(ana, Join(ANA, "#keyed", 2.0), Kick(BEN, "#dogs", ANA, 3.0), Say(BEN, "#cats", "miaow", 3.0), Lost("cut", 3.0))
    ana.begin_again()
    assert ana.rooms == ("#lobby", "#cats", "#keyed secret")
    come_in(ana, "#lobby", "#cats", "#keyed")
    assert [talk.name for talk in ana.talks.rooms() if talk.joined] == ["#lobby", "#cats", "#keyed"]
    cats = ana.talks.find("#cats")
    assert cats
    assert [line.text for line in cats.lines] == [
        "You joined #cats",
        "miaow",
        "Connection lost: cut.",
        "You joined #cats",
    ]
    assert cats.members.nicks() == ["ana", "ben"]


HOPELESS = [*(Problem.PASSWORD, Problem.BANNED, Problem.FAULT, Problem.LOGIN, Problem.CERTIFICATE, Problem.SETTINGS)]


@pytest.mark.parametrize("problem", Problem)
def test_what_trying_again_cannot_mend_is_given_up(problem: Problem) -> None:
    ana = network(Clock())
    take(ana, Lost("why", 3.0, problem))
    assert (ana.connection.reconnect.left is None) == (problem in HOPELESS)
    assert ana.connection.problem is problem
    if problem in HOPELESS:
        assert ana.status == "Not connected"
        assert not ana.connection.due
    ana.begin_again()
    assert ana.connection.problem is None


def test_a_host_that_nobody_knows_is_tried_again_only_where_it_was_known() -> None:
    ana = Network("ana", "#lobby", "irc.exmaple", reconnect=longest(Clock()))
    take(ana, Lost("no such host", 3.0, Problem.UNKNOWN_HOST))
    assert ana.connection.reconnect.left is None
    ana = network(Clock())
    take(ana, Lost("cut", 3.0), Connecting("irc.example"), Lost("no such host", 3.0, Problem.UNKNOWN_HOST))
    assert ana.connection.reconnect.left is not None


def test_a_name_in_use_on_return_is_replaced_and_asked_for_again_the_next_time() -> None:
    ana = Network("ana", "#lobby", "irc.example:6667", reconnect=longest(Clock()))
    assert ana.connection.instead == ()
    come_in(ana, "#lobby")
    take(ana, Lost("cut", 3.0))
    ana.begin_again()
    assert "ana_" in ana.connection.instead
    take(ana, Connecting("irc.example"), NickRefused("ana", "in use", True, 4.0, "ana_"))
    assert ana.connection.stage is Stage.CONNECTING
    come_in(ana, "#lobby", nick="ana_")
    assert ana.me.nick == "ana_"
    assert "you come in as ana_" in ana.talks.server.lines[-1].text
    take(ana, Lost("cut", 5.0))
    ana.begin_again()
    assert ana.me.nick == "ana"


def test_a_name_that_we_changed_is_the_one_to_come_back_with() -> None:
    ana = network(Clock())
    take(ana, Rename(ANA, "zoe", 3.0), Lost("cut", 3.0))
    ana.begin_again()
    assert ana.me.nick == "zoe"
    ana.begin_again("eve")
    assert ana.me.nick == ana.me.wanted == "eve"


def test_a_room_that_refuses_us_is_not_asked_for_again() -> None:
    ana = network(Clock())
    ana.join("#cats")
    take(ana, Refused("#cats", "Cannot join channel (+i)", 3.0, "473"), Lost("cut", 3.0))
    assert ana.rooms == ("#lobby",)


@pytest.mark.parametrize("nick", ["ana", "ana_", "ana__", "ana47", "_", "x" * 3])
def test_other_names_are_others_and_good_ones(nick: str) -> None:
    names = other_names(nick)
    assert len(set(names)) == len(names) == 3
    assert nick not in names
    assert all(is_nickname(name) for name in names)


@pytest.mark.parametrize("nick", ["9", "9lives", "-x", "Jürgen", "a b", "日本", ""])
def test_a_name_that_is_not_allowed_gets_one_that_is(nick: str) -> None:
    assert is_nickname(allowed_name(nick))


TARGET = Address("irc.example")
ERRORS = [
    (ConnectionRefusedError(), Problem.REFUSED, "nothing listens at irc.example:6667"),
    (socket.gaierror(socket.EAI_NONAME, ""), Problem.UNKNOWN_HOST, "no server of the name irc.example was found"),
    (UnicodeError("label too long"), Problem.UNKNOWN_HOST, "no server of the name irc.example was found"),
    (socket.gaierror(socket.EAI_AGAIN, ""), Problem.UNREACHABLE, "the name irc.example cannot be looked up now"),
    (OSError(errno.ENETUNREACH, ""), Problem.UNREACHABLE, "there is no way from this machine to irc.example:6667"),
    (TimeoutError(), Problem.UNREACHABLE, "irc.example:6667 does not answer"),
    (ConnectionResetError(), Problem.CUT, "the server cut the connection"),
    (OSError(errno.EMFILE, "Too many open files"), Problem.CUT, "Too many open files"),
]


@pytest.mark.parametrize(("error", "problem", "words"), ERRORS)
def test_what_goes_wrong_with_a_connection_is_said_in_words(error: Exception, problem: Problem, words: str) -> None:
    found, said = of_error(error, TARGET)
    assert found is problem
    assert said.startswith(words)


FAREWELLS = [
    ("Closing link: server is full: 9 connections, the limit is 9", Problem.FULL),
    ("Closing link: too many connections from 127.0.0.1: the limit is 9", Problem.FULL),
    ("Closing Link: ana[h] (Sorry, server is full)", Problem.FULL),
    ("Trying to reconnect too fast.", Problem.FULL),
    ("Your host is trying to (re)connect too fast -- throttled", Problem.FULL),
    ("Closing Link: 127.0.0.1 (Bad Password)", Problem.PASSWORD),
    ("Access denied: Bad password?", Problem.PASSWORD),
    ("Closing link: (~ana@h) [Z-Lined: spam]", Problem.BANNED),
    ("Closing Link: h (G:Lined: spam)", Problem.BANNED),
    ("You have been K-Lined", Problem.BANNED),
    ("You are banned from this server", Problem.BANNED),
    ("You are not authorized to connect to this server", Problem.BANNED),
    ("Registration timed out", Problem.CUT),
    ("the server closed the connection", Problem.CUT),
]


@pytest.mark.parametrize(("said", "problem"), FAREWELLS)
def test_the_last_words_of_a_server_are_understood(said: str, problem: Problem) -> None:
    found, words = of_farewell(said, TARGET, False)
    assert found is problem
    assert words == "irc.example:6667 wants a password" if problem is Problem.PASSWORD else said in words


@pytest.mark.parametrize("nick", ["a_name_that_is_too_long_for_most", "ana", "a_name_of_16_char"])
def test_a_name_that_is_too_long_gets_another_and_a_shorter_one(nick: str) -> None:
    assert allowed_name(nick) != nick
    assert len(allowed_name(nick)) < len(nick)


def test_the_name_that_we_want_is_taken_back_when_it_is_free() -> None:
    ana = Network("ana", "#lobby", "irc.example:6667", reconnect=longest(Clock()))
    come_in(ana, "#lobby", nick="ana_")
    ana.take_output()
    take(ana, Quit(Person("ben", "b", "h"), 3.0))
    assert ana.take_output() == []
    take(ana, Quit(ANA, 3.0))
    assert ana.take_output() == [b"NICK ana\r\n"]
    take(ana, Rename(Person("ana_", "ana", "h"), "ana", 4.0), Quit(ANA, 3.0))
    assert ana.take_output() == []


def test_whether_the_name_is_free_is_asked_where_the_server_does_not_tell() -> None:
    ana = Network("ana", "#lobby", "irc.example:6667", reconnect=longest(Clock()))
    come_in(ana, "#lobby", nick="ana_")
    ana.tick(100.0)
    ana.tick(101.0)
    assert ana.take_output() == [b"ISON ana\r\n"]
    take(ana, Online(("ana",)))
    assert ana.take_output() == []
    take(ana, Online(()))
    assert ana.take_output() == [b"NICK ana\r\n"]
    take(ana, Supports((("MONITOR", "100"),)))
    assert ana.take_output() == [b"MONITOR + ana\r\n"]
    ana.tick(200.0)
    take(ana, NickFree("ANA"))
    assert ana.take_output() == [b"NICK ana\r\n"]
