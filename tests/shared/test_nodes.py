"""Several nodes on one log: one order, one holder of a name, and what users see when a node or the store goes."""

import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from chat.errors import SetupError
from chat.server.core.state import Limits, State
from chat.server.shared import snapshots as snapshots_module
from chat.server.shared.appender import Appender
from chat.server.shared.place import Place
from chat.server.shared.scripts import ENTRY_VERSION
from chat.server.shared.shared_log import SharedLog
from chat.server.shared.snapshots import Snapshots
from chat.server.shared.store import Store
from chat.settings import Settings
from tests.ops.test_metrics import scraped
from tests.shared.conftest import MakeNode, Start, declare_gone
from tests.shared.store_process import Proxy, RedisProcess
from tests.support import IrcClient, RunningServer, running_server


def words(client: IrcClient, last: str) -> list[str]:
    """What was said to the client, up to the line that ends with `last`."""
    seen = []
    while True:
        message = client.expect("PRIVMSG")
        seen.append(message.params[1])
        if message.params[1] == last:
            return seen


def names(client: IrcClient) -> list[str]:
    """Of those in #r."""
    client.send("NAMES #r")
    return client.expect("353").params[-1].replace("@", "").split()


def same(*nodes: RunningServer) -> bool:
    """All nodes have the same state; their clients have synced."""
    first, *others = [node.server.loop.node.state.dump() for node in nodes]
    for other in others:
        assert other == first
    return True


def test_a_room_and_a_private_word_reach_users_of_every_node_once(make_node: MakeNode) -> None:
    a, b = make_node("a"), make_node("b")
    ana, bob = a.irc("ana", "#r"), b.irc("bob", "#r")
    ana.expect("JOIN")
    ana.say("#r", "to all")
    bob.say("ana", "to you")
    bob.say("#r", "last")
    ana.say("#r", "last")
    assert [said for said in words(bob, "last") if said != "last"] == ["to all"]
    assert [said for said in words(ana, "last") if said != "last"] == ["to you"]


def test_two_nodes_show_one_order(make_node: MakeNode) -> None:
    a, b = make_node("a"), make_node("b")
    speakers = [node.irc(f"s{number}", "#r") for number, node in enumerate((a, b, a, b))]
    listeners = [a.irc("la", "#r"), b.irc("lb", "#r")]
    for number in range(50):
        for speaker in speakers:
            speaker.say("#r", f"{speaker.nick} {number}")
    for speaker in speakers:
        speaker.sync()
    speakers[0].say("#r", "end")
    heard = [words(listener, "end") for listener in listeners]
    assert heard[0] == heard[1]
    assert len(heard[0]) == 201


def test_two_people_who_take_one_name_at_once_on_two_nodes(make_node: MakeNode) -> None:
    nodes = [make_node("a"), make_node("b")]
    for turn in range(10):
        rivals = [node.raw() for node in nodes]
        for rival in rivals:
            rival.send(f"NICK star{turn}", f"USER u 0 * :{turn}")
        answers = [next(m.verb for m in iter(rival.read, None) if m.verb in ("001", "433")) for rival in rivals]
        assert sorted(answers) == ["001", "433"]


def test_what_the_store_answered_in_vain_is_appended_once(make_node: MakeNode, proxy: Proxy) -> None:
    a, b = make_node("a", log=proxy.url), make_node("b")
    ana, bob = a.irc("ana", "#r"), b.irc("bob", "#r")
    ana.expect("JOIN")
    for number in range(5):
        proxy.losing = 1
        ana.say("#r", f"word {number}")
    ana.say("#r", "end")
    assert words(bob, "end") == [*(f"word {number}" for number in range(5)), "end"]


