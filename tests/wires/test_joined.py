import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import Event, Join, Kick, Kind, Leave, Person, Quit, Rename, Say
from chat.wires.joined import JOINED, READ_BYTES, JoinedWire
from chat.wires.wire import BLANK, Command, Enter, Speak, TakeName
from tests.wires.reading import read, read_late

ANA = Person("ana", "~ana", "10.0.0.7")
BOB = Person("bob", "~bob", "10.0.0.8")
UNJOINED = Person("unjoined", "~u", "10.0.0.9")


def client_shows(sends: tuple[bytes, ...]) -> list[str]:
    """The tutorial client's receiving thread, one read a send; what kills it raises here."""
    shown = []
    for data in sends:
        assert len(data) <= 256, "the rest would be another read"
        message = data.decode("utf-8")
        if "joined" in message:
            shown.append(f"{message.split(':')[1]} is in the chat")
        else:
            shown.append(message)
    return shown


SHOWN: list[tuple[Event, tuple[bytes, ...]]] = [
    (Say(ANA, "#lobby", "hi", 0.0), (b"ana: hi",)),
    (Say(ANA, "#lobby", "né ☕", 0.0, Kind.NOTICE), ("ana: né ☕".encode(),)),
    (Say(ANA, "#lobby", "\x01ACTION waves\x01", 0.0), (b"ana: * waves",)),
    (Say(ANA, "bob", "hi", 0.0), (b"ana: (private) hi",)),
    (Say(ANA, "#lobby", "she joined us", 0.0), (b"ana: she joined us",)),
    (Say(ANA, "#lobby", "x" * 252, 0.0), (b"ana: " + b"x" * 251, b"ana: x")),
    (Say(ANA, "#lobby", "é" * 126, 0.0), (b"ana: " + "é".encode() * 125, "ana: é".encode())),
    (Join(ANA, "#lobby", 0.0), (b"joined:ana",)),
    (Join(UNJOINED, "#lobby", 0.0), (b"joined:unjoined",)),
    (Leave(ANA, "#lobby", 0.0, "bye"), (b"ana has left",)),
    (Quit(ANA, 0.0, "she joined another"), (b"ana has left",)),
    (Kick(BOB, "#lobby", ANA, 0.0), (b"ana has left",)),
    (Rename(ANA, "anna", 0.0), (b"ana is now anna",)),
    # a name with the word in it: U+043E for its o, except in the join
    (Leave(UNJOINED, "#lobby", 0.0), ("unj\u043eined has left".encode(),)),
    (Rename(ANA, "joinedjoined", 0.0), ("ana is now j\u043einedj\u043eined".encode(),)),
    (Rename(UNJOINED, "JOINED", 0.0), ("unj\u043eined is now JOINED".encode(),)),
]


@pytest.mark.parametrize(("event", "data"), SHOWN)
def test_an_event_is_shown_as_and_its_client_lives(event: Event, data: tuple[bytes, ...]) -> None:
    assert JOINED.encode(event) == data
    assert len(client_shows(data)) == len(data)


def test_the_client_shows_the_name_of_who_joined_and_the_messages() -> None:
    assert client_shows(JOINED.encode(Join(ANA, "#lobby", 0.0))) == ["ana is in the chat"]
    assert client_shows(JOINED.encode(Say(ANA, "#lobby", "hi: you", 0.0))) == ["ana: hi: you"]
    assert client_shows(JOINED.encode(Leave(UNJOINED, "#lobby", 0.0))) == ["unj\u043eined has left"]


def test_the_client_that_is_imitated_does_die_of_what_is_kept_from_it() -> None:
    with pytest.raises(IndexError):
        client_shows((b"* ana joined",))
    with pytest.raises(UnicodeDecodeError):
        client_shows(("é".encode()[:1],))


def test_nobody_hears_themselves_and_nobody_is_welcomed() -> None:
    assert not JOINED.echoes
    assert not JOINED.sees_own_join
    assert JOINED.welcome("ana") == ()


def test_a_farewell_says_why_and_never_looks_like_a_join() -> None:
    assert JOINED.farewell("Server is stopping") == (b"SERVER: Server is stopping",)
    assert JOINED.farewell("you joined twice") == ("SERVER: you j\u043eined twice".encode(),)
    assert JOINED.farewell("") == ()


def test_many_comings_and_goings_are_one_notice_that_is_no_join() -> None:
    assert JOINED.summary(12) == (b"and 12 more came or went",)
    assert client_shows(JOINED.summary(12)) == ["and 12 more came or went"]


names = st.from_regex(r"[A-Za-z_]{0,12}", fullmatch=True).flatmap(
    lambda part: st.sampled_from([part + "joined", "joined" + part, part or "x"])
)
people = st.builds(Person, names, st.just("~u"), st.just("h"))
notices = st.one_of(
    st.builds(Join, people, st.just("#lobby"), st.just(0.0)),
    st.builds(Leave, people, st.just("#lobby"), st.just(0.0), st.text()),
    st.builds(Quit, people, st.just(0.0), st.text()),
    st.builds(Kick, people, st.just("#lobby"), people, st.just(0.0), st.text()),
    st.builds(Rename, people, names, st.just(0.0)),
)
reasons = st.lists(st.text(max_size=20) | st.just("joined") | st.just("joi") | st.just("ned\x02"), max_size=40)


