import pytest

from chat.events import Event, Join, Kick, Kind, Leave, Person, Quit, Rename, Say
from chat.wires.relay import RELAY, RelayWire
from chat.wires.wire import BLANK, Command, Enter, Speak, TakeName
from tests.wires.reading import read, read_late

ANA = Person("ana", "~ana", "10.0.0.7")
BOB = Person("bob", "~bob", "10.0.0.8")

SHOWN: list[tuple[Event, tuple[bytes, ...]]] = [
    (Say(ANA, "#lobby", "hi", 0.0), (b"ana: hi",)),
    (Say(ANA, "#lobby", "né ☕", 0.0, Kind.NOTICE), ("ana: né ☕".encode(),)),
    (Say(ANA, "#lobby", "\x01ACTION waves\x01", 0.0), (b"ana: * waves",)),
    (Say(ANA, "bob", "hi", 0.0), (b"ana: (private) hi",)),
    (Say(ANA, "#lobby", "x" * 1_020, 0.0), (b"ana: " + b"x" * 1_019, b"ana: x")),
    (Join(ANA, "#lobby", 0.0), (b"* ana joined",)),
    (Leave(ANA, "#lobby", 0.0, "bye"), (b"* ana left",)),
    (Quit(ANA, 0.0, "bye"), (b"* ana left",)),
    (Kick(BOB, "#lobby", ANA, 0.0), (b"* ana left",)),
    (Rename(ANA, "anna", 0.0), (b"* ana is now anna",)),
]


@pytest.mark.parametrize(("event", "data"), SHOWN)
def test_an_event_is_shown_as(event: Event, data: tuple[bytes, ...]) -> None:
    assert RELAY.encode(event) == data


def test_nobody_hears_themselves_and_nobody_is_welcomed() -> None:
    assert not RELAY.echoes
    assert not RELAY.sees_own_join
    assert RELAY.welcome("ana") == ()


def test_a_farewell_says_why() -> None:
    assert RELAY.farewell("Server is stopping") == (b"* Server is stopping",)
    assert RELAY.farewell("") == ()


def test_many_comings_and_goings_are_one_notice() -> None:
    assert RELAY.summary(12) == (b"* and 12 more came or went",)


def test_connecting_alone_does_nothing() -> None:
    assert RelayWire().greeting == ()
    assert RelayWire().next() is None


READ: list[tuple[list[bytes], list[list[Command]]]] = [  # what each recv returned, and the commands of each
    ([b"ana: hi"], [[Enter("ana"), Speak("hi")]]),
    ([b"ana: hi", b"ana: there"], [[Enter("ana"), Speak("hi")], [Speak("there")]]),
    ([b" ana: hi \r\n"], [[Enter("ana"), Speak("hi")]]),
    ([b"ana: ", b"ana:  ", b"ana: x"], [[Enter("ana")], [BLANK], [Speak("x")]]),
    # a guest, who may still give a name, once
    ([b"hi", b"there"], [[Enter(""), Speak("hi")], [Speak("there")]]),
    ([b"hi", b"ana: hi"], [[Enter(""), Speak("hi")], [TakeName("ana"), Speak("hi")]]),
    ([b"hi", b"ana: ", b"bob: x"], [[Enter(""), Speak("hi")], [TakeName("ana")], [Speak("bob: x")]]),
    # the name is fixed once claimed, and only that name is cut off
    ([b"ana: a", b"bob: b", b"c"], [[Enter("ana"), Speak("a")], [Speak("bob: b")], [Speak("c")]]),
    ([b"ana: a", b"ana2: b"], [[Enter("ana"), Speak("a")], [Speak("ana2: b")]]),
    ([b"ana: ana: a"], [[Enter("ana"), Speak("ana: a")]]),
    # a name that IRC does not take
    (["José: a".encode(), "José: b".encode()], [[Enter("Jos_"), Speak("a")], [Speak("b")]]),
    ([b"1-2: a", b"1-2: b"], [[Enter("_-2"), Speak("a")], [Speak("b")]]),
    # the server's name is not given to anybody, but is the client's own prefix all the same
    ([b"SERVER: a", b"SERVER: b"], [[Enter(""), Speak("a")], [Speak("b")]]),
    ([b"a", b"server2: b", b"server2: c"], [[Enter(""), Speak("a")], [Speak("b")], [Speak("c")]]),
    # no name at all
    ([b"ana:hi"], [[Enter(""), Speak("ana:hi")]]),
    ([b"ana b: hi"], [[Enter(""), Speak("ana b: hi")]]),
    ([b"x" * 30 + b": hi"], [[Enter("x" * 30), Speak("hi")]]),
    ([b"x" * 31 + b": hi"], [[Enter(""), Speak("x" * 31 + ": hi")]]),
    # lines, long text, blank text
    ([b"ana: a\nb\nana: c\n"], [[Enter("ana"), Speak("a"), Speak("b"), Speak("c")]]),
    ([b"ana: " + b"x" * 351], [[Enter("ana"), Speak("x" * 350), Speak("x")]]),
    ([b"  ", b"\n\n", b"ana: hi"], [[BLANK], [BLANK, BLANK], [Enter("ana"), Speak("hi")]]),
    ([b"ana: a\n\n b\n"], [[Enter("ana"), Speak("a"), BLANK, Speak("b")]]),
    # cut inside a character; invalid UTF-8
    ([b"ana: caf\xc3", b"\xa9!", b"ana: b"], [[], [Enter("ana"), Speak("café!")], [Speak("b")]]),
    ([b"ana: caf\xe9", b"ana: b"], [[], [Enter("ana"), Speak("caf\ufffd"), Speak("b")]]),
    ([b"ana: \xff"], [[Enter("ana"), Speak("\ufffd")]]),
    # two sends in one recv: nothing tells where the first ended
    ([b"ana: hiana: there"], [[Enter("ana"), Speak("hiana: there")]]),
]


@pytest.mark.parametrize(("parts", "commands"), READ)
def test_what_arrives_is_read_as(parts: list[bytes], commands: list[list[Command]]) -> None:
    wire = RelayWire()
    assert [read(wire, part) for part in parts] == commands
    assert read_late(RelayWire(), *parts) == [command for part in commands for command in part]
