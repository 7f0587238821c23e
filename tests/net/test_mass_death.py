"""When many members die at once, the others are served in between, hear of all of it, and are not blamed for it."""

import errno
import socket
import struct
import subprocess
import sys

import pytest

from bench.still import StillServer, StillSocket, still_server
from chat.server.net.connections import AT_ONCE
from chat.settings import Settings
from chat.wires.irc import IrcWire
from tests.net.crowd import ghosts, held, let_die
from tests.support import running_server

LINGER_0 = struct.pack("ii", 1, 0)
RESET = OSError(errno.ECONNRESET, "Connection reset by peer")
GOODBYE = f"Quit: {'good night ' * 22}"
DEFAULTS = Settings(helpers=0)


def die(sock: StillSocket, way: str) -> None:
    if way == "rst":
        sock.error = RESET
    else:
        sock.ended = True


@pytest.mark.parametrize("way", ["fin", "rst"])
def test_the_living_are_served_between_two_portions_of_the_dead_and_the_dead_get_nothing(way: str) -> None:
    with still_server() as server:
        victims = [server.connect(f"victim{number}", "#a") for number in range(2 * AT_ONCE + 50)]
        talker, survivor = server.connect("talker", "#a"), server.connect("survivor", "#a")
        for sock in (*victims, survivor):
            sock.heard.clear()
        for victim in victims:
            die(victim, way)
        talker.said = b"PRIVMSG #a :still here\r\n"
        server.step()
        lines = survivor.lines()
        assert lines[0].endswith("PRIVMSG #a :still here")  # it did not have to wait until all the dead were closed
        assert sum("QUIT" in line for line in lines) == AT_ONCE
        told = 0
        while told < len(victims) - AT_ONCE:
            server.step()
            lines = survivor.lines()
            assert 0 < len(lines) <= AT_ONCE
            told += len(lines)
        assert all(sock.closed for sock in victims)
        assert all(sock.heard == [] for sock in victims)


def test_a_death_that_a_send_comes_upon_is_told_with_its_reason() -> None:
    with running_server() as server:
        survivor, victim = server.irc("survivor", "#a"), server.irc("victim", "#a")
        node = server.server.loop.node
        with held(server):  # it looks at its sockets after it has sent: the send finds the dead first
            victim.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
            victim.sock.close()
            let_die(node, ghosts(node, "#a", 1), "news")
        assert survivor.expect("QUIT").params[0] == "news"
        assert survivor.expect("QUIT").params[0] == "Connection reset by peer"


@pytest.mark.parametrize(("number", "heard"), [(5, 5), (30, 6)])
def test_of_the_backlog_of_a_peer_that_is_gone_so_much_counts_as_its_rate_allows_at_once(
    number: int, heard: int
) -> None:
    """It does not go on speaking for as long as its backlog would last, and what it said in its rate is not lost."""
    with still_server(Settings(helpers=0, rate_limit=1.0, rate_burst=10)) as server:
        observer, sock = server.connect("observer", "#a"), server.connect("ana", "#a")
        server.connection(sock).throttle._own.tokens = 7.0  # type: ignore[union-attr]
        observer.heard.clear()
        sock.said = b"".join(b"PRIVMSG #a :%d\r\n" % index for index in range(number))
        sock.ended = True
        server.settle()
        lines = [line.rpartition(":")[2] for line in observer.lines()]
        assert lines == [*map(str, range(heard)), "Remote host closed the connection"]
        assert sock.closed


@pytest.mark.parametrize("last", ["PING last", "QUIT :last"])
def test_who_has_closed_its_side_is_still_heard_to_the_end_and_answered(last: str) -> None:
    with still_server() as server:
        observer, sock = server.connect("observer", "#a"), server.adopt(IrcWire())
        observer.heard.clear()
        lines = ["NICK ana", "USER ana 0 * :Ana", "JOIN #a", *(f"PRIVMSG #a :{number}" for number in range(100))]
        sock.said = "".join(f"{line}\r\n" for line in [*lines, "PING here", last]).encode()
        sock.ended = True
        server.settle()
        heard = [line.rpartition(":")[2] for line in observer.lines() if "PRIVMSG" in line]
        assert heard == [str(number) for number in range(100)]
        answers = sock.lines()
        assert any(line.endswith("PONG fanfare.local here") for line in answers)


def paused(server: StillServer) -> StillSocket:
    """A member who takes nothing for now."""
    sock = server.connect("paused", "#a")
    sock.heard.clear()
    sock.room = 0
    return sock


def test_who_pauses_while_ten_thousand_die_is_not_dropped_and_hears_of_all_of_them() -> None:
    with still_server(DEFAULTS) as server:
        sock, observer = paused(server), server.connect("observer", "#a")
        victims = ghosts(server.node, "#a", 10_000)
        server.step()
        observer.heard.clear()
        let_die(server.node, victims, GOODBYE)
        server.settle(at_least=1)
        assert sum("QUIT" in line for line in observer.lines()) == 10_000
        assert server.connection(sock).queue.lag > DEFAULTS.lag_limit
        server.advance(DEFAULTS.lag_time - 1.0)
        sock.room = None
        server.settle()
        assert sum("QUIT" in line for line in sock.lines()) == 10_000
        server.advance(DEFAULTS.lag_time)
        assert not sock.closed


def test_who_pauses_for_longer_than_the_time_over_the_limit_is_dropped() -> None:
    with still_server(DEFAULTS) as server:
        sock, observer = paused(server), server.connect("observer", "#a")
        let_die(server.node, ghosts(server.node, "#a", 10_000), GOODBYE)
        server.step()
        lag = server.connection(sock).queue.lag
        observer.heard.clear()
        server.advance(DEFAULTS.lag_time + 1.0)
        (line,) = observer.lines()
        assert line.partition(" ")[2] == f"QUIT :Slow reader: {lag:,} bytes unread for 11 s, the limit is 1,048,576"
        assert sock.closed


@pytest.mark.parametrize("way", ["fin", "rst", "kill"])
def test_the_measurement_accounts_for_every_message_and_every_death(way: str) -> None:
    command = [sys.executable, "-m", "bench.mass_death", "--ways", way]
    command += ["--victims", "50", "--survivors", "5", "--seconds", "0.3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(way)
