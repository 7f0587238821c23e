import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import Event, Join, Kick, Kind, Leave, Person, Quit, Rename, Say
from chat.wires.nick import NICK, READ_BYTES, NickWire
from chat.wires.wire import BLANK, Command, Enter, Speak
from tests.wires.reading import read, read_late

ANA = Person("ana", "~ana", "10.0.0.7")
BOB = Person("bob", "~bob", "10.0.0.8")


def client_answers(sends: tuple[bytes, ...], name: str) -> tuple[list[bytes], str]:
    """The tutorial client's receiving thread, one read a send: what it sends back, and all that it shows."""
    answers, shown = [], ""
    for data in sends:
        assert len(data) <= 1_024, "the rest would be another read"
        message = data.decode("utf-8")
        if message == "NICK":
            answers.append(name.encode("utf-8"))
        else:
            shown += message
    return answers, shown


SHOWN: list[tuple[Event, tuple[bytes, ...]]] = [
    (Say(ANA, "#lobby", "hi", 0.0), (b"ana: hi\n",)),
    (Say(ANA, "#lobby", "né ☕", 0.0, Kind.NOTICE), ("ana: né ☕\n".encode(),)),
    (Say(ANA, "#lobby", "\x01ACTION waves\x01", 0.0), (b"ana: * waves\n",)),
    (Say(ANA, "bob", "hi", 0.0), (b"ana: (private) hi\n",)),
    (Say(ANA, "#lobby", "NICK", 0.0), (b"ana: NICK\n",)),
    (Say(ANA, "#lobby", "x" * 1_019, 0.0), (b"ana: " + b"x" * 1_018 + b"\n", b"ana: x\n")),
    (Join(ANA, "#lobby", 0.0), (b"ana connected to the server!\n",)),
    (Leave(ANA, "#lobby", 0.0, "bye"), (b"ana has left the chat.\n",)),
    (Quit(ANA, 0.0, "bye"), (b"ana has left the chat.\n",)),
    (Kick(BOB, "#lobby", ANA, 0.0), (b"ana has left the chat.\n",)),
    (Rename(ANA, "NICK", 0.0), (b"ana is now NICK\n",)),
]


@pytest.mark.parametrize(("event", "data"), SHOWN)
def test_an_event_is_shown_as_and_asks_the_client_for_nothing(event: Event, data: tuple[bytes, ...]) -> None:
    assert NICK.encode(event) == data
    assert client_answers(data, "bob") == ([], b"".join(data).decode())


def test_the_client_answers_the_question_and_is_welcomed() -> None:
    wire = NickWire()
    assert wire.greeting == (b"NICK",)
    answers, shown = client_answers(wire.greeting, "ana")
    assert (answers, shown) == ([b"ana"], "")
    assert read(wire, answers[0]) == [Enter("ana")]
    assert NICK.welcome("ana") == (b"Connected to the server",)
    assert client_answers(NICK.welcome("ana"), "ana") == ([], "Connected to the server")


def test_nobody_hears_themselves() -> None:
    assert not NICK.echoes
    assert not NICK.sees_own_join


def test_a_farewell_says_why_and_is_never_the_question() -> None:
    assert NICK.farewell("Server is stopping") == (b"Server is stopping\n",)
    assert NICK.farewell("NICK") == (b"NICK\n",)
    assert NICK.farewell("") == ()


def test_many_comings_and_goings_are_one_notice() -> None:
    assert NICK.summary(12) == (b"and 12 more came or went\n",)
    assert client_answers(NICK.summary(12), "ana") == ([], "and 12 more came or went\n")


names = st.sampled_from(["NICK", "ana", "n" * 30])
people = st.builds(Person, names, st.just("~u"), st.just("h"))
texts = st.text() | st.just("NICK") | st.builds(str.__mul__, st.just("NICK "), st.integers(1, 900))
events = st.one_of(
    st.builds(Say, people, st.sampled_from(["#lobby", "bob"]), texts, st.just(0.0), st.sampled_from(Kind)),
    st.builds(Join, people, st.just("#lobby"), st.just(0.0)),
    st.builds(Quit, people, st.just(0.0), texts),
    st.builds(Rename, people, names, st.just(0.0)),
)


@given(events, texts)
def test_nothing_but_the_greeting_asks_for_the_name_and_each_send_is_one_line(event: Event, reason: str) -> None:
    """Invariant: no send is `NICK`, and each ends with its only line feed, because the client shows it as it is."""
    for data in (*NICK.encode(event), *NICK.farewell(reason)):
        assert client_answers((data,), "ana") == ([], data.decode())
        assert data.endswith(b"\n")
        assert data.count(b"\n") == 1


def test_the_read_size_is_that_of_the_imitated_client() -> None:
    assert READ_BYTES == 1_024


READ: list[tuple[list[bytes], list[list[Command]]]] = [  # what each recv returned, and the commands of each
    ([b"ana"], [[Enter("ana")]]),
    ([b"ana\n", b"ana: hi\n", b"ana: \n"], [[Enter("ana")], [Speak("hi")], [BLANK]]),
    ([b"Ana Maria", b"Ana Maria: hi\n"], [[Enter("Ana_Maria")], [Speak("hi")]]),
    ([b"ana ", b"ana : hi\n", b"ana: hi\n"], [[Enter("ana")], [Speak("hi")], [Speak("hi")]]),
    ([b"ana", b"ana2: hi\n", b"hi\n"], [[Enter("ana")], [Speak("ana2: hi")], [Speak("hi")]]),
    ([b"ana", b"ana: ana: hi\n"], [[Enter("ana")], [Speak("ana: hi")]]),
    ([b"NICK"], [[Enter("NICK")]]),
    ([b"\xe2\x80\x8b", b"hi\n"], [[Enter("")], [Speak("hi")]]),  # a name of which nothing can be seen
    ([b"Server", b"Server: hi\n"], [[Enter("")], [Speak("hi")]]),
    # lines, two sends in one recv, long text, blank text
    ([b"ana", b"ana: a\nana: b\nc\n"], [[Enter("ana")], [Speak("a"), Speak("b"), Speak("c")]]),
    ([b"ana", b"ana: " + b"x" * 351 + b"\n"], [[Enter("ana")], [Speak("x" * 350), Speak("x")]]),
    ([b" ", b"ana"], [[BLANK], [Enter("ana")]]),
    # cut inside a character; invalid UTF-8
    ([b"Jos\xc3", b"\xa9", b"Jos\xc3\xa9: \xe2", b"\x98\x95\n"], [[], [Enter("Jos_")], [], [Speak("☕")]]),
    ([b"a\xff", b"a\xff: b\xff\n"], [[Enter("a_")], [Speak("b\ufffd")]]),
    # a name longer than what is remembered is not cut off, and does no harm
    ([b"x" * 300, b"x" * 300 + b": a\n"], [[Enter("x" * 30)], [Speak("x" * 300 + ": a")]]),
]


@pytest.mark.parametrize(("parts", "commands"), READ)
def test_what_arrives_is_read_as(parts: list[bytes], commands: list[list[Command]]) -> None:
    wire = NickWire()
    assert [read(wire, part) for part in parts] == commands
    assert read_late(NickWire(), *parts) == [command for part in commands for command in part]
