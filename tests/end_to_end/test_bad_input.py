"""Hostile clients in every state of registration, and bystanders who must notice nothing."""

import logging
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.server.commands.table import COMMANDS
from chat.wires.irc import CAPABILITIES, LINE_BYTES
from chat.wires.message import parse
from tests.support import IrcClient, RunningServer, running_server

ALL = " ".join(CAPABILITIES)

STATES = {
    "silent": (),
    "negotiating": ("CAP LS 302", f"CAP REQ :{ALL}"),
    "only named": ("NICK evil",),
    "only described": ("USER evil 0 * :Evil",),
    "held back": ("CAP LS 302", "NICK evil", "USER evil 0 * :Evil"),
    "registered": ("NICK evil", "USER evil 0 * :Evil"),
    "registered with everything": (f"CAP REQ :{ALL}", "NICK evil", "USER evil 0 * :Evil", "CAP END"),
    "in the room": ("NICK evil", "USER evil 0 * :Evil", "JOIN #lobby"),
    "in the room with everything": (f"CAP REQ :{ALL}", "NICK evil", "USER evil 0 * :Evil", "CAP END", "JOIN #lobby"),
}

INPUTS = {
    "nothing": b"",
    "half a line": b"PRIVMSG #lob",
    "half a line of tags": b"@+a=b;+c",
    "half a character": "QUIT :☕".encode()[:-1],
    "invalid UTF-8": b"\xff\xfe\xc0\x80 \xed\xa0\x80\r\nWHOIS \xff\r\nNICK \xff\r\nJOIN #\xff,\xff\r\n"
    b"USER \xff \xff \xff :\xff\r\n",
    "NUL": b"\0\r\nPR\0IVMSG #lobby :x\r\nPRIVMSG #lobby :\0\r\nNICK a\0b\r\n",
    "carriage returns": b"\r\r\r\nPRIVMSG #lobby :x\rQUIT\r\r\n",
    "every byte": bytes(range(256)) * 8 + b"\r\n",
    "empty lines": b"\r\n" * 2000 + b" \n" * 2000,
    "long lines": (b"PRIVMSG bystander :" + b"x" * 600 + b"\r\n") * 50 + (b"@" + b"x" * 5000 + b" QUIT\r\n") * 20,
    "an endless line": b"x" * 100_000,
    "endless tags": b"@a=" + b"x" * 100_000,
    "no commands": b":\r\n@\r\n@a=b\r\n:x\r\n@a :b\r\n   :\r\n" * 50,
    "a web request": b"POST / HTTP/1.1\r\nHost: 127.0.0.1:6667\r\nContent-Length: 7\r\n\r\nNICK x\n\r\n",
    "a TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(190),
    "missing parameters": "".join(f"{verb}\r\n" for verb in COMMANDS if verb != "QUIT").encode(),
    "empty parameters": "".join(f"{verb} :\r\n" for verb in COMMANDS if verb != "QUIT").encode(),
    "commas": "".join(f"{verb} {',' * 400} {',' * 50}\r\n" for verb in COMMANDS if verb != "QUIT").encode(),
    "many parameters": "".join(f"{verb} {'x ' * 200}\r\n" for verb in COMMANDS if verb != "QUIT").encode(),
    "somebody else's source": b":fanfare.local 001 ana :hi\r\n:fanfare.local MODE #lobby -o ana\r\n"
    b":ana!~ana@127.0.0.1 TOPIC #lobby :x\r\n:ana KICK #lobby bea\r\nERROR :x\r\nBATCH +x labeled-response\r\n",
    "a flood": b"PING x\r\n" * 1000,
    "a flood of registrations": b"NICK evil\r\nUSER evil 0 * :x\r\nCAP LS\r\nCAP END\r\nNICK evil_\r\nPASS x\r\n" * 100,
    "a flood of unknown commands": b"FOO bar\r\n" * 1000,
    "quitting over and over": b"QUIT :a\r\nQUIT :b\r\nNICK c\r\nJOIN #lobby\r\n" * 3,
}

NUMBERS = count(1)  # of the hostile clients


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningServer]:
    with running_server() as running:
        yield running


