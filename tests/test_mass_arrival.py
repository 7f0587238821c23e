"""When thousands come at once none is lost, and what each of them costs does not grow with their number."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import SetupError
from chat.events import Person
from chat.server.acceptor import BACKLOG
from chat.server.connection import Connection
from chat.server.outbox import Outbox
from chat.server.roll import Roll
from chat.server.sends import Piece, Sends
from chat.server.server import Server
from chat.settings import Settings, parse_address
from tests.support import running_server
from tests.test_mass_death import ghosts, held, narrow

ESTABLISHED = 1


def test_five_thousand_connect_while_the_acceptor_is_held_up_and_none_is_lost() -> None:
    if int(Path("/proc/sys/net/core/somaxconn").read_text()) < BACKLOG:
        pytest.skip("the kernel's limit of waiting connections (somaxconn) is lower than its default")
    clients: list[socket.socket] = []
    with running_server() as server:
        try:
            with server.server.gate._lock:  # where the acceptor asks who may come in
                for _ in range(5000):
                    client = socket.socket()
                    clients.append(client)
                    client.setblocking(False)
                    client.connect_ex(("127.0.0.1", server.ports["irc"]))
                states = [client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] for client in clients]
                assert states.count(ESTABLISHED) == 5000  # the others would dial again after a second
            for client in clients:
                client.settimeout(20)
                client.sendall(b"PING here\r\n")
            for client in clients:
                assert client.recv(100).endswith(b"here\r\n")
        finally:
            for client in clients:
                client.close()


def test_two_servers_do_not_share_an_address_as_the_queues_of_one_do() -> None:
    with running_server() as server:
        place = parse_address(f"irc://127.0.0.1:{server.ports['irc']}")
        with pytest.raises(SetupError, match="Address already in use"):
            Server(Settings(listen=(place,))).start()


def test_a_list_of_names_is_not_written_anew_for_each_who_comes_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    written = [0]
    add = Roll.add

    def counted_add(roll: Roll, person: Person, operator: bool) -> None:
        written[0] += 1
        add(roll, person, operator)

    with running_server() as server:
        members = ghosts(server, "#a", 1000)
        viewer = server.irc("viewer", "#a")
        monkeypatch.setattr(Roll, "add", counted_add)
        for number, leaver in enumerate(members[:400]):
            server.server.hub.leave(leaver, "#a", "")
            server.server.hub.join(members[number - 1], "#a")
            server.server.hub.call_roll(server.server.hub.get_room("#a"), members[-1], masks=False)
        room = server.server.hub.get_room("#a")
        assert written[0] < 2 * (400 + 1001)
        lines = server.server.hub.call_roll(room, members[-1], masks=False)[0]
        names = [name.lstrip("@") for name in b" ".join(lines).decode().split()]
        assert sorted(names) == sorted(member.nick for member in room.members)
        viewer.sync()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.booleans()), max_size=150))
def test_a_list_of_names_holds_whoever_came_and_has_not_gone(steps: list[tuple[bool, int, bool]]) -> None:
    """Its lines are the names, none is longer than the size; and it says when more places in it are empty than not."""
    roll, here, emptied = Roll(masks=False, size=40), {}, 0
    for comes, number, operator in steps:
        person = Person(f"user{number}", "~u", "host")
        if comes and number not in here:
            roll.add(person, operator)
            here[number] = operator
        elif not comes and number in here:
            roll.remove(person, here.pop(number))
            emptied += 1
        assert roll.worn is (emptied > len(here))
    lines = roll.lines()
    assert sorted(b" ".join(lines).decode().split()) == sorted(f"{'@' * here[number]}user{number}" for number in here)
    assert all(len(line) <= 40 for line in lines)
    assert roll.lines() == lines


def sends_of_an_arrival(size: int, monkeypatch: pytest.MonkeyPatch) -> int:
    sends = [0]
    flush, take = Outbox.flush, Sends.take

    def counted_flush(outbox: Outbox, send: Callable[[bytes | memoryview], int], now: float) -> bool:
        def counted_send(data: bytes | memoryview) -> int:
            sends[0] += 1
            return send(data)

        return flush(outbox, counted_send, now)

    def counted_take(planner: Sends) -> tuple[dict[Connection, Piece], list[Connection]]:
        taken = take(planner)
        sends[0] += len(taken[0])
        return taken

    with running_server(workers=1) as server, monkeypatch.context() as patch:
        joiners = [server.irc(f"user{number}") for number in range(size)]
        with held(server.server.workers[0]):
            for joiner in joiners:
                joiner.send("JOIN #a")
            patch.setattr(Outbox, "flush", counted_flush)
            patch.setattr(Sends, "take", counted_take)
        for joiner in joiners:
            joiner.until("366")
        joiners[0].sync()
    return sends[0]


def test_what_an_arrival_of_many_costs_in_sends_grows_with_their_number_and_not_with_its_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some, more = (sends_of_an_arrival(size, monkeypatch) for size in (100, 400))
    assert 100 <= some < 4 * 100
    assert 400 <= more < 4 * 400


def test_a_huge_list_of_names_neither_delays_nor_reorders_what_others_are_sent() -> None:
    with running_server(workers=1) as server:
        ghosts(server, "#a", 5000)
        ana, bob = server.irc("ana", "#a"), server.irc("bob", "#a")
        asker = server.irc("asker", "#b")
        bob.sync()
        narrow(server, asker)  # its socket takes little of the answer
        asker.send("JOIN #a", "NAMES #a", "NAMES #a", "PING done")
        while not any(connection.outbox.size for connection in server.server.workers[0]._roster):
            ana.sync()
        for number in range(20):
            ana.say("#a", str(number))
        heard = [bob.expect("PRIVMSG").params[1] for _ in range(20)]
        assert heard == [str(number) for number in range(20)]
        assert any(connection.outbox.size > 100_000 for connection in server.server.workers[0]._roster)
        joined, *_ = asker.until("JOIN")
        assert joined.nick == "asker"
        for _ in range(3):  # 5,003 names of 30 letters, in whole lines, nobody twice
            lines = [message for message in asker.until("366") if message.verb == "353"]
            names = [name.lstrip("@") for line in lines for name in line.params[-1].split()]
            assert len(names) == len(set(names)) == 5003
        rest = asker.until("PONG")
        said = [message.params[1] for message in rest if message.verb == "PRIVMSG"]
        said += [message.params[1] for message in asker.sync() if message.verb == "PRIVMSG"]
        assert said == [str(number) for number in range(20)]
