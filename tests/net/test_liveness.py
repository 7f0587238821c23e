"""Who is silent, slow or dead is found, by timeouts that here are short."""

import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from bench.still import still_server
from chat.settings import Settings
from chat.wires.joined import JoinedWire
from chat.wires.relay import RelayWire
from tests.support import IrcClient, running_server
from tests.tls import Authority, secure_irc


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def quit_of(observer: IrcClient, nick: str) -> str:
    """The reason that the observer is given for somebody's end."""
    while True:
        message = observer.expect("QUIT")
        if message.nick == nick:
            return message.params[0]


def test_who_does_not_register_in_time_is_told_and_dropped() -> None:
    with running_server(registration_timeout=0.3) as server:
        client = server.raw()
        client.send("NICK ana")
        assert client.rest() == ["ERROR :Closing link: Registration timed out after 0.3 s"]


def test_who_registers_in_time_stays_past_the_deadline() -> None:
    with still_server(Settings(registration_timeout=1.0, helpers=0)) as server:
        client = server.connect("ana")
        client.heard.clear()
        server.advance(2.0)
        server.say(client, "PING x")
        assert client.lines() == [":fanfare.local PONG fanfare.local x"]


def test_who_quits_past_the_deadline_is_told_of_the_quit_and_of_no_timeout() -> None:
    with still_server(Settings(registration_timeout=1.0, helpers=0)) as server:
        client = server.connect("ana")
        client.heard.clear()
        server.advance(2.0)
        server.say(client, "QUIT :bye")
        assert client.lines() == ["ERROR :Closing link: Quit: bye"]


def test_a_joined_client_may_wait_as_long_as_its_user_likes() -> None:
    with still_server(Settings(registration_timeout=1.0, helpers=0)) as server:
        plain = server.adopt(JoinedWire())
        server.advance(2.0)
        observer = server.connect("observer", "#lobby")
        observer.heard.clear()
        plain.said += b"joined:jo"
        server.advance(1.0)
        assert [line.split(" ")[:2] for line in observer.lines()] == [[":jo!~jo@127.0.0.1", "JOIN"]]


SOON = Settings(ping_interval=0.3, ping_timeout=1.0, helpers=0)


def test_a_silent_client_is_asked_and_stays_when_it_answers() -> None:
    with still_server(SOON) as server:
        client = server.connect("ana", "#a")
        client.heard.clear()
        asked = 0
        for _ in range(60):  # steps of 0.1 s: several whole timeouts
            server.advance(0.1)
            for ping in client.lines():
                server.say(client, ping.replace("PING", "PONG"))
                asked += 1
        assert asked >= 10
        assert not client.closed


def test_a_client_that_does_not_answer_is_dropped_and_the_others_learn_why() -> None:
    with still_server(SOON) as server:
        dead, observer = server.connect("dead", "#a"), server.connect("observer", "#a")
        for _ in range(50):
            server.advance(0.1)
            server.say(observer, "PONG x")
        assert dead.closed
        assert dead.lines()[-1] == "ERROR :Closing link: Ping timeout: 1 seconds"
        assert ":dead!~dead@127.0.0.1 QUIT :Ping timeout: 1 seconds" in observer.lines()
        assert not observer.closed


def test_an_unframed_client_is_not_asked_and_stays() -> None:
    with still_server(SOON) as server:
        silent, plain = server.connect("silent", "#lobby"), server.adopt(RelayWire())
        plain.said += b"hello"
        server.advance(0.1)
        assert any(" JOIN " in line and line.startswith(":guest1!") for line in silent.lines())
        plain.heard.clear()
        for _ in range(20):
            server.advance(0.3)
        assert silent.lines()[-1].startswith("ERROR :Closing link: Ping timeout")
        server.connect("late", "#lobby")  # a whole timeout and more after the guest came
        server.advance(1.0)
        told = b"".join(plain.heard).decode()
        assert told.index("* silent left") < told.index("* late joined")
        assert "PING" not in told
        assert not plain.closed