def test_the_users_of_a_killed_node_quit_everywhere(make_node: MakeNode, start: Start) -> None:
    """A node that was held up for longer than its lease was declared gone before, and came back."""
    a = make_node("a", lease=1.0)
    ana = a.irc("ana", "#r")
    doomed = start("doomed", "--lease", "1")
    doomed.irc("bob", "#r")
    ana.expect("JOIN")
    doomed.process.signal(signal.SIGKILL)
    doomed.process.process.wait()
    while "bob" in names(ana):
        gone = ana.expect("QUIT")
        assert (gone.source.partition("!")[0], gone.params[0]) == ("bob", "The server doomed is gone")
    a.irc("bob", "#r")  # and the name is free


def test_a_node_that_ends_in_order_says_so_without_waiting_for_its_lease(make_node: MakeNode, start: Start) -> None:
    ana = make_node("a").irc("ana", "#r")
    ending = start("ending")
    ending.irc("bob", "#r")
    ana.expect("JOIN")
    ending.process.signal(signal.SIGTERM)
    assert ana.expect("QUIT").source.startswith("bob!")


def test_a_node_that_was_stopped_brings_its_users_back_and_they_have_missed_nothing(
    make_node: MakeNode, start: Start, store: RedisProcess
) -> None:
    a = make_node("a")
    ana = a.irc("ana", "#r")
    frozen = start("frozen")
    bob, eve = frozen.irc("bob", "#r"), frozen.irc("eve", "#other")
    ana.expect("JOIN")
    frozen.process.signal(signal.SIGSTOP)
    while " (stopped)" not in Path(f"/proc/{frozen.process.process.pid}/status").read_text():
        pass
    bob.say("#r", "said while it stood still")
    declare_gone(store.url, "frozen")
    assert ana.expect("QUIT").source.startswith("bob!")
    ana.say("#r", "while you were away")
    a.irc("eve")  # takes the name of somebody who is away
    frozen.process.signal(signal.SIGCONT)
    assert ana.expect("JOIN").source.startswith("bob!")
    assert words(ana, "said while it stood still") == ["said while it stood still"]
    assert words(bob, "while you were away") == ["while you were away"]
    assert bob.sync() == []  # no JOIN of its own, no QUIT
    assert [message.params[0] for message in eve.sync() if message.verb == "NICK"] == ["eve2"]
    bob.say("#r", "again")
    assert words(ana, "again") == ["again"]


def test_clients_stay_while_the_store_is_away_and_nothing_is_lost(make_node: MakeNode, store: RedisProcess) -> None:
    a, b = make_node("a"), make_node("b")
    ana, bob = a.irc("ana", "#r"), b.irc("bob", "#r")
    ana.expect("JOIN")
    ana.say("#r", "before")
    words(bob, "before")
    store.stop()
    ana.say("#r", "meanwhile")
    store.start()
    ana.say("#r", "after")
    assert words(bob, "after") == ["meanwhile", "after"]
    ana.sync()
    assert same(a, b)


@pytest.mark.parametrize("ways", [("to",), ("from",), ("to", "from")])
def test_a_node_that_is_cut_off_from_the_store_tells_its_users_nothing_and_comes_back(
    make_node: MakeNode, store: RedisProcess, proxy: Proxy, ways: tuple[str, ...]
) -> None:
    a, b = make_node("a", log=proxy.url), make_node("b")
    ana, bob = a.irc("ana", "#r"), b.irc("bob", "#r")
    ana.expect("JOIN")
    proxy.hold(*ways)
    ana.say("#r", "into the dark")
    declare_gone(store.url, "a")
    assert bob.expect("QUIT").source.startswith("ana!")
    bob.say("#r", "are you there")
    bob.sync()
    proxy.release()
    assert words(ana, "are you there") == ["are you there"]
    bob.expect("JOIN")
    ana.say("#r", "yes")
    heard = words(bob, "yes")
    assert heard in (["into the dark", "yes"], ["yes"])  # it may have come before ana was declared gone


