"""Nothing that one connection, one address or everybody together can fill is without a ceiling."""

import gc
import tracemalloc
from contextlib import closing
from dataclasses import replace

from bench.still import StillServer, StillSocket
from chat.server.core.room_rules import NO_NEW_ROOM
from tests.attacks.siege import DEFAULTS, MOST_CALLS, attackers, ghosts, members, say, siege
from tests.attacks.transports import CarryingServer, each_scheme

TAGS = b"@" + b";".join(b"+tag%02d=%s" % (number, b"x" * 95) for number in range(38)) + b" "


def held(server: StillServer) -> int:
    """Bytes in all send queues and inputs."""
    return sum(connection.queue.size + connection.wire.waiting for connection in server.loop.connections)


@each_scheme
def test_the_rooms_of_one_address_may_reach_their_limit_and_not_pass_it(scheme: str) -> None:
    settings = replace(DEFAULTS, rooms_per_address=120)
    with siege(settings, scheme=scheme) as besieged:
        server = besieged.server
        first, second = attackers(server, 2)
        for number in range(80):
            say([first], b"JOIN #first%d\r\n" % number)
            say([second], b"JOIN #second%d\r\n" % number)
        server.settle()
        assert len(server.node.state.rooms) - 1 == 120  # the innocent have one, of an address of their own
        assert any(" 405 " in line and line.endswith(NO_NEW_ROOM) for line in second.lines())
        other = server.connect("other", "#another", host="10.9.9.9")
        assert any(" JOIN #another" in line for line in other.lines())
        server.say(first, "PART #first1")
        server.advance(60.0)
        server.say(second, "JOIN #new")
        assert any(" JOIN #new" in line for line in second.lines())


def test_all_rooms_together_may_reach_their_limit_and_not_pass_it() -> None:
    settings = replace(DEFAULTS, rooms_total=50)
    with siege(settings) as besieged:
        server = besieged.server
        members(server, 10, *(f"#room{number}" for number in range(5)))
        for number, sock in enumerate(members(server, 10, name="other")):
            say([sock], b"".join(b"JOIN #own%d_%d\r\n" % (number, which) for which in range(9)))
        server.settle()
        assert len(server.node.state.rooms) == 50


def test_the_log_keeps_as_many_entries_as_is_set_and_their_tags_within_their_limit() -> None:
    """A room's log had kept 4 KB of tags at 16 KB each: 420 MB for a client."""
    with siege() as besieged:
        server = besieged.server
        bad = attackers(server, 40, "#a")
        server.say_all(bad, "CAP REQ :message-tags")
        server.advance(60.0)
        tracemalloc.start()
        try:
            for _ in range(40):
                for sock in bad:
                    sock.heard.clear()
                    if not (sock.readable or server.connection(sock).wire.waiting):
                        sock.said = (TAGS + b"TAGMSG #a\r\n") * 2
                server.step()
                server.now += 1.0
            for sock in bad:
                sock.heard.clear()
            grown, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        entries = server.node.log.entries  # type: ignore[attr-defined]
        assert len(entries) == DEFAULTS.memory_length
        assert max(len(entry.request.tags) for entry in entries) <= 512
        assert grown < DEFAULTS.memory_length * 4_000 + len(bad) * 2 * DEFAULTS.input_limit


@each_scheme
def test_readers_that_take_little_hold_no_more_than_what_is_made_for_them(scheme: str) -> None:
    """60 that ask for everything and read 8 KiB every 2 s had held 1.5 MB each."""
    with siege(scheme=scheme) as besieged:
        server = besieged.server
        ghosts(server, 3_000, "#big")
        bad = attackers(server, 60)
        say(bad, b"WHO #big\r\n" * 60)
        for _ in range(100):
            for sock in bad:
                sock.heard.clear()
                sock.room = 8_192
            server.step()
            server.now += 2.0
            assert max(server.connection(sock).queue.size for sock in bad if not sock.closed) <= 40_000
        assert not any(sock.closed for sock in bad)


@each_scheme
def test_at_the_ceiling_of_all_queues_those_that_hold_the_most_go_and_nobody_else(scheme: str) -> None:
    settings = replace(DEFAULTS, memory_limit=2_000_000, lag_time=1_000.0, lag_age=1_000.0)
    with siege(settings, scheme=scheme) as besieged:
        server = besieged.server
        readers = members(server, 10, "#a", name="reader")
        stopped = members(server, 6, "#a", name="stopped")
        speakers = members(server, 30, "#a", name="speaker")
        for sock in stopped:
            sock.room = 0
        for _ in range(60):
            for sock in speakers:
                if not (sock.readable or server.connection(sock).wire.waiting):
                    sock.said = (b"PRIVMSG #a :" + b"x" * 400 + b"\r\n") * 10
            for _ in range(3):  # until all that a speaker has said is read, by TLS too
                server.step()
            server.now += 0.5
            for sock in (*readers, *speakers):
                sock.heard.clear()
        server.advance(2.0)
        assert any(sock.closed for sock in stopped)
        assert not any(sock.closed for sock in (*readers, *speakers))
        assert held(server) <= 2_000_000
        besieged.word()
        besieged.hold(passes=1, calls=2 * MOST_CALLS)


@each_scheme
def test_a_hundred_visits_leave_everything_as_it_was(scheme: str) -> None:
    with closing(CarryingServer(scheme, DEFAULTS)) as server:

        def visit(number: int) -> None:
            socks: list[StillSocket] = [
                server.connect(f"v{number}_{which}", "#a", "#b", host="10.8.0.1") for which in range(3)
            ]
            server.say(socks[0], "WHO #a", "PRIVMSG #a :hello", "NICK other", "AWAY :x", "LIST", "QUIT")
            for sock in socks[1:]:
                sock.ended = True
            server.advance(40.0)
            assert all(sock.closed for sock in socks)

        for number in range(5):
            visit(number)
        tracemalloc.start()
        try:
            visit(1_000)
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            for number in range(100):
                visit(2_000 + number)
            server.node.log.entries.clear()  # type: ignore[attr-defined]
            server.node.past_users.seen.clear()  # bounded in number, as the log's entries are
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 100 * 1_000
        assert len(server.loop.connections) == 0
        assert not server.node.state.users
        assert not server.node.state.rooms
