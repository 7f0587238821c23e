"""The network thread against a server whose every line the test itself writes."""

import queue
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chat.client.irc.address import Address
from chat.client.irc.login import Login
from chat.client.irc.news import Away, Join, Member, Names, NamesEnd, News, Person, Say, Seen
from chat.client.irc.server_news import Connecting, Lost, NickRefused, Problem, Welcomed
from chat.client.irc.session import Patience, Session, _Watch
from chat.client.model import commands
from chat.client.model.connection import Reconnect
from chat.client.model.network import Network
from tests.scripted import ScriptedServer
from tests.support import PATIENCE, IrcClient, RunningServer, running_server

BEN = Person("ben", "b", "h")


@pytest.fixture
def open_session() -> Iterator[Callable[..., Session]]:
    """Start sessions; at the end each must be over, as its thread is."""
    sessions: list[Session] = []

    def start(target: Address, nick: str = "ana", patience: Patience | None = None, **more: Any) -> Session:
        session = Session(target, nick, patience, **more)
        session.start()
        sessions.append(session)
        return session

    yield start
    for session in sessions:
        session.close()
    assert all(session.join(PATIENCE) for session in sessions)


def until(session: Session, wanted: type) -> list[News]:
    """The news up to the first of this type."""
    seen: list[News] = []
    while not seen or not isinstance(seen[-1], wanted):
        seen.append(session.news.get(timeout=PATIENCE))
    return seen