@given(notices, reasons.map("".join))
def test_any_notice_either_starts_with_joined_or_does_not_hold_the_word(event: Event, reason: str) -> None:
    """Invariant: every joined notice either starts with `joined:` or does not hold the word, whatever the names."""
    for data in (*JOINED.encode(event), *JOINED.farewell(reason)):
        text = data.decode()
        assert text.startswith("joined:") == isinstance(event, Join) or text.startswith("SERVER: ")
        assert text.startswith("joined:") or "joined" not in text


@given(people, st.sampled_from(["#lobby", "bob"]), reasons.map("".join), st.sampled_from(Kind))
def test_no_words_kill_the_client(who: Person, to: str, text: str, kind: Kind) -> None:
    """Invariant: the client survives any words of anybody, and shows one message a send."""
    data = JOINED.encode(Say(who, to, text, 0.0, kind))
    assert len(client_shows(data)) == len(data)
    assert all(part.startswith(f"{who.nick}: ".encode()) for part in data)


def test_the_read_size_is_that_of_the_imitated_client() -> None:
    assert READ_BYTES == 256


READ: list[tuple[list[bytes], list[list[Command]]]] = [  # what each recv returned, and the commands of each
    ([b"joined:ana"], [[Enter("ana")]]),
    ([b"joined:ana", b"ana: hi", b"ana: "], [[Enter("ana")], [Speak("hi")], [BLANK]]),
    ([b" joined: ana \n"], [[Enter("ana")]]),
    ([b"joined:Ana Maria", b"Ana Maria: hi"], [[Enter("Ana_Maria")], [Speak("hi")]]),
    (["joined:José".encode(), "José: hi".encode()], [[Enter("Jos_")], [Speak("hi")]]),
    ([b"joined:ana ", b"ana : hi"], [[Enter("ana")], [Speak("hi")]]),
    # the server's name is not given to anybody, but is the client's own prefix all the same
    ([b"joined:SERVER", b"SERVER: a"], [[Enter("")], [Speak("a")]]),
    ([b"a", b"joined:_server_", b"_server_: b"], [[Enter(""), Speak("a")], [BLANK], [Speak("b")]]),
    # pressed again
    ([b"joined:ana", b"joined:bob", b"ana: a"], [[Enter("ana")], [BLANK], [Speak("a")]]),
    ([b"ana: a", b"joined:ana", b"ana: b"], [[Enter("ana"), Speak("a")], [BLANK], [Speak("b")]]),
    # somebody whose name is the word
    ([b"joined:joined", b"joined: a", b"joined:b"], [[Enter("joined")], [Speak("a")], [BLANK]]),
    # talking without pressing
    ([b"ana: a", b"ana: b", b"bob: c"], [[Enter("ana"), Speak("a")], [Speak("b")], [Speak("bob: c")]]),
    ([b"ana: "], [[Enter("ana")]]),
    ([b"hello"], [[Enter(""), Speak("hello")]]),
    ([b"a", b"b"], [[Enter(""), Speak("a")], [Speak("b")]]),
    # a guest may still give a name, once
    ([b"a", b"joined:ana", b"ana: b"], [[Enter(""), Speak("a")], [TakeName("ana")], [Speak("b")]]),
    ([b"a", b"ana: b", b"joined:ana"], [[Enter(""), Speak("a")], [TakeName("ana"), Speak("b")], [BLANK]]),
    ([b"joined:", b"joined: ", b"joined:ana"], [[Enter("")], [BLANK], [TakeName("ana")]]),
    # the word in a text
    (
        [b"joined:ana", b"ana: joined:bob", b"I joined: yes"],
        [[Enter("ana")], [Speak("joined:bob")], [Speak("I joined: yes")]],
    ),
    # lines, long text, blank text
    ([b"joined:ana\nana: a\nb\n"], [[Enter("ana"), Speak("a"), Speak("b")]]),
    ([b"joined:ana", b"ana: " + b"x" * 351], [[Enter("ana")], [Speak("x" * 350), Speak("x")]]),
    ([b" \n", b"joined:ana"], [[BLANK], [Enter("ana")]]),
    # cut inside a character; invalid UTF-8
    ([b"joined:Jos\xc3", b"\xa9", "José: ☕".encode()], [[], [Enter("Jos_")], [Speak("☕")]]),
    ([b"joined:ana", b"ana: \xe2\x98", b"\x95"], [[Enter("ana")], [], [Speak("☕")]]),
    ([b"joined:a\xff", b"a\xff: b"], [[Enter("a_")], [Speak("b")]]),
    # two sends in one recv: nothing tells where the name ends
    ([b"joined:anaana: hi"], [[Enter("anaana__hi")]]),
    # a name longer than what is remembered is not cut off, and does no harm
    ([b"joined:" + b"x" * 300, b"x" * 300 + b": a"], [[Enter("x" * 30)], [Speak("x" * 300 + ": a")]]),
]


@pytest.mark.parametrize(("parts", "commands"), READ)
def test_what_arrives_is_read_as(parts: list[bytes], commands: list[list[Command]]) -> None:
    wire = JoinedWire()
    assert [read(wire, part) for part in parts] == commands
    assert read_late(JoinedWire(), *parts) == [command for part in commands for command in part]


def test_connecting_alone_does_nothing() -> None:
    assert JoinedWire().next() is None
    assert JoinedWire().greeting == ()
