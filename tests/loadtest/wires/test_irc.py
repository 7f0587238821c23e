"""A user gets in at any IRC server, or learns in the server's own words why not."""

import base64

import pytest

from chat.wires.message import parse
from loadtest.wires.irc import Entry, Registration
from loadtest.wires.wire import Login, Refused

WELCOME = ":irc.test 001 ann :Welcome"


def feed(step: Registration | Entry, *lines: str) -> list[bytes]:
    assert not step.done
    return [answer for line in lines if (answer := step.feed(parse(line)))]


@pytest.mark.parametrize(
    ("wanted", "lines", "answers"),
    [
        ((), [":s CAP * LS :multi-prefix", WELCOME], [b"CAP END\r\n"]),
        ((), [":s CAP * LS :", WELCOME], [b"CAP END\r\n"]),
        ((), [":s 421 * CAP :Unknown command", WELCOME], []),
        ((), [":s 451 * :Not registered", ":s NOTICE * :*** Looking up", WELCOME], []),
        ((), [WELCOME], []),
        ((), ["PING :cookie 1", WELCOME], [b"PONG :cookie 1\r\n"]),
        (
            ("server-time", "x/unknown", "echo-message"),
            [":s CAP * LS * :sasl=PLAIN server-time", ":s CAP * LS :echo-message", ":s CAP ann ACK :x", WELCOME],
            [b"CAP REQ :server-time echo-message\r\n", b"CAP END\r\n"],
        ),
        (("batch",), [":s CAP * LS :batch", ":s CAP * NAK :batch", WELCOME], [b"CAP REQ batch\r\n", b"CAP END\r\n"]),
    ],
)
def test_registration_ends_with_the_welcome(wanted: tuple[str, ...], lines: list[str], answers: list[bytes]) -> None:
    step = Registration("ann", wanted)
    assert step.opening() == b"CAP LS 302\r\nNICK ann\r\nUSER ann 0 * :load test\r\n"
    assert feed(step, *lines) == answers
    assert step.done


def test_granted_capabilities_are_known() -> None:
    step = Registration("ann", ("batch",))
    feed(step, ":s CAP * LS :batch", ":s CAP * ACK :batch")
    assert step.granted == {"batch"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (":s 433 * ann :Nickname is already in use", "433 ann Nickname is already in use"),
        ("ERROR :Closing link: too many connections", "ERROR Closing link: too many connections"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(line: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        feed(Registration("ann"), line)


def test_an_entry_ends_with_the_end_of_its_own_names() -> None:
    step = Entry("#Load")
    assert step.opening() == b"JOIN #Load\r\n"
    assert feed(step, ":ann!a@h JOIN #load", ":s 353 ann = #load :ann bob", ":s 366 ann #other :End") == []
    assert not step.done
    feed(step, ":s 366 ann #load :End of NAMES")
    assert step.done


@pytest.mark.parametrize("line", [":s 473 ann #load :Cannot join (+i)", ":s 405 ann #load :Too many channels"])
def test_a_room_that_cannot_be_joined_refuses(line: str) -> None:
    with pytest.raises(Refused):
        feed(Entry("#load"), line)


@pytest.mark.parametrize("line", [":s 422 ann :MOTD File is missing", ":s 372 ann :- hello"])
def test_the_message_of_the_day_is_no_answer_to_a_join(line: str) -> None:
    step = Entry("#load")
    feed(step, line)
    assert not step.done


def test_a_servers_password_goes_first_and_an_account_logs_in_before_the_welcome() -> None:
    registration = Registration("ana", (), Login("sesame", "", "secret"))
    assert registration.opening().startswith(b"PASS sesame\r\nCAP LS 302\r\n")
    answers = [
        registration.feed(parse(line))
        for line in (
            ":s CAP * LS :sasl=PLAIN,EXTERNAL server-time",
            ":s CAP ana ACK :sasl",
            "AUTHENTICATE +",
            ":s 900 ana ana!a@h ana :You are now logged in as ana",
            ":s 903 ana :SASL authentication successful",
        )
    ]
    plain = base64.b64encode(b"ana\0ana\0secret")
    assert answers == [
        b"CAP REQ sasl\r\n",
        b"AUTHENTICATE PLAIN\r\n",
        b"AUTHENTICATE %b\r\n" % plain,
        b"",
        b"CAP END\r\n",
    ]
    assert not registration.done
    registration.feed(parse(":s 001 ana :Welcome"))
    assert registration.done


@pytest.mark.parametrize(
    "line", [":s CAP * LS :server-time", ":s 904 ana :SASL authentication failed", ":s 464 ana :Password incorrect"]
)
def test_a_login_that_fails_is_a_refusal(line: str) -> None:
    registration = Registration("ana", (), Login("", "ana", "wrong"))
    registration.opening()
    with pytest.raises(Refused):
        registration.feed(parse(line))


def test_what_a_server_says_steers_no_terminal() -> None:
    with pytest.raises(Refused) as refused:
        Registration("ana").feed(parse(":s 465 ana :\x1b[2Jbanned"))
    assert str(refused.value) == "465 ?[2Jbanned"