def test_bytes_that_wait_too_long_drop_their_reader_though_they_are_few() -> None:
    with still_server(Settings(helpers=0)) as server:
        stuck, talker = server.connect("stuck", "#a"), server.connect("talker", "#a")
        stuck.room = 0
        server.say(talker, "PRIVMSG #a :hello")
        talker.heard.clear()
        server.advance(14.9)
        assert talker.lines() == []
        server.advance(0.5)
        (line,) = talker.lines()
        assert line == ":stuck!~stuck@127.0.0.1 QUIT :Slow reader: nothing read for 15 s, the limit is 15 s"
        assert stuck.closed


def test_a_reader_that_takes_a_little_now_and_then_stays() -> None:
    with still_server(Settings(helpers=0, ping_interval=10_000.0)) as server:
        slow, talker = server.connect("slow", "#a"), server.connect("talker", "#a")
        slow.room = 0
        server.say(talker, f"PRIVMSG #a :{'x' * 300}")
        for _ in range(10):
            server.advance(14.0)
            slow.room = 10
            server.settle()
        assert not slow.closed


def test_each_way_of_ending_is_told_to_the_others_with_its_reason() -> None:
    with running_server() as server:
        observer = server.irc("observer", "#a")
        server.irc("closes", "#a").sock.close()
        assert quit_of(observer, "closes") == "Remote host closed the connection"
        resets = server.irc("resets", "#a").sock
        resets.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        resets.close()
        assert quit_of(observer, "resets") == "Connection reset by peer"
        server.irc("quits", "#a").send("QUIT :good night")
        assert quit_of(observer, "quits") == "Quit: good night"


def test_a_half_closed_client_still_gets_the_answers_to_what_it_said() -> None:
    with running_server() as server:
        client = server.raw()
        client.send("NICK ana", "USER ana 0 * :Ana", "VERSION", "PING last")
        client.sock.shutdown(socket.SHUT_WR)
        assert any(" PONG " in line and line.endswith("last") for line in client.rest())


@pytest.mark.parametrize("how", ["half-close", "close", "reset"])
@pytest.mark.parametrize("scheme", ["irc", "ircs"])
def test_last_words_are_said_though_each_waits_for_the_disk(
    authority: Authority, tmp_path: Path, scheme: str, how: str
) -> None:
    words = [str(number) for number in range(100)]
    log: dict[str, Any] = {"log": f"sqlite:{tmp_path / 'log.sqlite'}", "durability": "strict"}
    with running_server(("irc", "ircs"), **log, **authority.settings) as server:
        observer = server.irc("observer", "#a")
        client = secure_irc(server, authority.client(), "ana", "#a") if scheme == "ircs" else server.irc("ana", "#a")
        client.send(*(f"PRIVMSG #a :{word}" for word in words))
        if how == "reset":
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == "half-close":
            client.sock.shutdown(socket.SHUT_WR)
        else:
            client.sock.close()
        *said, end = observer.until("QUIT")
        assert [message.params[-1] for message in said if message.verb == "PRIVMSG"] == words
        assert end.nick == "ana"


def test_who_ends_its_output_at_once_still_gets_all_answers_though_each_waits_for_the_disk(tmp_path: Path) -> None:
    with running_server(log=f"sqlite:{tmp_path / 'log.sqlite'}", durability="strict") as server:
        client = server.raw()
        client.send("CAP REQ :echo-message", "NICK ana", "USER a 0 * :A", "CAP END", "JOIN #a", "PRIVMSG #a :hello")
        client.sock.shutdown(socket.SHUT_WR)
        assert client.rest()[-1] == ":ana!~a@127.0.0.1 PRIVMSG #a :hello"


def test_half_a_line_before_the_end_is_not_a_command() -> None:
    with running_server() as server:
        observer, client = server.irc("observer", "#a"), server.irc("client", "#a")
        client.sock.sendall(b"PRIVMSG #a :whole\r\nPRIVMSG #a :half")
        client.sock.close()
        seen = [message.params[-1] for message in observer.until("QUIT")]
        assert seen == ["#a", "whole", "Remote host closed the connection"]