def test_it_negotiates_registers_joins_and_reports(
    scripted: ScriptedServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(scripted.target, patience=Patience(goodbye=0.05))
    end = scripted.accept()
    assert [end.read_line() for _ in range(3)] == ["CAP LS 302", "NICK ana", "USER ana 0 * ana"]
    end.send(":s CAP * LS * :tls=1 server-time", ":s CAP * LS :echo-message sasl=PLAIN")
    assert end.read_line() == "CAP REQ :echo-message server-time"
    end.send(":s CAP * ACK :echo-message server-time")
    assert end.read_line() == "CAP END"
    end.send(":s 001 ana :Welcome", ":s 005 ana NETWORK=X :are supported", ":s 422 ana :MOTD File is missing")
    assert end.read_line() == "JOIN #lobby"
    end.send("@time=2011-10-19T16:40:51.620Z :ana!a@h JOIN #lobby", ":s 353 ana = #lobby :@ben +ana")
    end.send(":s 366 ana #lobby :End of /NAMES list", "PING :a b")
    assert end.read_line() == "PONG :a b"
    seen = until(session, NamesEnd)
    assert seen[0] == Connecting(scripted.target.server)
    assert isinstance(seen[1], Welcomed)
    assert seen[1].capabilities == {"echo-message", "server-time"}
    assert seen[2:] == [
        Join(Person("ana", "a", "h"), "#lobby", 1319042451.62),
        Names("#lobby", (Member("ben", "@"), Member("ana", "+"))),
        NamesEnd("#lobby"),
    ]


def test_lines_are_sent_in_order_and_a_goodbye_ends_it(
    scripted: ScriptedServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(scripted.target)
    end = scripted.welcome()
    until(session, NamesEnd)
    assert all(session.send(f"PRIVMSG #lobby :{number}\r\n".encode()) for number in range(500))
    session.close("good night")
    assert [end.read_line() for _ in range(500)] == [f"PRIVMSG #lobby :{number}" for number in range(500)]
    assert end.read_line() == "QUIT :good night"
    end.sock.close()
    assert session.join(PATIENCE)
    assert isinstance(until(session, Lost)[-1], Lost)
    assert not session.send(b"PRIVMSG #lobby late\r\n")


def test_a_goodbye_waits_only_so_long_for_the_server(
    scripted: ScriptedServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(scripted.target, patience=Patience(goodbye=0.05))
    scripted.welcome()
    session.close()
    assert session.join(PATIENCE)


def cut(end: IrcClient) -> None:
    end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset instead of an end
    end.sock.close()


def say_why(end: IrcClient) -> None:
    end.send("ERROR :Closing link: shutting down")
    end.sock.close()


ENDS: list[tuple[Callable[[IrcClient], None], str]] = [
    (lambda end: end.sock.close(), "the server closed the connection"),
    (cut, "the server cut the connection"),
    (say_why, "Closing link: shutting down"),
]


@pytest.mark.parametrize(("end_it", "reason"), ENDS)
def test_a_lost_connection_is_told_with_its_reason(
    scripted: ScriptedServer, open_session: Callable[..., Session], end_it: Callable[[IrcClient], None], reason: str
) -> None:
    session = open_session(scripted.target)
    end = scripted.welcome()
    until(session, NamesEnd)
    end_it(end)
    lost = until(session, Lost)[-1]
    assert isinstance(lost, Lost)
    assert lost.reason == reason


TURNED_AWAY = [
    ((":s 464 ana :Password incorrect", "ERROR :Closing link"), Problem.PASSWORD, "{} wants a password"),
    (("ERROR :Closing link: Bad Password",), Problem.PASSWORD, "{} wants a password"),
    ((":s 465 ana :You are banned", "ERROR :Go away"), Problem.BANNED, "Go away"),
    (("ERROR :You are banned (spam)",), Problem.BANNED, "{} does not let you in: You are banned (spam)"),
    (("ERROR :server is full: 9",), Problem.FULL, "{} has no place for you now: server is full: 9"),
]


@pytest.mark.parametrize(("lines", "problem", "words"), TURNED_AWAY)
def test_who_is_turned_away_is_told_why(
    scripted: ScriptedServer, open_session: Callable[..., Session], lines: tuple[str], problem: Problem, words: str
) -> None:
    session = open_session(scripted.target)
    end = scripted.accept()
    end.expect("USER")
    end.send(*lines)
    end.sock.close()
    lost = until(session, Lost)[-1]
    assert isinstance(lost, Lost)
    assert (lost.problem, lost.reason) == (problem, words.format(scripted.target.server))


def test_a_password_is_given_first_and_shown_nowhere(
    scripted: ScriptedServer, open_session: Callable[..., Session]
) -> None:
    login = Login("open sesame", "ana", "hunter2")
    assert "sesame" not in repr(login)
    assert "hunter2" not in repr(login)
    session = open_session(scripted.target, patience=Patience(goodbye=0.05), login=lambda: login)
    end = scripted.accept()
    assert [end.read_line() for _ in range(2)] == ["PASS :open sesame", "CAP LS 302"]
    end.send(":s 464 ana :Password incorrect")
    end.sock.close()
    news = until(session, Lost)
    assert isinstance(news[-1], Lost)
    assert news[-1].reason == f"{scripted.target.server} does not take this password"
    assert "sesame" not in repr(news)


def test_other_names_are_asked_for_when_ours_is_in_use(
    scripted: ScriptedServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(scripted.target, instead=("ana_", "ana__"), rooms=("#lobby", "#cats purr"))
    end = scripted.accept()
    end.expect("USER")
    end.send(":s 433 * ana :Nickname is already in use")
    assert end.expect("NICK").params == ["ana_"]
    end.send(":s 433 * ana_ :Nickname is already in use")
    assert end.expect("NICK").params == ["ana__"]
    end.send(":s 001 ana__ :Welcome")
    assert end.read_line() == "JOIN #lobby"
    assert end.read_line() == "JOIN #cats purr"
    refusals = [news for news in until(session, Welcomed) if isinstance(news, NickRefused)]
    assert [news.instead for news in refusals] == ["ana_", "ana__"]
    end.send(":s 433 ana__ zoe :Nickname is already in use")
    refused = until(session, NickRefused)[-1]
    assert isinstance(refused, NickRefused)
    assert refused.instead == ""


def test_a_refused_connection_is_told(open_session: Callable[..., Session]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Address("127.0.0.1", listener.getsockname()[1])
    lost = until(open_session(target), Lost)[-1]
    assert isinstance(lost, Lost)
    assert (lost.problem, lost.reason) == (Problem.REFUSED, f"nothing listens at {target.server}")


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 64 + ".example"])
def test_a_name_that_nobody_has_is_told(open_session: Callable[..., Session], host: str) -> None:
    lost = until(open_session(Address(host)), Lost)[-1]
    assert isinstance(lost, Lost)
    assert lost.reason == f"no server of the name {host} was found"


def test_a_silent_server_is_asked_and_then_given_up(
    scripted: ScriptedServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(scripted.target, patience=Patience(silence=0.05, answer=0.3))
    end = scripted.welcome()
    assert end.read_line() == "PING fanfare"
    lost = until(session, Lost)[-1]
    assert isinstance(lost, Lost)
    assert lost.reason == "no answer from the server for 0 s"


def test_a_server_that_never_welcomes_is_given_up(
    scripted: ScriptedServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(scripted.target, patience=Patience(answer=0.05))
    assert [type(news) for news in until(session, Lost)] == [Connecting, Lost]


def test_a_server_that_does_not_read_is_told_no_more(
    scripted: ScriptedServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(scripted.target, patience=Patience(goodbye=0.05))
    scripted.welcome()
    until(session, NamesEnd)
    line = b"PRIVMSG #lobby :" + b"x" * 400 + b"\r\n"
    assert any(not session.send(line) for _ in range(100_000)), "40 MB were taken"


def test_a_window_that_falls_behind_slows_the_server_and_loses_nothing(
    scripted: ScriptedServer, open_session: Callable[..., Session]
) -> None:
    session = open_session(scripted.target)
    end = scripted.welcome()
    until(session, NamesEnd)
    end.sock.sendall(b"".join(b":ben!b@h PRIVMSG #lobby %d\r\n" % number for number in range(12_000)))
    end.sock.close()
    *said, lost = until(session, Lost)
    assert [news.text for news in said if isinstance(news, Say)] == [str(number) for number in range(12_000)]
    assert isinstance(lost, Lost)


def test_closing_ends_it_even_with_a_full_queue(scripted: ScriptedServer, open_session: Callable[..., Session]) -> None:
    session = open_session(scripted.target, patience=Patience(goodbye=0.05))
    session.news = queue.Queue(1)
    scripted.welcome()
    session.close()
    assert session.join(PATIENCE)


def test_against_the_real_server(server: RunningServer, open_session: Callable[..., Session]) -> None:
    ben = server.irc("ben", "#lobby")
    session = open_session(Address("127.0.0.1", server.ports["irc"]))
    names = until(session, NamesEnd)[-2]
    assert isinstance(names, Names)
    assert {member.nick for member in names.members} == {"ana", "ben"}
    session.send(b"PRIVMSG #lobby :hello there\r\n")
    assert ben.expect("PRIVMSG").params == ["#lobby", "hello there"]
    echo = until(session, Say)[-1]
    assert isinstance(echo, Say)
    assert (echo.who.nick, echo.text) == ("ana", "hello there")
    session.close("bye")
    assert ben.expect("QUIT").params[-1].endswith("bye")


def test_absence_is_told_by_the_real_server(server: RunningServer, open_session: Callable[..., Session]) -> None:
    ben = server.irc("ben", "#lobby")
    ben.send("AWAY :lunch")
    ben.sync()
    session = open_session(Address("127.0.0.1", server.ports["irc"]))
    seen = {news.nick: news.away for _ in range(2) for news in until(session, Seen) if isinstance(news, Seen)}
    assert seen == {"ana": False, "ben": True}
    ben.send("AWAY")
    assert isinstance(away := until(session, Away)[-1], Away)
    assert (away.who.nick, away.text) == ("ben", None)


def test_a_full_server_says_so(open_session: Callable[..., Session]) -> None:
    with running_server(max_connections=1) as full:
        full.irc("ben")
        lost = until(open_session(Address("127.0.0.1", full.ports["irc"])), Lost)[-1]
    assert isinstance(lost, Lost)
    assert lost.problem is Problem.FULL
    assert "has no place for you now" in lost.reason


def test_after_a_restart_the_rooms_are_joined_again_and_unsent_words_go_out(
    scripted: ScriptedServer, open_session: Callable[..., Session]
) -> None:
    network = Network("ana", "#lobby", scripted.target.server, reconnect=Reconnect(chance=lambda: 0.0))

    def connect(before: Session | None = None) -> tuple[Session, IrcClient]:
        if before:
            for news in until(before, Lost):
                network.take(news)
            assert network.connection.due
        network.begin_again()
        session = open_session(
            scripted.target, network.me.nick, rooms=network.rooms, instead=network.connection.instead
        )
        end = scripted.welcome("echo-message")
        for news in until(session, NamesEnd):
            network.take(news)
        return session, end

    session, end = connect()
    session.send(b"".join(commands.answer(network, "hello").send))
    network.taken(True)
    assert end.expect("PRIVMSG").params == ["#lobby", "hello"]
    end.sock.close()
    session, end = connect(session)
    (unsent,) = network.outgoing.unsent(network.current)
    network.resend(unsent)
    session.send(b"".join(network.take_output()))
    assert end.expect("PRIVMSG").params == ["#lobby", "hello"]
    assert network.current.joined


HANGING = """
import socket, sys, threading
from chat.client.irc.session import Session
from chat.client.irc.address import Address
from chat.client.irc.login import Login
asked = threading.Event()
def hang(*arguments, **more):
    asked.set()
    threading.Event().wait()
socket.getaddrinfo = hang
session = Session(Address("irc.example"), "ana")
session.start()
asked.wait()
session.close()
sys.exit(0 if not session.join(0.0) else 3)
"""


def test_a_look_up_that_hangs_does_not_keep_the_program_from_ending() -> None:
    """The thread is a daemon's, and closing does not wait for it longer than it is told."""
    ended = subprocess.run([sys.executable, "-c", HANGING], timeout=PATIENCE, check=False)
    assert ended.returncode == 0


def test_silence_is_not_judged_while_our_own_output_waits_but_a_standstill_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("chat.client.irc.session.time.monotonic", lambda: now)
    watch = _Watch(Patience(silence=60.0, answer=20.0, stalled=120.0, goodbye=2.0))
    now += 1000
    watch.heard(True)
    watch.waits(True)
    now += 60
    assert watch.left() == 0
    assert watch.may_wait(), "what waits may be why nothing comes"
    assert 0 < watch.left() <= 20
    watch.progressed()
    now += 119
    assert watch.may_wait()
    now += 1
    assert not watch.may_wait(), "nothing was taken for 120 s"
    watch.progressed()
    assert watch.may_wait()
    watch.leave()
    assert not watch.may_wait(), "who leaves waits for the goodbye only"
    assert watch.left() == 2