def test_clients_of_a_node_that_was_away_see_that_one_of_them_lost_its_name_before_its_new_holder(
    make_node: MakeNode, store: RedisProcess, proxy: Proxy
) -> None:
    a, b = make_node("a", log=proxy.url), make_node("b")
    ana, amy, bob = a.irc("ana", "#r"), a.irc("amy", "#r"), b.irc("bob", "#r")
    proxy.hold("to", "from")
    declare_gone(store.url, "a")
    for _ in range(2):
        bob.expect("QUIT")
    other = b.irc("ana", "#r")
    other.say("#r", "I am ana now")
    other.send("NICK anastasia")
    other.sync()
    proxy.release()
    for client in (ana, amy):
        seen = client.until("NICK") + client.until("NICK")
        told = [(message.verb, message.source.partition("!")[0], *message.params) for message in seen[-4:]]
        assert told == [
            ("NICK", "ana", "ana2"),
            ("JOIN", "ana", "#r"),
            ("PRIVMSG", "ana", "#r", "I am ana now"),
            ("NICK", "ana", "anastasia"),
        ]
    back = {bob.expect("JOIN").source.partition("!")[0] for _ in range(3)}
    assert back == {"ana", "ana2", "amy"}
    amy.say("ana2", "is it you")
    assert ana.expect("PRIVMSG").params == ["ana2", "is it you"]
    bob.say("ana2", "so it is")
    assert ana.expect("PRIVMSG").params == ["ana2", "so it is"]
    bob.sync()
    assert same(a, b)


def test_a_node_ends_with_its_reason_when_the_store_has_lost_what_was_shown(
    make_node: MakeNode, start: Start, store: RedisProcess
) -> None:
    node = start("ahead")
    bob = node.irc("bob", "#r")
    store.client().flushall()
    bob.send("TOPIC #r :x")
    status, errors = node.process.end()
    assert status == 1
    assert "it must begin again" in errors
    assert "Traceback" not in errors


def test_a_node_ends_when_another_entry_has_the_id_and_the_number_of_the_one_that_it_has_shown(
    start: Start, store: RedisProcess
) -> None:
    """As after a failover to a store whose clock is behind."""
    node = start("ahead")
    bob = node.irc("bob", "#r")
    bob.say("#r", "shown")
    bob.sync()
    client = store.client()
    entries: Any = client.xrange("fanfare:log")
    *before, (last, shown) = entries
    assert shown["l"].endswith("shown")
    steps = client.pipeline()
    steps.delete("fanfare:log")
    for number, fields in (*before, (last, {**shown, "l": ":ana!~ana@h PRIVMSG #r :said instead"})):
        steps.xadd("fanfare:log", fields, id=number)
    steps.execute()
    status, errors = node.process.end()
    assert status == 1
    assert "it must begin again" in errors


def test_a_new_node_begins_with_a_snapshot_and_the_rest(make_node: MakeNode, store: RedisProcess) -> None:
    a = make_node("a")
    ana = a.irc("ana", "#r", "#s")
    ana.send("TOPIC #r :about", "MODE #s +i")
    ana.sync()
    snapshots = Snapshots(Place.of(store.url), "token", kept=0)
    snapshots.limits = a.server.loop.node.state.limits
    assert snapshots.take()
    ana.say("#r", "behind the snapshot")
    ana.join("#t")
    b = make_node("b")
    bob = b.irc("bob", "#r")
    ana.expect("JOIN")
    bob.sync()
    ana.sync()
    assert same(a, b)


def test_the_log_is_cut_at_the_oldest_snapshot_that_is_needed(make_node: MakeNode, store: RedisProcess) -> None:
    ana = make_node("a").irc("ana", "#r")
    snapshots = Snapshots(Place.of(store.url), "token", kept=10)
    snapshots.limits = Limits(100, 1_000, 100_000, 100_000)
    for number in range(300):
        ana.say("#r", f"{number}")
        if number in (100, 200, 299):
            ana.sync()
            assert snapshots.take()
    reader = Store(Place.of(store.url))
    assert reader.read("0-0", 1, None)[0].line.endswith("PRIVMSG #r 200")
    reader.close()
    assert store.client().zcard("fanfare:snapshots") == store.client().hlen("fanfare:states") == 2
    make_node("b").irc("bob", "#r")


