"""Faults that were found by attack, and in other servers, each as its whole kind."""

from typing import Any

import pytest

from bench.still import StillSocket
from chat.wires.irc import IrcWire
from chat.wires.schemes import SCHEMES
from tests.attacks.siege import Siege, siege
from tests.support import running_server

UNFRAMED = ["relay", "joined", "tilde", "nick"]
POST = b"""POST / HTTP/1.1\r
Host: 127.0.0.1:6667\r
Content-Type: text/plain\r
Cookie: session=secret\r
\r
NICK evil\r
USER evil 0 * :evil\r
JOIN #lobby\r
PRIVMSG #lobby :I was sent by a web page\r
"""
TLS = bytes.fromhex("16030100c8010000c40303") + bytes(range(32, 220))


def connect(besieged: Siege, scheme: str, host: str = "10.4.0.1") -> StillSocket:
    sock = besieged.server.socket()
    besieged.server.loop.adopt(sock, host, SCHEMES[scheme].wire())
    besieged.server.settle()
    return sock


@pytest.mark.parametrize("data", [POST, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"OPTIONS / HTTP/1.1\r\n\r\n", TLS])
@pytest.mark.parametrize(
    ("scheme", "cut"), [("irc", 1), ("irc", 3), *((scheme, cut) for scheme in SCHEMES for cut in (10, 10_000))]
)
def test_what_browsers_and_tls_send_is_neither_run_nor_spoken(scheme: str, data: bytes, cut: int) -> None:
    """Whole, and cut in two; on the unframed wires a first read of a few letters is a message, whatever follows."""
    with siege() as besieged:
        server = besieged.server
        listener = server.connect("listener", "#lobby", host="10.9.9.9")
        listener.heard.clear()
        users = len(server.node.state.users)
        sock = connect(besieged, scheme)
        sock.heard.clear()
        for part in (data[:cut], data[cut:]):
            sock.said += part
            server.settle()
        assert listener.lines() == []
        assert len(server.node.state.users) == users
        told = b"".join(sock.heard)
        assert (b"TLS" if data is TLS else b"web server") in told
        server.advance(10.0)
        assert sock.closed


def test_a_nickname_that_is_only_claimed_keeps_nobody_out() -> None:
    with siege() as besieged:
        server = besieged.server
        stranger = server.adopt(IrcWire(), "10.4.0.1")
        server.say(stranger, "NICK bob")
        bob = server.connect("bob", host="10.4.0.2")
        assert any(" 001 bob " in line for line in bob.lines())
        server.say(stranger, "USER s 0 * :s")
        assert any(" 433 * bob " in line for line in stranger.lines())
        server.say(stranger, "NICK rob")
        assert any(" 001 rob " in line for line in stranger.lines())


@pytest.mark.parametrize("scheme", ["relay", "joined"])
def test_who_has_only_connected_hears_the_room_and_is_told_of_to_nobody(scheme: str) -> None:
    with siege() as besieged:
        server = besieged.server
        ana = server.connect("ana", "#lobby", host="10.9.9.9")
        ana.heard.clear()
        reader = connect(besieged, scheme)
        server.say(ana, "PRIVMSG #lobby :hello")
        server.advance(1.0)
        assert reader.heard == [b"ana: hello"]
        server.say(ana, "NAMES #lobby")
        assert " :@ana" in ana.lines()[0]
        reader.said = b"joined:bob" if scheme == "joined" else b"bob: hello"
        server.settle()
        assert ":bob!~bob@10.4.0.1 JOIN #lobby" in ana.lines()


@pytest.mark.parametrize("scheme", UNFRAMED)
def test_a_user_of_an_unframed_wire_is_no_rooms_only_operator(scheme: str) -> None:
    with siege() as besieged:
        server = besieged.server
        first = connect(besieged, scheme)
        first.said = b"joined:bob" if scheme == "joined" else b"bob"
        server.settle()
        first.said = b"bob: hello"
        server.settle()
        ana, cleo = (server.connect(nick, "#lobby", host="10.9.9.9") for nick in ("ana", "cleo"))
        cleo.heard.clear()
        server.say(cleo, "NAMES #lobby")
        names = cleo.lines()[0].partition(" :")[2].split()
        assert sorted(names)[0] == "@ana"
        assert sum(name.startswith("@") for name in names) == 1
        server.say(ana, "TOPIC #lobby :mine")
        assert any(" TOPIC #lobby :mine" in line for line in ana.lines())


