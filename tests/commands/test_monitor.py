"""MONITOR and extended-monitor: who comes and goes, and what else their watchers asked for."""

from collections.abc import Iterator

import pytest

from bench.still import StillServer, StillSocket, counted, still_server
from chat.server.core import monitor
from chat.wires.irc import IrcWire
from chat.wires.message import parse
from tests.commands.test_sasl import request, say


@pytest.fixture
def server() -> Iterator[StillServer]:
    with still_server() as still:
        yield still


def watcher(server: StillServer, *nicks: str, caps: str = "", name: str = "wat") -> StillSocket:
    sock = server.connect(name)
    server.say(sock, f"CAP REQ :{caps}", f"MONITOR + {','.join(nicks)}")
    sock.lines()
    return sock


def test_who_is_there_is_told_at_once_and_who_comes_and_goes_later(server: StillServer) -> None:
    server.connect("ana")
    wat = server.connect("wat")
    wat.lines()
    assert say(server, wat, "MONITOR + ANA,bea,Ana,not-a*nick,carl") == [
        "730 wat :ana!~ana@127.0.0.1",
        "731 wat :bea,carl",
    ]
    bea = server.connect("Bea")
    assert wat.lines() == [":fanfare.local 730 * :Bea!~Bea@127.0.0.1"]
    server.say(bea, "NICK bEA")
    assert wat.lines() == []
    server.say(bea, "NICK carl")
    assert wat.lines() == [":fanfare.local 731 * :bEA", ":fanfare.local 730 * :carl!~Bea@127.0.0.1"]
    server.say(bea, "QUIT")
    assert wat.lines() == [":fanfare.local 731 * :carl"]


def test_the_news_is_the_servers_and_bears_no_tag_of_the_user(server: StillServer) -> None:
    wat = watcher(server, "ana", caps="message-tags account-tag")
    ana = server.connect("ana")
    server.say(ana, "MODE ana +B")
    request(server, ":fanfare.local REGISTER ana x")
    request(server, f":{server.node.state.get_user('ana').mask} ACCOUNT ana")
    server.say(ana, "NICK bea", "NICK ana", "QUIT")
    assert wat.lines() == [
        f":fanfare.local {line}"
        for line in ("730 * :ana!~ana@127.0.0.1", "731 * :ana", "730 * :ana!~ana@127.0.0.1", "731 * :ana")
    ]


def test_the_list_is_shown_asked_for_shortened_and_cleared(server: StillServer) -> None:
    wat = watcher(server, "ana", "wat", "bea")
    assert say(server, wat, "MONITOR L") == ["732 wat :ana,wat,bea", "733 wat :End of MONITOR list"]
    assert say(server, wat, "MONITOR S") == ["730 wat :wat!~wat@127.0.0.1", "731 wat :ana,bea"]
    assert say(server, wat, "MONITOR - ANA", "MONITOR L")[0] == "732 wat :wat,bea"
    server.connect("ana")
    assert wat.lines() == []
    assert say(server, wat, "MONITOR C", "MONITOR L") == ["733 wat :End of MONITOR list"]
    server.connect("bea")
    assert wat.lines() == []
    assert server.node.fan_out.monitored == 0
    assert say(server, wat, "MONITOR", "MONITOR +", "MONITOR x y") == ["461 wat MONITOR :Not enough parameters"] * 3


def test_a_full_list_says_what_it_did_not_take(server: StillServer) -> None:
    wat = server.connect("wat")
    nicks = [f"n{number}" for number in range(monitor.MOST + 2)]
    for start in range(0, 100, 25):
        server.say(wat, f"MONITOR + {','.join(nicks[start : start + 25])}")
    wat.lines()
    assert say(server, wat, f"MONITOR + n3,{nicks[-2]},{nicks[-1]}") == [
        "731 wat :n3",
        f"734 wat 100 {nicks[-2]},{nicks[-1]} :Monitor list is full",
    ]


def test_all_lists_together_have_a_limit_and_go_with_their_clients(
    server: StillServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "TOTAL", 3)
    one = watcher(server, "a", "b", name="one")
    two = server.connect("two")
    two.lines()
    assert say(server, two, "MONITOR + c,d") == ["731 two :c", "734 two 100 d :Monitor list is full"]
    one.ended = True
    server.settle()
    assert say(server, two, "MONITOR + d") == ["731 two :d"]
    assert set(server.node.fan_out._audiences) == {"=c", "=d"}


CAPS = "away-notify account-notify setname extended-monitor"
CHANGES = ["AWAY :tea", "AWAY", "SETNAME :Another"]


def test_extended_monitor_shows_what_its_capabilities_allow_without_a_common_room(server: StillServer) -> None:
    ana = server.connect("ana", "#a")
    full, plain = watcher(server, "ana", caps=CAPS, name="full"), watcher(server, "ana", caps="away-notify")
    some = watcher(server, "ana", caps="away-notify extended-monitor", name="some")
    request(server, ":fanfare.local REGISTER ana x")
    request(server, ":ana!~ana@127.0.0.1 ACCOUNT ana")
    server.say(ana, *CHANGES)
    mask = ":ana!~ana@127.0.0.1"
    assert full.lines() == [f"{mask} ACCOUNT ana", f"{mask} AWAY :tea", f"{mask} AWAY", f"{mask} SETNAME :Another"]
    assert some.lines() == [f"{mask} AWAY :tea", f"{mask} AWAY"]
    assert plain.lines() == []


def test_who_is_in_a_room_with_them_is_told_once(server: StillServer) -> None:
    ana = server.connect("ana", "#a")
    wat = watcher(server, "ana", caps=CAPS)
    server.say(wat, "JOIN #a")
    wat.lines()
    server.say(ana, *CHANGES, "QUIT :bye")
    assert [parse(line).verb for line in wat.lines()] == ["AWAY", "AWAY", "SETNAME", "731", "QUIT"]


def test_the_capability_may_come_and_go_after_the_list(server: StillServer) -> None:
    ana = server.connect("ana")
    wat = watcher(server, "ana", caps="away-notify")
    server.say(wat, "CAP REQ extended-monitor")
    wat.lines()
    server.say(ana, "AWAY :tea")
    assert len(wat.lines()) == 1
    server.say(wat, "CAP REQ -extended-monitor")
    wat.lines()
    server.say(ana, "AWAY")
    assert wat.lines() == []


def test_watchers_share_the_bytes_and_cost_a_send_each(server: StillServer) -> None:
    def cost(number: int) -> tuple[int, int]:
        with still_server() as still:
            for index in range(number):
                watcher(still, "ana", name=f"w{index}")
            with counted(still) as counts:
                still.connect("ana")
            return counts["calls"], counts["encodes"]

    assert cost(10) == cost(50)


def test_a_client_that_watches_before_a_name_is_taken_is_told_with_the_welcome_of_that_name(
    server: StillServer,
) -> None:
    wat = watcher(server, "ana")
    sock = server.adopt(IrcWire())
    server.say(sock, "NICK ana")
    assert wat.lines() == []
    server.say(sock, "USER ana 0 * :Ana")
    assert wat.lines() == [":fanfare.local 730 * :ana!~ana@127.0.0.1"]