class Bystanders:
    """Two members of #lobby who talk, and hear each other."""

    def __init__(self, server: RunningServer) -> None:
        self.ana = server.irc("ana", "#lobby")
        self.bea = server.irc("bea", "#lobby")
        self.ana.expect("JOIN")

    def check(self, joined: bool) -> None:
        """They still hear each other, and of the hostile client no more than that it came and went."""
        for speaker, hearer in ((self.ana, self.bea), (self.bea, self.ana)):
            speaker.say("#lobby", "still here")
            heard = hearer.until("PRIVMSG")
            if joined and "QUIT" not in [message.verb for message in heard]:
                heard += hearer.until("QUIT")
            heard += hearer.sync()
            assert [message.nick for message in heard if message.verb == "PRIVMSG"] == [speaker.nick]
            others = [message for message in heard if message.verb not in ("PRIVMSG", "NICK")]
            assert [message.verb for message in others] == ["JOIN", "QUIT"] * joined
            assert all(message.nick not in ("ana", "bea") for message in others)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        for client in (self.ana, self.bea):
            client.send("QUIT")
            client.rest()
            client.sock.close()


def end(client: IrcClient, how: str) -> None:
    if how == "reset":
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how == "half-close":
        client.sock.shutdown(socket.SHUT_WR)
        client.rest()
    client.sock.close()


@pytest.mark.parametrize("data", INPUTS.values(), ids=INPUTS)
@pytest.mark.parametrize("lines", STATES.values(), ids=STATES)
def test_bad_input_in_any_state_disturbs_nobody_however_it_ends(
    shared: RunningServer, caplog: pytest.LogCaptureFixture, lines: tuple[str, ...], data: bytes
) -> None:
    joined = "JOIN #lobby" in lines
    with Bystanders(shared) as bystanders:
        for how in ("close", "reset", "half-close"):
            evil, nick = shared.raw(), f"evil-{next(NUMBERS)}"  # the one before may not be gone: OPER hashes a password
            evil.send(*(line.replace("evil", nick) for line in lines))
            if joined:
                evil.until("366")
            with suppress(BrokenPipeError, ConnectionResetError):  # it has been cut off already
                evil.sock.sendall(data)
            end(evil, how)
            bystanders.check(joined)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("state", ["silent", "registered"])
@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"PING \0", "400 {} * :A line may not hold NUL or a carriage return"),
        (b"PING x\ry", "400 {} * :A line may not hold NUL or a carriage return"),
        (b":only-a-source", "400 {} * :line has no command"),
        (b"@only=tags", "400 {} * :line has no command"),
        (b"PING " + b"x" * 506, "417 {} :Input line was too long"),
        (b"@" + b"x" * 4095 + b" PING x", "417 {} :Input line was too long"),
        (b"x" * 60_000, "417 {} :Input line was too long"),
        (b"\xff\xfe", "421 {} \ufffd\ufffd :Unknown command"),
        (b"NICK \xff", "432 {} \ufffd :Erroneous nickname"),
    ],
)
def test_bad_input_gets_the_standards_answer_and_the_client_goes_on(
    server: RunningServer, state: str, data: bytes, answer: str
) -> None:
    evil = server.raw()
    if state == "registered":
        evil.register("evil")
    evil.sock.sendall(data + b"\r\n")
    assert evil.sync_lines() == [f":fanfare.local {answer.format(evil.nick)}"]


def test_a_web_page_that_posts_here_is_closed_at_its_verb_and_runs_no_command(server: RunningServer) -> None:
    evil, observer = server.raw(), server.irc("observer", "#lobby")
    evil.send("POST / HTTP/1.1", "NICK evil", "USER evil 0 * :Evil", "JOIN #lobby", "PRIVMSG #lobby :I was sent")
    assert evil.rest() == ["ERROR :Closing link: this is not a web server"]
    assert observer.sync() == []


def test_a_registered_user_may_say_get(server: RunningServer) -> None:
    ana = server.irc("ana")
    ana.send("GET / HTTP/1.1")
    assert ana.sync_lines() == [":fanfare.local 421 ana GET :Unknown command"]


@pytest.mark.parametrize("data", [b"x" * 65_537, b"@a=" + b"x" * 70_000, b"x" * 60_000 + b"\xff\0" * 5000])
def test_an_endless_line_is_refused_and_then_closed_with_a_reason_that_the_others_see(
    server: RunningServer, data: bytes
) -> None:
    ana, evil = server.irc("ana", "#lobby"), server.irc("evil", "#lobby")
    ana.sync()
    evil.sock.sendall(data)
    refusal, error = evil.rest()
    assert refusal == ":fanfare.local 417 evil :Input line was too long"
    assert error.startswith("ERROR :Closing link: line has no end after ")
    (quit_,) = ana.sync()
    assert (quit_.verb, quit_.nick) == ("QUIT", "evil")
    assert quit_.params[0] == error.removeprefix("ERROR :Closing link: ")