def test_the_log_gets_no_longer_than_it_is_set_and_its_length_and_memory_are_shown(
    make_node: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots_module, "EVERY", 20)
    monkeypatch.setattr(snapshots_module, "LOOK", 0.01)
    a, b = make_node("a", log_length=100, metrics="127.0.0.1:0"), make_node("b", log_length=100)
    ana, bob = a.irc("ana", "#r"), b.irc("bob", "#r")
    for number in range(300):
        ana.say("#r", f"{number}")
    assert words(bob, "299")
    while (shown := scraped(a))["fanfare_log_shared_entries"] >= 100 + 2 * 20:
        ana.say("#r", "more")
        ana.sync()
    assert shown["fanfare_log_shared_entries"] > 0
    assert 1_000 < shown["fanfare_log_shared_bytes"] < 1_000_000
    assert " entries in 0.0 MB" in a.server.status()


def test_a_node_that_was_cut_off_for_longer_than_the_log_reaches_ends_and_begins_with_a_snapshot(
    make_node: MakeNode, store: RedisProcess, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots_module, "EVERY", 20)
    monkeypatch.setattr(snapshots_module, "LOOK", 0.01)
    a, b = make_node("a", log=proxy.url), make_node("b", log_length=10)
    ana, bob = a.irc("ana", "#r"), b.irc("bob", "#r")
    ana.expect("JOIN")
    proxy.hold("to", "from")
    declare_gone(store.url, "a")
    bob.expect("QUIT")
    for number in range(100):
        bob.send(f"TOPIC #r :{number}")
    bob.sync()
    while not 0 < b.server.node.log.figures().shared[0] < 50:
        bob.send("TOPIC #r :more")
        bob.sync()
    proxy.release()
    assert not a.server.wait()
    assert "has dropped what this node had not read; it must begin again" in a.server.failure
    a.server.stop()
    again = make_node("a")
    cleo = again.irc("cleo", "#r")
    while not bob.expect("JOIN").source.startswith("cleo!"):
        pass  # ana's, whose node may have come back before it read that it must begin again
    cleo.sync()
    assert same(again, b)


def test_an_address_has_one_cloak_on_all_nodes(make_node: MakeNode) -> None:
    clients = [make_node(name, cloak="on").irc(name) for name in ("a", "b")]
    hosts = []
    for client in clients:
        client.send(f"WHOIS {client.nick}")
        hosts.append(client.expect("311").params[3])
    assert hosts[0] == hosts[1] != "127.0.0.1"


def test_nodes_that_disagree_or_have_one_name_are_refused(make_node: MakeNode, store: RedisProcess) -> None:
    make_node("a")
    with pytest.raises(SetupError, match=r"lobby is #other here and #lobby on the nodes of .*; it must be the same"):
        make_node("b", lobby="#other")
    with pytest.raises(SetupError, match="another server is the node a of this log"):
        make_node("a", lease=1.0)


