"""Nobody is thrown out by what others say: no single address makes a reader of 1 Mbit/s lag for long."""

import pytest

from bench.still import StillSocket
from chat.wires.relay import RelayWire
from tests.attacks.siege import DEFAULTS, SETTLED, Siege, attackers, members, siege
from tests.attacks.transports import each_scheme

MBIT = 125_000  # bytes/s
STEP = 0.05  # s
TAGS = b"@" + b";".join(b"+tag%02d=%s" % (number, b"x" * 95) for number in range(38)) + b" "
LINES = {
    "plain": b"PRIVMSG #club :" + b"x" * 430 + b"\r\n",
    "tagged, eight times the same room": TAGS + b"PRIVMSG " + b",".join([b"#club"] * 8) + b" :" + b"x" * 350 + b"\r\n",
    "tags alone": TAGS + b"TAGMSG #club\r\n",
    "private": TAGS
    + b"PRIVMSG "
    + b",".join(b"victim%d" % number for number in range(8))
    + b" :"
    + b"x" * 350
    + b"\r\n",
    "coming and going": b"PART #club :" + b"x" * 250 + b"\r\nJOIN #club\r\n",
    "away": b"AWAY :" + b"x" * 250 + b"\r\nAWAY\r\n",
}


def flood(besieged: Siege, bad: list[StillSocket], line: bytes, victims: list[StillSocket], seconds: float) -> int:
    """As much as their rates let them say, to readers of 1 Mbit/s; gives the most that one of these lagged."""
    server, lag = besieged.server, 0
    connections = {sock: server.connection(sock) for sock in (*bad, *victims)}
    end = server.now + seconds
    while server.now < end:
        for sock in bad:
            sock.heard.clear()
            if not (sock.readable or connections[sock].wire.waiting):
                sock.said = line * (DEFAULTS.input_limit // 2 // len(line))
        for sock in victims:
            sock.heard.clear()
            sock.room = int(MBIT * STEP)
        server.step()
        server.now += STEP
        assert not any(sock.closed for sock in victims)
        lag = max(lag, *(connections[sock].queue.lag for sock in victims))
    return lag


@pytest.mark.parametrize(("scheme", "count"), [("irc", 1), ("irc", 10), ("irc", 50), ("ircs", 10), ("ws", 10)])
@pytest.mark.parametrize("kind", LINES)
def test_no_number_of_connections_from_one_address_throws_slow_readers_out(kind: str, count: int, scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        victims = members(server, 20, "#club", name="victim")
        server.say_all(victims, "CAP REQ :message-tags away-notify")
        bad = attackers(server, count, "#club")
        server.say_all(bad, "CAP REQ :message-tags")
        server.advance(60.0)
        lag = flood(besieged, bad, LINES[kind], victims, 40.0)
        print(f"lag {lag:,}")
        assert lag < DEFAULTS.lag_limit / 2


@each_scheme
def test_one_packet_of_250_kb_throws_out_its_sender_alone(scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        victims = members(server, 20, "#club", name="victim")
        server.say_all(victims, "CAP REQ :message-tags")
        (bad,) = attackers(server, 1, "#club")
        bad.said = LINES["tagged, eight times the same room"] * 55
        for sock in victims:
            sock.heard.clear()
            sock.room = 10_000  # 8 Mbit/s, for 10 ms
        server.settle()
        assert not any(sock.closed for sock in victims)
        if scheme == "ws":  # the library holds what has come of a frame, so that no more waits than may
            assert server.connection(victims[0]).queue.lag < DEFAULTS.lag_limit / 2
        else:
            assert b"Excess flood" in bad.heard[-1]
            assert sum(len(data) for data in victims[0].heard) < 16_384


def test_the_unframed_wires_throw_nobody_out_either() -> None:
    with siege() as besieged:
        server = besieged.server
        victims = members(server, 10, "#lobby", name="victim")
        bad = [server.adopt(RelayWire()) for _ in range(DEFAULTS.unframed_per_address)]
        for number, sock in enumerate(bad):
            sock.said = b"bad%d: hello" % number
        server.settle()
        server.advance(60.0)
        assert flood(besieged, bad, b"x" * 340 + b"\n", victims, 40.0) < DEFAULTS.lag_limit / 2


@each_scheme
def test_targets_are_made_unique_and_cost_a_token_each(scheme: str) -> None:
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        victim = server.connect("victim", "#club", host="10.9.9.9")
        (bad,) = attackers(server, 1, "#club")
        throttle = server.connection(bad).throttle
        assert throttle is not None
        victim.heard.clear()
        throttle.wait(server.now)
        before = throttle._own.tokens
        server.say(bad, "PRIVMSG #club,#CLUB,#club,victim,Victim :hello")
        assert [line.split(" ")[2] for line in victim.lines()] == ["#club", "victim"]
        assert before - throttle._own.tokens == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("takes", [0, 1_000])
@each_scheme
def test_a_reader_that_lags_is_dropped_only_after_some_seconds(takes: int, scheme: str) -> None:
    """Speakers of many addresses, so that what one of them may say is not what bounds it."""
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        (victim,) = members(server, 1, "#club", name="victim")
        bad = members(server, 60, "#club", name="speaker")
        server.advance(SETTLED)
        connections = {sock: server.connection(sock) for sock in (victim, *bad)}
        victim.room = 0
        over = None
        for _ in range(400):
            for sock in bad:
                sock.heard.clear()
                if not (sock.readable or connections[sock].wire.waiting):
                    sock.said = LINES["plain"] * 10
            victim.room = takes
            server.step()
            server.now += STEP
            if victim.closed:
                break
            if over is None and connections[victim].queue.lag > DEFAULTS.lag_limit:
                over = server.now
        assert victim.closed
        assert over is not None
        assert server.now - over >= DEFAULTS.lag_time - 1.0
