"""A room's rules hold on every wire, and who is turned away is told in the words of their wire."""

from collections.abc import Iterator

import pytest

from bench.still import StillServer, StillSocket, still_server
from chat.wires.schemes import SCHEMES

HOST = "10.9.9.9"
FIRST = {"relay": b"bob: hello", "joined": b"joined:bob", "tilde": b"bob", "nick": b"bob"}
NEXT = {"relay": b"bob: words", "joined": b"bob: words", "tilde": b"words", "nick": b"bob: words\n"}
FORM = {"relay": "* {}", "joined": "SERVER: {}", "tilde": "SERVER~{}", "nick": "{}\n"}
UNFRAMED = pytest.mark.parametrize("scheme", FIRST)


@pytest.fixture
def server() -> Iterator[StillServer]:
    with still_server() as running:
        yield running


@pytest.fixture
def ana(server: StillServer) -> StillSocket:
    """The lobby's operator."""
    sock = server.connect("ana", "#lobby", host="10.0.0.1")
    sock.heard.clear()
    return sock


def come(server: StillServer, scheme: str, *texts: bytes, host: str = HOST) -> StillSocket:
    sock = server.adopt(SCHEMES[scheme].wire(), host)
    for text in texts:
        speak(server, sock, text)
    return sock


def speak(server: StillServer, sock: StillSocket, text: bytes) -> None:
    sock.said += text
    server.settle()
    server.advance(1.0)


def told(sock: StillSocket) -> list[str]:
    heard = [data.decode() for data in sock.heard]
    sock.heard.clear()
    return heard


@UNFRAMED
@pytest.mark.parametrize(
    ("modes", "reason"),
    [
        (f"+b *!*@{HOST}", "#lobby does not let you in: you are banned"),
        ("+b 10.9.0.0/16", "#lobby does not let you in: you are banned"),
        ("+b bob", "#lobby does not let you in: you are banned"),
        ("+i", "#lobby lets in only those who are invited"),
        ("+k key", "#lobby has a key, and programs like yours have no way to give it"),
        ("+l 1", "#lobby is full"),
        ("+R", "#lobby lets in only those who are logged in"),
    ],
)
def test_whoever_may_not_come_in_is_told_why_and_nobody_learns_of_them(
    server: StillServer, ana: StillSocket, scheme: str, modes: str, reason: str
) -> None:
    server.say(ana, f"MODE #lobby {modes}")
    ana.lines()
    sock = come(server, scheme, FIRST[scheme], NEXT[scheme])
    assert FORM[scheme].format(reason) in told(sock)
    assert ana.lines() == []
    server.advance(10.0)
    assert sock.closed
    assert list(server.node.state.users) == ["ana"]


@UNFRAMED
@pytest.mark.parametrize("modes", ["+m", f"+b *!*@{HOST}", "+b ~q:bob", "+b 10.9.9.0/24"])
def test_whoever_may_not_speak_is_told_so_and_stays(
    server: StillServer, ana: StillSocket, scheme: str, modes: str
) -> None:
    sock = come(server, scheme, FIRST[scheme])
    server.say(ana, f"MODE #lobby {modes}")
    ana.lines()
    told(sock)
    speak(server, sock, NEXT[scheme])
    assert told(sock) == [FORM[scheme].format("you may not speak here now")]
    assert ana.lines() == []
    server.say(ana, "MODE #lobby +v bob")
    ana.lines()
    speak(server, sock, NEXT[scheme])
    assert [line.split(" ", 1)[1] for line in ana.lines()] == ["PRIVMSG #lobby :words"]


@UNFRAMED
def test_an_operator_throws_them_out(server: StillServer, ana: StillSocket, scheme: str) -> None:
    sock = come(server, scheme, FIRST[scheme])
    told(sock)
    server.say(ana, "MODE #lobby +b bob", "KICK #lobby bob :enough")
    server.advance(1.0)
    assert FORM[scheme].format("kicked by ana: enough") in told(sock)
    server.advance(10.0)
    assert sock.closed


@pytest.mark.parametrize("scheme", ["relay", "joined"])
@pytest.mark.parametrize("modes", ["+i", "+k x", "+R", f"+b {HOST}", "+b 10.9.0.0/16"])
def test_whoever_could_not_come_in_does_not_listen_either(
    server: StillServer, ana: StillSocket, scheme: str, modes: str
) -> None:
    early = come(server, scheme)
    server.say(ana, "PRIVMSG #lobby :before", f"MODE #lobby {modes}")
    late, other = come(server, scheme), come(server, scheme, host="10.8.8.8")
    server.say(ana, "PRIVMSG #lobby :secret plans")
    server.advance(1.0)
    assert told(early) == ["ana: before"]
    assert told(late) == []
    assert told(other) == (["ana: secret plans"] if "+b" in modes else [])
    server.say(ana, "MODE #lobby -ikRbb x " + " ".join((HOST, "10.9.0.0/16")), "PRIVMSG #lobby :open again")
    assert told(come(server, scheme)) == []


def test_the_same_rules_on_irc(server: StillServer, ana: StillSocket) -> None:
    server.say(ana, f"MODE #lobby +b {HOST}")
    bob = server.connect("bob", "#lobby", host=HOST)
    assert bob.lines()[-1] == ":fanfare.local 474 bob #lobby :Cannot join channel (+b)"