def test_a_node_that_stood_still_while_it_waited_for_its_name_asks_once_more(
    store: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, leases = 0.0, [0, 1]

    def enter(*_: object) -> int:
        nonlocal now
        now += 1_000.0  # right behind the answer
        return leases.pop(0)

    monkeypatch.setattr(Store, "enter", enter)
    appender = Appender(Store(Place.of(store.url)), "a", "token", 10.0, 30.0, pytest.fail, lambda: now)
    appender.enter()
    assert appender.sent(1)
    appender.close(0.0)


def test_the_log_is_refused_without_a_store_in_one_line(tmp_path: Path) -> None:
    log = SharedLog(Settings(log=f"unix://{tmp_path}/nothing"), "a", 0, float)
    with pytest.raises(SetupError, match="cannot be reached"):
        log.restore(State(Limits(1, 1, 1)))


def test_a_store_that_stays_away_ends_the_server_with_its_reason(start: Start, store: RedisProcess) -> None:
    node = start("patient", "--log-patience", "0.5")
    bob = node.irc("bob")
    store.stop()
    status, errors = node.process.end()
    store.start()
    assert status == 1
    assert "cannot be reached" in errors
    assert "for more than 0.5 s" in errors
    assert any(line.startswith("ERROR") for line in bob.rest())


def test_the_clients_of_a_node_that_was_away_for_too_long_are_disconnected(
    make_node: MakeNode, store: RedisProcess, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.server.core.nodes.AWAY", -1.0)
    a, b = make_node("a", log=proxy.url), make_node("b")
    ana, bob = a.irc("ana", "#r"), b.irc("bob", "#r")
    ana.expect("JOIN")
    proxy.hold("to", "from")
    declare_gone(store.url, "a")
    assert bob.expect("QUIT").source.startswith("ana!")
    b.irc("eve")  # with whom ana is forgotten
    proxy.release()
    assert "The server was cut off for too long" in ana.rest()[-1]
    again = a.irc("ana", "#r")
    bob.expect("JOIN")
    again.say("#r", "here I am")
    assert words(bob, "here I am") == ["here I am"]
    again.sync()  # behind its own words
    assert same(a, b)


@pytest.mark.parametrize(
    ("version", "line", "reason"),
    [
        (ENTRY_VERSION + 1, ":new NODE new 1", f"version {ENTRY_VERSION + 1}, this server reads {ENTRY_VERSION}"),
        (1, ":new SHINE", "asks for SHINE, which this server does not know"),
    ],
)
def test_a_node_that_cannot_apply_an_entry_of_a_newer_program_ends_with_its_reason(
    make_node: MakeNode, store: RedisProcess, version: int, line: str, reason: str
) -> None:
    node = make_node("old")
    ana = node.irc("ana", "#r")
    client = store.client()
    count = client.hincrby("fanfare:meta", "count", 1)
    client.xadd("fanfare:log", {"c": count, "v": version, "n": "new", "e": 1, "s": 1, "l": line})
    assert not node.server.wait()
    assert reason in node.server.failure
    assert all("SHINE" not in message.verb for message in ana.sync())


def test_a_field_of_an_entry_that_a_node_does_not_know_changes_nothing(
    make_node: MakeNode, store: RedisProcess
) -> None:
    a = make_node("a")
    ana = a.irc("ana", "#r")
    client = store.client()
    count = client.hincrby("fanfare:meta", "count", 1)
    line = ":eve!~eve@h USER user - * :Eve"
    client.xadd("fanfare:log", {"c": count, "v": 1, "n": "new", "e": 1, "s": 1, "l": line, "x": "later"})
    ana.sync()
    ana.say("#r", "on")
    ana.sync()
    ana.send("WHOIS eve")
    assert ana.expect("311").params[1] == "eve"


def test_a_missing_package_is_named_before_the_server_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("chat.server.shared.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with (
            pytest.raises(SetupError, match=r"takes the package redis: pip install 'fanfare\[cluster\]'"),
            running_server(port=port, log="redis://localhost"),
        ):
            pass


def test_an_entry_of_the_first_version_is_its_users_by_nickname(make_node: MakeNode, store: RedisProcess) -> None:
    ana = make_node("a").irc("ana", "#r")
    client = store.client()
    for number, line in enumerate((":eve!~eve@h USER user - * :Eve", ":eve!~eve@h JOIN #r"), 1):
        count = client.hincrby("fanfare:meta", "count", 1)
        client.xadd("fanfare:log", {"c": count, "v": 1, "n": "new", "e": 1, "s": number, "l": line})
    assert ana.expect("JOIN").nick == "eve"
