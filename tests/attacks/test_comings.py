"""Coming, going and changing: none of it, however many do it, holds up what others say."""

import pytest

from bench.still import StillSocket
from chat.server.net.gate import Gate
from chat.wires.joined import JoinedWire
from chat.wires.nick import NickWire
from chat.wires.relay import RelayWire
from chat.wires.tilde import TildeWire
from chat.wires.wire import Wire
from tests.attacks.siege import DEFAULTS, MOST_CALLS, Siege, attackers, members, say, siege
from tests.attacks.transports import each_scheme
from tests.support import running_server

ROOMS = [f"#room{number}" for number in range(100)]

pytestmark = pytest.mark.timeout(240)  # 300 clients, each function call counted: 20 s of a free core


def connect(besieged: Siege, wire: Wire, host: str) -> StillSocket:
    sock = besieged.server.socket()
    besieged.server.loop.adopt(sock, host, wire)
    return sock


def test_a_bare_connect_is_told_to_nobody_and_is_no_guest() -> None:
    """A thousand, from addresses of their own, each of which is let in."""
    with siege() as besieged:
        server = besieged.server
        listener = server.connect("listener", "#lobby", host="10.9.9.9")
        listener.heard.clear()
        users = len(server.node.state.users)
        socks = [connect(besieged, RelayWire(), f"10.2.{number >> 8}.{number & 255}") for number in range(1_000)]
        for _ in range(10):
            besieged.word()
        for sock in socks:
            sock.ended = True
        for _ in range(10):
            besieged.word()
        besieged.hold()
        assert listener.lines() == []
        assert len(server.node.state.users) == users
        assert all(sock.heard == [] for sock in socks)
        assert len(server.loop.connections) == 3


def test_a_thousand_connects_of_one_address_to_relay_leave_places_and_the_room_in_peace() -> None:
    """Real sockets, default limits."""
    with running_server(("irc", "relay"), rate_limit=5.0, exempt=()) as server:
        ana, bob = server.irc("ana", "#lobby"), server.irc("bob", "#lobby")
        ana.sync()
        for _ in range(1_000):
            server.connect("relay")
        told = 0
        for number in range(10):
            ana.say("#lobby", f"word {number}")
            told += bob.expect("PRIVMSG").params[1] == f"word {number}"
        assert told == 10
        assert [message.verb for message in ana.sync()] == []
        assert len(server.server.loop.node.state.users) == 2
        assert server.server.gate.total <= 2 + DEFAULTS.unframed_per_address


def test_the_unframed_places_of_one_address_may_reach_their_limit_and_not_pass_it() -> None:
    most = DEFAULTS.unframed_per_address
    gate = Gate(10_000, 5_000, most)
    assert [gate.enter("a", True) for _ in range(most)] == [None] * most
    refused = gate.enter("a", True)
    assert refused is not None
    assert f"the limit is {most}" in refused.reason
    assert gate.enter("a", False) is None
    assert gate.enter("b", True) is None
    gate.leave("a", True)
    assert gate.enter("a", True) is None


@pytest.mark.parametrize(
    ("wire", "kept"), [(RelayWire, True), (JoinedWire, True), (TildeWire, False), (NickWire, False)]
)
def test_a_silent_connection_is_kept_only_where_a_person_may_be_reading(wire: type[Wire], kept: bool) -> None:
    with siege() as besieged:
        sock = connect(besieged, wire(), "10.2.0.1")
        besieged.server.settle()
        besieged.server.advance(DEFAULTS.registration_timeout + 1.0)
        besieged.server.advance(10.0)
        assert sock.closed is not kept


def test_people_of_unframed_wires_are_told_of_few_comings_and_of_how_many_more() -> None:
    """300 clients of unframed wires hear 50 of one address come and go as fast as they may."""
    with siege() as besieged:
        server = besieged.server
        people = [connect(besieged, RelayWire(), f"10.2.{number >> 8}.{number & 255}") for number in range(300)]
        bad = attackers(server, 50)
        for sock in people:
            sock.heard.clear()
        say(bad, b"JOIN #lobby\r\nPART #lobby\r\n" * 120)
        began = server.now
        for _ in range(60):
            besieged.word()
        besieged.hold(passes=4, calls=4 * MOST_CALLS)  # a join, with its answers, takes as long as four messages
        most = DEFAULTS.notice_burst + DEFAULTS.notice_rate * (server.now - began) + 1
        assert all(len(sock.heard) <= most for sock in people)
        server.advance(5.0)
        assert any(b" more came or went" in data for data in people[0].heard)


def test_names_that_come_and_go_on_an_unframed_wire_delay_no_word() -> None:
    """As many as one address may have, among 300 others; they come again as soon as they have gone."""
    with siege() as besieged:
        people = [connect(besieged, JoinedWire(), f"10.2.{number >> 8}.{number & 255}") for number in range(300)]
        assert people
        for _ in range(10):
            coming = [connect(besieged, JoinedWire(), "127.0.0.1") for _ in range(DEFAULTS.unframed_per_address)]
            for number, sock in enumerate(coming):
                sock.said = b"joined:name%d" % number
            besieged.word()
            besieged.go_on(3)
            for sock in coming:
                sock.ended = True
            besieged.word()
            besieged.go_on(3)
        besieged.hold(calls=2 * MOST_CALLS)


@pytest.mark.parametrize("change", ["CAP REQ :server-time", "NICK x", "AWAY :x", "SETNAME :x"])
def test_changes_of_300_who_are_in_100_rooms_each_delay_no_word(change: str) -> None:
    """Five a second of each, from addresses of their own."""
    with siege() as besieged:
        server = besieged.server
        bad = members(server, 300)
        for sock in bad:
            sock.said = f"JOIN {','.join(ROOMS[:50])}\r\nJOIN {','.join(ROOMS[50:])}\r\n".encode()
        server.settle()
        server.advance(120.0)
        for number in range(10):
            for which, sock in enumerate(bad):
                again = change.replace(" :server", " :-server") if number % 2 and "CAP" in change else change
                sock.said += again.replace("x", f"x{which}_{number}").encode() + b"\r\n"
                sock.heard.clear()
            besieged.word()
            besieged.go_on(19)
        besieged.hold(passes=2, calls=5 * MOST_CALLS, made=20_000_000)  # each pass goes through 30,000 memberships


@each_scheme
def test_lists_of_rooms_cost_as_many_commands_and_delay_no_word(scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        bad = attackers(besieged.server, 50)
        rooms = ",".join(ROOMS[:50])
        for _ in range(20):
            say(bad, f"JOIN {rooms}\r\nPART {rooms}\r\n".encode())
            besieged.word()
            besieged.go_on(4)
        besieged.hold(passes=8)  # of a millisecond or two each


@each_scheme
def test_a_list_of_rooms_is_joined_whole_and_in_its_order(scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        (ana,) = attackers(besieged.server, 1)
        ana.heard.clear()
        besieged.server.say(ana, f"JOIN {','.join(ROOMS[:50])}", "PING x")
        lines = ana.lines()
        assert [line.split(" ")[2] for line in lines if " JOIN " in line] == ROOMS[:50]
        assert " PONG " in lines[-1]
        besieged.server.say(ana, "JOIN 0", "PING x")
        lines = ana.lines()
        assert [line.split(" ")[2] for line in lines if " PART " in line] == ROOMS[:50]
        assert " PONG " in lines[-1]
