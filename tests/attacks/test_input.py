"""Bytes wait, and not commands; a pass takes a few of each connection; what nobody could have typed ends it."""

import tracemalloc

import pytest

from chat.wires.relay import RelayWire
from tests.attacks.siege import DEFAULTS, MOST_CALLS, Siege, attackers, say, siege
from tests.attacks.transports import each_scheme

LIMIT = DEFAULTS.input_limit
TINY = {"irc": 2, "ircs": 2, "ws": 7}  # bytes that `a` and its line end take, as they wait


def words(besieged: Siege, count: int, passes_between: int = 2) -> None:
    for _ in range(count):
        besieged.word()
        besieged.go_on(passes_between)


@pytest.mark.parametrize(("scheme", "count"), [("irc", 20), ("irc", 150), ("ircs", 20), ("ws", 20)])
def test_clients_that_send_64_kib_of_tiny_lines_end_and_delay_no_word(count: int, scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        bad = attackers(besieged.server, count)
        say(bad, b"a\n" * 32_768)
        words(besieged, 20)
        besieged.hold(passes=1)
        assert all(sock.ended or b"Excess flood" in sock.heard[-1] for sock in bad)
        for _ in range(3):  # a pass closes a bounded number
            besieged.server.advance(5.0)
        assert all(sock.closed for sock in bad)
        assert len(besieged.server.loop.connections) == 2


@pytest.mark.parametrize(("scheme", "count"), [("irc", 20), ("irc", 150), ("ircs", 20), ("ws", 20)])
def test_clients_that_send_as_many_tiny_lines_as_may_wait_delay_no_word(count: int, scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        say(attackers(besieged.server, count), b"a\n" * (LIMIT // TINY[scheme] - 10))
        words(besieged, 60)
        besieged.hold(passes=1)


@pytest.mark.parametrize(("scheme", "count"), [("irc", 150), ("ircs", 20), ("ws", 20)])
def test_what_waits_takes_as_much_memory_as_its_bytes(count: int, scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        bad = attackers(server, count)
        tracemalloc.start()
        try:
            say(bad, b"a\n" * (LIMIT // TINY[scheme] - 10))
            for _ in range(30):  # calls are not counted here
                server.step()
                server.now += 0.01
            for sock in bad:
                sock.heard.clear()  # the answers that it has taken
            waiting, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert sum(server.connection(sock).wire.waiting for sock in bad) > count * LIMIT / 4
        assert waiting < count * 2 * LIMIT


def test_the_unread_input_may_reach_its_limit_and_not_pass_it() -> None:
    with siege() as besieged:
        (bad,) = attackers(besieged.server, 1)
        connection = besieged.server.connection(bad)
        connection.throttle.spend(10_000.0)  # type: ignore[union-attr]
        besieged.server.say(bad, *["x" * 510] * (LIMIT // 512))
        assert connection.wire.waiting == LIMIT
        bad.heard.clear()
        besieged.server.say(bad, "")
        assert bad.lines() == [f"ERROR :Closing link: Excess flood: {LIMIT + 2:,} bytes unread, the limit is {LIMIT:,}"]


@each_scheme
def test_connections_that_send_tiny_lines_and_never_register_end_at_once(scheme: str) -> None:
    """Twenty a second."""
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        came = []
        for _ in range(60):
            sock = server.visit()
            sock.said = b"a\n" * 32_768
            came.append(sock)
            besieged.word()
            besieged.go_on(4)
        besieged.go_on(10)  # a long record of TLS is read in several
        besieged.hold(passes=1)
        for sock in came:
            assert any(b"Excess flood" in data for data in sock.heard)
            assert sum(data.count(b"\n") for data in sock.heard) <= DEFAULTS.registration_lines + 2
        server.advance(10.0)
        assert len(server.loop.connections) == 2


@each_scheme
def test_before_registration_the_lines_may_reach_their_limit_and_not_pass_it(scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        server, most = besieged.server, DEFAULTS.registration_lines
        within, beyond = server.visit("10.0.0.1"), server.visit("10.0.0.2")
        server.say(within, *["PING x"] * (most - 2), "NICK within", "USER u 0 * :u")
        assert " 001 within " in within.lines()[most - 2]
        server.say(beyond, *["PING x"] * (most + 10))
        lines = beyond.lines()
        assert sum(" PONG " in line for line in lines) == most + 1
        assert lines[-1] == f"ERROR :Closing link: Excess flood: more than {most} lines before registration"


@pytest.mark.parametrize("data", [b"\n", b"\r\n", b" \n", b":\n", b"@a\n", b"\0\n", b"x" * 600 + b"\n", b"NOSUCH\n"])
@each_scheme
def test_an_endless_stream_of_lines_without_sense_ends_its_connection(data: bytes, scheme: str) -> None:
    """At 16 Mbit/s: 20,000 bytes in a pass of 10 ms. Every line costs a token, whatever is in it."""
    with siege(scheme=scheme) as besieged:
        (bad,) = attackers(besieged.server, 1)
        for _ in range(40):
            if not bad.closed and not any(b"ERROR" in data for data in bad.heard):
                say([bad], data * (20_000 // len(data)))
            besieged.word()
        besieged.hold(passes=1)
        assert b"Excess flood" in bad.heard[-1]


@pytest.mark.parametrize("data", [b"\n", b"a\n", b" \t \n", b"a" * 4000, b"\xff\xfe\n"])
def test_an_endless_stream_on_an_unframed_wire_ends_its_connection_too(data: bytes) -> None:
    with siege() as besieged:
        bad = besieged.server.adopt(RelayWire())
        besieged.server.advance(12.0)
        for _ in range(60):
            if not bad.closed and not any(b"flood" in data for data in bad.heard):
                say([bad], data * (20_000 // len(data)))
            besieged.word()
        besieged.hold(passes=1)
        assert any(b"Excess flood" in data for data in bad.heard)


@pytest.mark.parametrize(("scheme", "count"), [("irc", 1), ("irc", 150), ("ircs", 20), ("ws", 20)])
def test_the_backlog_of_a_peer_that_has_gone_is_not_played_out(count: int, scheme: str) -> None:
    """What its rate allows now is said; the rest is gone with it, and the room hears nothing of it later."""
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        listener = server.connect("listener", "#a", host="10.9.9.9")
        bad = attackers(server, count, "#a")
        listener.heard.clear()
        say(bad, b"".join(b"PRIVMSG #a :%d\r\n" % number for number in range(600)))
        for sock in bad:
            sock.ended = True
        for _ in range(count + 60):
            besieged.word()
        besieged.hold(passes=1, calls=2 * MOST_CALLS)  # those who say a word, and those whose peer is gone
        lines = listener.lines()
        assert sum(" QUIT " in line for line in lines) == count
        if count == 1:
            assert sum(" PRIVMSG " in line for line in lines) == DEFAULTS.rate_burst - 1  # the JOIN took one
        server.advance(120.0)
        assert not any(" PRIVMSG #a" in line for line in listener.lines())
        assert len(server.loop.connections) == 3
