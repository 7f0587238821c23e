"""When thousands come at once none is lost, and what each of them costs does not grow with their number."""

import socket
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.still import still_server
from chat.errors import SetupError
from chat.events import Person
from chat.server.core.names_list import NamesList
from chat.server.net.listeners import BACKLOG
from chat.server.server import Server
from chat.settings import Settings, parse_address
from tests.net.crowd import ghosts, in_loop
from tests.support import running_server

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
                client.settimeout(50)
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


def test_a_list_of_names_is_not_made_again_for_each_who_comes_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    written = [0]
    add = NamesList.add

    def counted_add(names: NamesList, person: Person, sign: str) -> None:
        written[0] += 1
        add(names, person, sign)

    with still_server() as server:
        ghosts(server.node, "#a", 1000)
        guests = [server.connect(f"guest{number}") for number in range(400)]
        server.say(guests[0], "JOIN #a")
        monkeypatch.setattr(NamesList, "add", counted_add)
        for leaver, comer in pairwise(guests):
            server.say(leaver, "PART #a")
            comer.heard.clear()
            server.say(comer, "JOIN #a")
        assert written[0] < 2 * (400 + 1001)
        lines = [line.rpartition(":")[2] for line in comer.lines() if " 353 " in line]
        names = [name.lstrip("@") for line in lines for name in line.split()]
        room = server.node.state.get_room("#a")
        assert sorted(names) == sorted(member.nick for member in room.members)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.sampled_from(["", "@"])), max_size=150))
def test_a_list_of_names_holds_whoever_came_and_has_not_gone(steps: list[tuple[bool, int, str]]) -> None:
    """Its lines are the names, none is longer than the size; and it says when more places in it are empty than not."""
    names, here, emptied = NamesList(masks=False, size=40), {}, 0
    for comes, number, sign in steps:
        person = Person(f"user{number}", "~u", "host")
        if comes and number not in here:
            names.add(person, sign)
            here[number] = sign
        elif not comes and number in here:
            names.remove(person, here.pop(number))
            emptied += 1
        assert names.sparse is (emptied > len(here))
    lines = names.lines()
    assert sorted(b" ".join(lines).decode().split()) == sorted(f"{here[number]}user{number}" for number in here)
    assert all(len(line) <= 40 for line in lines)
    assert names.lines() == lines


def sends_of_an_arrival(size: int) -> int:
    with still_server() as server:
        joiners = [server.connect(f"user{number}") for number in range(size)]
        for joiner in joiners:
            joiner.said = b"JOIN #a\r\n"
        before = server.counts["sends"]
        server.settle()
        for joiner in joiners:
            assert joiner.lines()[-1].endswith(" #a :End of /NAMES list") or size > 1
        return server.counts["sends"] - before


def test_what_an_arrival_of_many_costs_in_sends_grows_with_their_number_and_not_with_its_square() -> None:
    some, more = sends_of_an_arrival(100), sends_of_an_arrival(400)
    assert 100 <= some < 4 * 100
    assert 400 <= more < 4 * 400


def test_a_huge_list_of_names_neither_delays_nor_reorders_what_others_are_sent() -> None:
    with running_server() as server:
        node = server.server.loop.node
        in_loop(server, lambda: ghosts(node, "#a", 5000))
        ana, bob = server.irc("ana", "#a"), server.irc("bob", "#a")
        asker = server.slow("asker", "#b")
        bob.sync()
        (connection,) = (one for one in server.server.loop.connections if one.nick == "asker")
        asker.send("JOIN #a", "NAMES #a", "NAMES #a", "PING done")
        while not connection.queue.size:
            ana.sync()
        for number in range(20):
            ana.say("#a", str(number))
        heard = [bob.expect("PRIVMSG").params[1] for _ in range(20)]
        assert heard == [str(number) for number in range(20)]
        assert connection.queue.size > 50_000
        asker.hurry()
        joined, *_ = asker.until("JOIN")
        assert joined.nick == "asker"
        seen = []
        for _ in range(3):  # 5,003 names of 30 letters, in whole lines, nobody twice
            seen += asker.until("366")
            lines = [message for message in seen if message.verb == "353"]
            names = [name.lstrip("@") for line in lines for name in line.params[-1].split()]
            assert len(names) == len(set(names)) == 5003
            seen = [message for message in seen if message.verb == "PRIVMSG"]
        seen += asker.until("PONG") + asker.sync()
        assert [message.params[1] for message in seen if message.verb == "PRIVMSG"] == [*map(str, range(20))]
