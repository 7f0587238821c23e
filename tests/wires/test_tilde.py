import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import Event, Join, Kick, Kind, Leave, Person, Quit, Rename, Say
from chat.wires.tilde import READ_BYTES, TILDE, TildeWire
from chat.wires.wire import BLANK, Command, Enter, Speak
from tests.wires.reading import read, read_late

ANA = Person("ana", "~ana", "10.0.0.7")
BOB = Person("bob", "~bob", "10.0.0.8")


def client_shows(sends: tuple[bytes, ...]) -> list[tuple[str, str]]:
    """The tutorial client's receiving thread, one read a send; what kills it raises here."""
    shown = []
    for data in sends:
        assert len(data) <= 2_048, "the rest would be another read"
        message = data.decode("utf-8")
        shown.append((message.split("~")[0], message.split("~")[1]))
    return shown


SHOWN: list[tuple[Event, tuple[bytes, ...]]] = [
    (Say(ANA, "#lobby", "hi", 0.0), (b"ana~hi",)),
    (Say(ANA, "#lobby", "né ☕", 0.0, Kind.NOTICE), ("ana~né ☕".encode(),)),
    (Say(ANA, "#lobby", "\x01ACTION waves\x01", 0.0), (b"ana~* waves",)),
    (Say(ANA, "bob", "hi", 0.0), (b"ana~(private) hi",)),
    (Say(ANA, "#lobby", "~5 of ~~", 0.0), ("ana~\u223c5 of \u223c\u223c".encode(),)),
    (Say(Person("a~b", "~u", "h"), "#lobby", "hi", 0.0), ("a\u223cb~hi".encode(),)),
    (Say(ANA, "#lobby", "x" * 2_045, 0.0), (b"ana~" + b"x" * 2_044, b"ana~x")),
    # the look-alike has three bytes, and they count
    (Say(ANA, "#lobby", "~" * 682, 0.0), (b"ana~" + "\u223c".encode() * 681, "ana~\u223c".encode())),
    (Join(ANA, "#lobby", 0.0), (b"SERVER~ana joined the chat app",)),
    (Leave(ANA, "#lobby", 0.0, "bye"), (b"SERVER~ana left the chat app",)),
    (Quit(ANA, 0.0, "bye"), (b"SERVER~ana left the chat app",)),
    (Kick(BOB, "#lobby", ANA, 0.0), (b"SERVER~ana left the chat app",)),
    (Rename(ANA, "anna", 0.0), (b"SERVER~ana is now anna",)),
]


@pytest.mark.parametrize(("event", "data"), SHOWN)
def test_an_event_is_shown_as_and_its_client_lives(event: Event, data: tuple[bytes, ...]) -> None:
    assert TILDE.encode(event) == data
    assert len(client_shows(data)) == len(data)


def test_the_client_that_is_imitated_does_die_of_what_is_kept_from_it() -> None:
    with pytest.raises(IndexError):
        client_shows((b"ana: hi",))


def test_everybody_hears_themselves_and_their_own_join_and_nobody_is_welcomed() -> None:
    assert TILDE.echoes
    assert TILDE.sees_own_join
    assert TILDE.welcome("ana") == ()


def test_a_farewell_says_why() -> None:
    assert TILDE.farewell("Server is stopping") == (b"SERVER~Server is stopping",)
    assert TILDE.farewell("~") == ("SERVER~\u223c".encode(),)
    assert TILDE.farewell("") == ()


def test_many_comings_and_goings_are_one_notice() -> None:
    assert TILDE.summary(12) == (b"SERVER~and 12 more came or went",)
    assert client_shows(TILDE.summary(12)) == [("SERVER", "and 12 more came or went")]


names = st.text(st.characters(codec="utf-8", categories=["L", "N"]) | st.just("~"), min_size=1, max_size=30)
people = st.builds(Person, names, st.just("~u"), st.just("h"))
texts = st.text(max_size=30) | st.builds(str.__mul__, st.text(alphabet="~a é☕", min_size=1), st.integers(1, 2_000))
events = st.one_of(
    st.builds(Say, people, st.sampled_from(["#lobby", "bob"]), texts, st.just(0.0), st.sampled_from(Kind)),
    st.builds(Join, people, st.just("#lobby"), st.just(0.0)),
    st.builds(Quit, people, st.just(0.0), texts),
    st.builds(Rename, people, names, st.just(0.0)),
)


@given(events, texts)
def test_any_send_holds_one_tilde_so_the_client_lives_and_loses_no_text(event: Event, reason: str) -> None:
    """Invariant: every send has exactly one `~`, and the client shows all that stands behind it."""
    for data in (*TILDE.encode(event), *TILDE.farewell(reason)):
        [(who, text)] = client_shows((data,))
        assert f"{who}~{text}".encode() == data
        assert who
        assert text


def test_the_read_size_is_that_of_the_imitated_client() -> None:
    assert READ_BYTES == 2_048


READ: list[tuple[list[bytes], list[list[Command]]]] = [  # what each recv returned, and the commands of each
    ([b"ana"], [[Enter("ana")]]),
    ([b"ana", b"hi", b" there \n"], [[Enter("ana")], [Speak("hi")], [Speak("there")]]),
    ([b" Ana Maria\r\n"], [[Enter("Ana_Maria")]]),
    ([b"a~b", b"~"], [[Enter("a_b")], [Speak("~")]]),
    ([b"x" * 31], [[Enter("x" * 30)]]),
    ([b"ana", b"ana", b"ana: hi"], [[Enter("ana")], [Speak("ana")], [Speak("ana: hi")]]),  # no prefix on this wire
    ([b"SERVER", b"hi"], [[Enter("")], [Speak("hi")]]),
    ([b"\xe2\x80\x8b", b"hi"], [[Enter("")], [Speak("hi")]]),  # a name of which nothing can be seen
    # lines, long text, blank text
    ([b"ana\nhi\nthere"], [[Enter("ana"), Speak("hi"), Speak("there")]]),
    ([b"ana", b"x" * 701], [[Enter("ana")], [Speak("x" * 350), Speak("x" * 350), Speak("x")]]),
    ([b" ", b"\n", b"ana", b"\t", b"hi"], [[BLANK], [BLANK], [Enter("ana")], [BLANK], [Speak("hi")]]),
    # cut inside a character; invalid UTF-8
    ([b"Jos\xc3", b"\xa9", b"\xf0\x9f\x8e", b"\x89"], [[], [Enter("Jos_")], [], [Speak("🎉")]]),
    ([b"a\xff", b"\xff"], [[Enter("a_")], [Speak("\ufffd")]]),
    # two sends in one recv: nothing tells where the name ends
    ([b"anahi"], [[Enter("anahi")]]),
]


@pytest.mark.parametrize(("parts", "commands"), READ)
def test_what_arrives_is_read_as(parts: list[bytes], commands: list[list[Command]]) -> None:
    wire = TildeWire()
    assert [read(wire, part) for part in parts] == commands
    assert read_late(TildeWire(), *parts) == [command for part in commands for command in part]


def test_connecting_alone_does_nothing() -> None:
    assert TildeWire().next() is None
    assert TildeWire().greeting == ()
