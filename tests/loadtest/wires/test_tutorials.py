"""A wire says how one user comes in, speaks, is answered and is heard. Bytes in, bytes out."""

import pytest

from chat.errors import SetupError
from loadtest.core.examine import Audience, Examiner, Found
from loadtest.core.schedules import Schedule
from loadtest.core.stamps import Stamp, Stamps
from loadtest.wires import wire_of
from loadtest.wires.irc import IrcWire
from loadtest.wires.tutorials import JoinedWire, NickWire, RelayWire, TildeWire
from loadtest.wires.wire import Refused, Said, Step, Wire


def walk(step: Step, *heard: bytes) -> list[bytes]:
    """What a step sends, given what it hears; it must be done after that."""
    sent = [next(step)]
    for message in heard[:-1]:
        sent.append(step.send(message))
    with pytest.raises(StopIteration):
        step.send(heard[-1])
    return [data for data in sent if data]


def test_irc_registers_and_enters_as_its_handshake_says() -> None:
    wire = IrcWire("ann", ("batch",))
    assert walk(wire.register(), b"PING :x\r", b":s CAP * LS :batch", b":s CAP * ACK :batch", b":s 001 ann :hi\r") == [
        b"CAP LS 302\r\nNICK ann\r\nUSER ann 0 * :load test\r\n",
        b"PONG x\r\n",
        b"CAP REQ batch\r\n",
        b"CAP END\r\n",
    ]
    assert walk(wire.enter("#load"), b":s 366 ann #load :End") == [b"JOIN #load\r\n"]


def test_irc_refuses_in_the_servers_words() -> None:
    step = IrcWire("ann").enter("#load")
    next(step)
    with pytest.raises(Refused, match=r"473 #load Cannot join \(\+i\)"):
        step.send(b":s 473 ann #load :Cannot join (+i)")


def test_irc_answers_what_is_urgent_and_keeps_the_servers_last_words() -> None:
    wire = IrcWire("ann")
    assert wire.heed(b":bob!b@h PRIVMSG #load :PING ERROR\r") == b""
    assert wire.heed(b"PING :a b\r") == b"PONG :a b\r\n"
    assert (wire.heed(b"ERROR :Closing link: flood\r"), wire.last_words) == (b"", "Closing link: flood")


@pytest.mark.parametrize(
    ("wire", "message", "said"),
    [
        (IrcWire, b"@time=1 :bob!b@h PRIVMSG #load :hello, all\r", Said("bob", "#load", "hello, all")),
        (IrcWire, b":bob!b@h JOIN #load\r", None),
        (IrcWire, b"", None),
        (RelayWire, b"bob: hello: all", Said("bob", "", "hello: all")),
        (RelayWire, b"* bob joined", None),
        (Wire, b"hello \xff", Said("", "", "hello \N{REPLACEMENT CHARACTER}")),
    ],
)
def test_who_said_what_is_read(wire: type[Wire], message: bytes, said: Said | None) -> None:
    assert wire("ann").said(message) == said


def test_a_wire_of_ones_own_has_nothing_to_do_but_to_say() -> None:
    wire = Wire("ann")
    assert [*wire.register(), *wire.enter("#load")] == []
    assert (wire.goodbye(), wire.heed(b"PING")) == (b"", b"")
    with pytest.raises(NotImplementedError):
        wire.say("#load", "hello")


def test_a_url_names_its_wire_by_its_scheme() -> None:
    assert wire_of("relay://127.0.0.1:1") is RelayWire
    assert wire_of("127.0.0.1:1") is wire_of("IRC://127.0.0.1") is IrcWire
    with pytest.raises(SetupError, match=r"--host must be irc://HOST:PORT or .*, got 'ftp://there'"):
        wire_of("ftp://there")


LINES = [
    (b":irc.example 001 ana :Welcome", True),
    (b":irc.example 366 ana #load :End", True),
    (b"366 ana #load :End", True),
    (b"PING :x", True),
    (b":irc.example PING x", True),
    (b"@time=1;x=2 :irc.example  CAP * LS :a b", True),
    (b":irc.example 433 * ana :Nickname is in use", True),
    (b":irc.example 900 ana ana!a@h ana :Logged in", True),
    (b"ERROR :Closing link", True),
    (b":irc.example 353 ana = #load :ben 001 ana 366 x PING", False),
    (b":ben!b@h JOIN #load", False),
    (b":ben!b@h PRIVMSG #load :001 366 PING ERROR 433 ", False),
    (b":irc.example 372 ana :- 466 PING", False),
    (b"", False),
]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_on_the_way_in_answers_are_found_among_everything_else(end: bytes) -> None:
    data = b"".join(line + end for line, _ in LINES)
    assert IrcWire("ana").answers(data) == [line for line, is_answer in LINES if is_answer]


RUN = "0123abcd"
STAMPED = Stamps(RUN, 1, 80).text(Stamp(0, 0, 7))


@pytest.mark.parametrize(
    ("wire", "heard"),
    [
        (JoinedWire, f"joined:beaana: {STAMPED}"),
        (TildeWire, f"SERVER~bea joined the chat appana~{STAMPED}"),
        (NickWire, f"bea connected to the server!\nana: {STAMPED}\n"),
        (RelayWire, f"* bea joinedana: {STAMPED}"),
    ],
)
def test_on_a_tutorials_wire_a_notice_before_a_message_changes_nothing(wire: type[Wire], heard: str) -> None:
    audiences = {0: Audience("#load", 1, 1, schedule=Schedule(7, 1, 1), nick="ana")}
    examiner = Examiner(Stamps(RUN, 1, 80), audiences, wire("bea"))
    assert examiner.look(heard.encode()) == Found([Stamp(0, 0, 7)], 0)
    assert examiner.look(heard.replace("ana", "eva").encode()).corrupt == 1
    assert examiner.look(heard.replace("all work", "all play").encode()).corrupt == 1