def test_the_next_member_is_the_operator_when_only_those_without_commands_are_left() -> None:
    with siege() as besieged:
        server = besieged.server
        plain = connect(besieged, "relay")
        plain.said = b"bob: hello"
        server.settle()
        ana = server.connect("ana", "#lobby", host="10.9.9.9")
        server.say(ana, "PART #lobby")
        cleo = server.connect("cleo", "#lobby", host="10.9.9.9")
        server.say(cleo, "TOPIC #lobby :mine")
        assert any(" TOPIC #lobby :mine" in line for line in cleo.lines())


class NotedSocket:
    """A connection's socket, and what was sent by it."""

    def __init__(self, sock: Any) -> None:
        self.sends: list[bytes] = []
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def send(self, data: bytes) -> int:
        self.sends.append(bytes(data))
        return int(self._sock.send(data))


@pytest.mark.parametrize("scheme", UNFRAMED)
def test_the_first_words_and_the_notice_of_a_name_are_two_reads(scheme: str) -> None:
    """With real sockets: messages from several people, and newcomers among them, whose first words follow the notice at
    once. Each send is one message; that they are apart in time, for a reader to have each alone, is tested below."""
    with running_server(("irc", "relay", scheme), rate_limit=5.0) as server:
        people = [server.irc(f"person{number}", "#lobby") for number in range(4)]
        reader = server.connect(scheme)
        if scheme == "nick":
            assert reader.recv(1024) == b"NICK"
        reader.sendall({"joined": b"joined:reader", "relay": b"reader: hello"}.get(scheme, b"reader"))
        while people[0].expect("JOIN").nick != "reader":
            pass
        (connection,) = (one for one in server.server.loop.connections if one.nick == "reader")
        noted = NotedSocket(connection.sock)
        connection.sock = noted  # type: ignore[assignment]
        heard = b""
        for number in range(40):
            due = [b"word %d." % number]
            people[number % 4].say("#lobby", f"word {number}.")
            if number % 5 == 2:
                server.connect("relay").sendall(b"newcomer%d: first of %d." % (number, number))
                due.append(b"first of %d." % number)
            while not all(words in heard for words in due):
                heard += reader.recv(2048)
        assert [heard.count(b"word %d." % number) for number in range(40)] == [1] * 40
        assert [heard.count(b"first of %d." % number) for number in range(2, 40, 5)] == [1] * 8
        messages = [data.count(b"word ") + data.count(b"first of ") + data.count(b"ed") for data in noted.sends]
        assert set(messages) == {1}
        assert len(messages) >= 48


def test_nothing_is_lost_on_the_way_into_an_unframed_socket_that_gets_more_than_50_a_second() -> None:
    with siege() as besieged:
        server = besieged.server
        reader = connect(besieged, "relay")
        speakers = [server.connect(f"speaker{number}", "#lobby", host=f"10.5.0.{number}") for number in range(5)]
        for _ in range(20):
            server.advance(0.01)
        reader.heard.clear()
        for number in range(40):
            for which, sock in enumerate(speakers):
                sock.said += f"PRIVMSG #lobby :{number}/{which}\r\n".encode()
            server.step()
            server.now += 0.01
        for _ in range(100):
            server.now += 0.01
            server.settle(at_least=1)
        for which in range(5):
            mine = [data for data in reader.heard if data.startswith(b"speaker%d: " % which)]
            assert mine == [b"speaker%d: %d/%d" % (which, number, which) for number in range(40)]
        assert len(reader.heard) == 200


def test_two_sends_to_an_unframed_client_are_apart_in_time_while_few_are_due() -> None:
    with siege() as besieged:
        server = besieged.server
        reader = connect(besieged, "tilde")
        reader.said = b"reader"
        server.settle()
        server.advance(5.0)
        reader.heard.clear()
        guest = connect(besieged, "relay", "10.4.0.2")
        guest.said = b"newcomer: first words"
        seen: list[float] = []
        for _ in range(100):
            before = len(reader.heard)
            server.step()
            assert len(reader.heard) - before <= 1
            if len(reader.heard) > before:
                seen.append(server.now)
            server.now += 0.001
        assert reader.heard == [b"SERVER~newcomer joined the chat app", b"newcomer~first words"]
        assert seen[1] - seen[0] >= 0.005