@pytest.mark.parametrize(
    "half", [b"PRIVMSG #lobby :not wh", "PRIVMSG #lobby :☕".encode()[:-1], b"PRIVMSG #lobby :x\r"]
)
def test_half_a_line_before_the_end_is_not_said(server: RunningServer, half: bytes) -> None:
    ana, evil = server.irc("ana", "#lobby"), server.irc("evil", "#lobby")
    ana.sync()
    evil.sock.sendall(half)
    end(evil, "half-close")
    assert ana.sync_lines() == [":evil!~evil@127.0.0.1 QUIT :Remote host closed the connection"]


def test_a_reset_is_told_as_one(server: RunningServer) -> None:
    ana, evil = server.irc("ana", "#lobby"), server.irc("evil", "#lobby")
    ana.sync()
    end(evil, "reset")
    assert ana.expect("QUIT").params == ["Connection reset by peer"]


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_line_in_pieces_is_one_line(server: RunningServer, cut: int) -> None:
    ana, bea = server.irc("ana", "#lobby"), server.irc("bea", "#lobby")
    ana.sync()
    data = "PRIVMSG #lobby :né ☕ 😃\r\n".encode()
    bea.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for start in range(0, len(data), cut):
        bea.sock.sendall(data[start : start + cut])
    assert ana.expect("PRIVMSG").params == ["#lobby", "né ☕ 😃"]


nasty = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=12)
words = st.sampled_from(
    [
        "#lobby", "#a", "#LOBBY", "#", "ana", "bea", "evil", "0", "*", "+o", "-o+nt", "b", ":", "::", ":x y", ",",
        "#a,#b,#lobby", "ana,bea", "302", "LS", "REQ", "END", f":{ALL}", "-batch", "x" * 100, "☕" * 40,
        "x" * 470, "☕" * 155,
    ]
)  # fmt: skip
tags = st.sampled_from(["", "", "", "@label=1 ", "@+a=b;label=x ", "@label ", "@;;= "])
commands = st.builds(
    lambda tag, verb, params: f"{tag}{verb} {' '.join(params)}",
    tags,
    st.sampled_from(sorted(set(COMMANDS) - {"QUIT"})) | nasty,
    st.lists(words | words | nasty, max_size=4),
)


def test_whatever_a_client_sends_it_gets_well_formed_lines_and_the_others_keep_their_peace() -> None:
    """Invariant: whatever commands a client sends in whatever state, each line to it or to the others is UTF-8 that
    parses, of 512 bytes at the most without tags; and a member who takes no part keeps name, room and rank."""
    with running_server() as server:
        ana, bea = server.irc("ana", "#lobby"), server.irc("bea", "#lobby")

        numbers = count(1)

        @settings(deadline=None, max_examples=200)
        @given(
            st.sampled_from([*STATES, *["in the room", "registered with everything"] * 4]),
            st.lists(commands, min_size=4, max_size=12),
        )
        def attack(state: str, lines: list[str]) -> None:
            evil = server.raw()
            opening = [line.replace("evil", f"evil{next(numbers)}") for line in STATES[state]]
            evil.send(*opening, *lines, "PING the-end")
            told = []
            while (line := evil.read_line()) is not None and not line.endswith("PONG fanfare.local the-end"):
                told.append(line)
            evil.sock.close()
            ana.say("#lobby", "hello")
            told += [*ana.sync_lines(), *bea.sync_lines()]
            assert ":ana!~ana@127.0.0.1 PRIVMSG #lobby :hello" in told
            for line in told:
                message = parse(line)
                size = len(line.encode()) + 2 - (len(message.tags.encode()) + 2 if message.tags else 0)
                assert size <= LINE_BYTES, line
                assert message.source == "fanfare.local" or "!" in message.source or message.verb == "ERROR", line
                assert "" not in message.params[:-1], line
            ana.send("NAMES #lobby")
            names = [
                name for message in ana.until("366") if message.verb == "353" for name in message.params[3].split()
            ]
            assert names[:2] == ["@ana", "bea"]

        attack()
