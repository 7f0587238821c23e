"""Getting in, and getting round: places, rates, passwords, names, bans."""

import logging
from contextlib import closing, suppress

import pytest

from bench.still import StillServer, StillSocket, counted, still_server
from chat import cli
from chat.server.core.server_bans import Ban, ban_mask
from chat.settings import Settings
from chat.wires.irc import IrcWire
from chat.wires.joined import JoinedWire
from chat.wires.nick import NickWire
from chat.wires.relay import RelayWire
from chat.wires.tilde import TildeWire
from chat.wires.wire import Wire
from tests.attacks.siege import DEFAULTS, siege
from tests.attacks.transports import CarryingServer, each_scheme
from tests.support import IrcClient, RunningServer, running_server

GUARDED = Settings(helpers=0, password="open sesame", listen=DEFAULTS.listen[:1])
FIRST_WORDS: dict[type[Wire], str] = {RelayWire: "{}: hello", JoinedWire: "joined:{}", TildeWire: "{}", NickWire: "{}"}


def flood(server: RunningServer, source: str, most: int) -> int:
    """Connect from one address; how many were let in."""
    clients = [IrcClient(server.connect(source=source)) for _ in range(most)]
    let_in = 0
    for client in clients:
        with suppress(OSError):
            client.send("PING x")
        line = client.read_line()
        let_in += line is not None and " PONG " in line
    return let_in


def test_two_addresses_take_not_all_places_and_the_health_check_passes_all_the_same() -> None:
    with running_server(max_connections=64, exempt=()) as server:
        assert flood(server, "127.0.0.2", 64) == 32
        assert flood(server, "127.0.1.2", 40) == 16
        innocent = IrcClient(server.connect(source="127.0.2.2"))
        innocent.register("innocent")
        assert cli.main(["check", f"irc://127.0.0.1:{server.ports['irc']}"]) == 0
    with running_server(max_connections=1) as server:
        server.irc("only")
        assert cli.main(["check", f"irc://127.0.0.1:{server.ports['irc']}"]) == 0  # it is full, and works


def test_a_storm_of_connections_from_one_address_is_refused_and_an_innocent_pair_talks() -> None:
    """Real sockets: more than a burst, as fast as they can be made."""
    limits = {"rate_limit": 5.0, "connection_rate": 0.001, "connection_burst": 50, "exempt": ()}
    with running_server(**limits) as server:  # type: ignore[arg-type]
        ana, bob = (IrcClient(server.connect(source="127.0.9.1")) for _ in range(2))
        for client, nick in ((ana, "ana"), (bob, "bob")):
            client.register(nick)
            client.join("#quiet")
        ana.sync()
        assert flood(server, "127.0.0.2", 300) == 50
        for number in range(10):
            ana.say("#quiet", f"word {number}")
            assert bob.expect("PRIVMSG").params[1] == f"word {number}"


def come(server: StillServer, nick: str, host: str) -> list[str]:
    return server.connect(nick, host=host).lines()


@pytest.mark.parametrize(
    ("one", "other", "scheme"),
    [
        ("192.0.2.7", "198.51.100.7", "irc"),
        ("2001:db8::7", "2001:db8:1::7", "ircs"),
        ("192.0.2.7", "192.0.2.8", "ws"),
    ],
)
def test_newcomers_of_one_address_are_limited_and_others_come_in(one: str, other: str, scheme: str) -> None:
    with closing(CarryingServer(scheme, DEFAULTS)) as server:
        for number in range(DEFAULTS.newcomer_burst):
            server.say(server.connect(f"n{number}", host=one), "QUIT")
            server.now += 0.05
        told = come(server, "one", one)
        late = server.now
        while not any("Too many users have come from your network" in line for line in told):
            told = come(server, f"more{server.now:.0f}".replace(".", ""), one)
            server.now += 0.001
            assert server.now < late + 1.0, "they are not limited"
        assert any(" 001 other " in line for line in come(server, "other", other))
        server.advance(10.0)
        assert any(" 001 again " in line for line in come(server, "again", one))


def test_neighbours_in_an_ipv6_network_are_one_address() -> None:
    with still_server(DEFAULTS) as server:
        lines: list[str] = []
        for number in range(DEFAULTS.newcomer_burst + 10):
            lines = come(server, f"n{number}", f"2001:db8::{number:x}")
        assert any("Too many users have come" in line for line in lines)


def guess(server: StillServer, password: str, host: str) -> list[str]:
    sock = server.visit(host)
    server.say(sock, f"PASS :{password}", "NICK eve", "USER eve 0 * :eve")
    return sock.lines()


@each_scheme
def test_guesses_of_the_servers_password_are_few_and_logged(caplog: pytest.LogCaptureFixture, scheme: str) -> None:
    with caplog.at_level(logging.WARNING), closing(CarryingServer(scheme, GUARDED)) as server:
        for number in range(100):
            told = guess(server, f"guess{number}", "192.0.2.7")
            assert " 464 " in told[0]
        assert any("Too many wrong passwords" in line for line in guess(server, "open sesame", "192.0.2.7"))
        assert any(" 001 eve " in line for line in guess(server, "open sesame", "198.51.100.7"))
    wrong = [line for line in caplog.messages if "wrong password of the server from 192.0.2.7" in line]
    assert 1 <= len(wrong) <= 20
    assert "guess" not in "".join(caplog.messages)


@pytest.mark.parametrize(
    "nick", ["NickServ", "ChanServ", "Global", "SERVER2", "Admin", "n1ckserv", "fanfare", "Fanfare_"]
)
@pytest.mark.parametrize("wire", [IrcWire, *FIRST_WORDS])
def test_nobody_has_a_name_that_looks_official_on_any_wire(wire: type[Wire], nick: str) -> None:
    with siege() as besieged:
        server = besieged.server
        sock: StillSocket = server.adopt(wire(), "192.0.2.7")
        if wire is IrcWire:
            server.say(sock, f"NICK {nick}", "USER x 0 * :x")
            assert any(" 432 " in line for line in sock.lines())
        else:
            sock.said = FIRST_WORDS[wire].format(nick).encode()
            server.settle()
        names = {user.nick for user in server.node.state.users.values()}
        assert names - {"innocent1", "innocent2"} <= {"guest1"}
        if wire is not IrcWire:
            assert "guest1" in names


def costs(server: StillServer) -> list[int]:
    """Calls that a message, a join and a rename take."""
    ana = server.connect("ana", "#a", host="203.0.113.1")
    server.connect("bob", "#a", host="203.0.113.2")
    found = []
    for line in ("PRIVMSG #a :hello", "JOIN #b", "NICK anna"):
        with counted(server) as counts:
            server.say(ana, line)
        found.append(counts["calls"])
    return found


def test_ten_thousand_server_bans_make_nothing_dearer() -> None:
    quiet = Settings(rate_limit=0.0, helpers=0)
    with still_server(quiet) as server:
        without = costs(server)
    with still_server(quiet) as server:
        for number in range(10_000):
            server.node.state.bans.add(Ban(ban_mask(f"10.{number >> 8}.{number & 255}.1"), "", "", 0.0, 0.0))
        assert costs(server) == without
