"""With `--durability strict` nobody sees what only the master of the store has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.process import free_port
from chat.errors import SetupError
from chat.server.shared import shared_log
from chat.server.shared.place import Place
from chat.server.shared.shared_log import SharedLog
from chat.server.shared.store import Item, Store
from chat.settings import Settings
from tests.shared.conftest import LEASE, declare_gone
from tests.shared.store_process import RedisProcess, running_store
from tests.support import running_server

Pair = tuple[RedisProcess, RedisProcess]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A master and its replica, in touch with each other."""
    folders = [tmp_path / "master", tmp_path / "replica"]
    for folder in folders:
        folder.mkdir()
    ports = free_port(), free_port()
    with (
        running_store(folders[0], ports[0]) as master,
        running_store(folders[1], ports[1], "--replicaof", "127.0.0.1", str(ports[0])) as replica,
    ):
        assert master.client().wait(1, 20_000) == 1
        yield master, replica


def url(pair: Pair) -> str:
    master, replica = pair
    return f"redis://127.0.0.1:{master.port}/0?replica=127.0.0.1:{replica.port}"


def test_what_a_replica_has_not_got_is_shown_to_nobody(pair: Pair) -> None:
    master, replica = pair
    log = url(pair)
    with running_server(log=log, node="a", durability="strict", lease=LEASE) as node:
        ana, bob = node.irc("ana", "#r"), node.irc("bob", "#r")
        ana.expect("JOIN")
        store = Store(Place.of(log))
        ana.say("#r", "on both")
        assert bob.expect("PRIVMSG").params[1] == "on both"
        replica.client().replicaof("NO", "ONE")  # it gets nothing any longer
        line = ":ana!~ana@127.0.0.1 PRIVMSG #r :on a deposed master"
        fields = {"c": replica.client().hincrby("fanfare:meta", "count", 1), "v": 1, "n": "b", "e": 1, "s": 1}
        replica.client().xadd("fanfare:log", {**fields, "l": line})  # type: ignore[dict-item]
        ana.say("#r", "on the master alone")
        while "alone" not in store.read("0-0", 1_000, None)[-1].line:
            pass
        assert bob.sync() == []
        replica.client().replicaof("127.0.0.1", str(master.port))
        assert bob.expect("PRIVMSG").params[1] == "on the master alone"
        store.close()


def test_what_a_store_had_taken_and_its_successor_lacks_is_appended_again(pair: Pair) -> None:
    master, replica = pair
    with running_server(log=url(pair), node="a", durability="strict", lease=LEASE) as node:
        ana, bob = node.irc("ana", "#r", caps="echo-message"), node.irc("bob", "#r")
        ana.expect("JOIN")
        replica.client().replicaof("NO", "ONE")
        store = Store(Place.of(url(pair)))
        ana.say("#r", "not on the replica yet")
        while "yet" not in store.read("0-0", 1_000, None)[-1].line:
            pass
        steps = master.client().pipeline()  # as the replica is, which a failover would make the master
        steps.xdel("fanfare:log", store.newest())
        steps.hincrby("fanfare:meta", "count", -1)
        steps.hincrby("fanfare:meta", "sequence:a", -1)
        steps.execute()
        master.client().client_kill_filter(_type="normal")
        replica.client().replicaof("127.0.0.1", str(master.port))
        for client in (ana, bob):
            assert client.expect("PRIVMSG").params[1] == "not on the replica yet"
        bob.say("#r", "next")
        assert ana.expect("PRIVMSG").params[1] == "next"
        store.close()


class Failover:
    """The master goes on with what its replica has, which is cut off from it first."""

    def __init__(self, pair: Pair) -> None:
        self._master, self._replica = pair

    def begin(self) -> None:
        self._replica.client().replicaof("NO", "ONE")

    def end(self) -> None:
        steps = self._master.client().pipeline()
        for key in ("fanfare:log", "fanfare:meta"):
            value = self._replica.client(decode=False).dump(key)
            assert value is not None
            steps.restore(key, 0, value, replace=True)
        steps.execute()
        self._replica.client().replicaof("127.0.0.1", str(self._master.port))


def test_a_node_whose_return_was_lost_in_a_failover_returns_again(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    failover, enter = Failover(pair), Store.enter
    epochs: list[int] = []

    def lose_the_first_return(store: Store, node: str, token: str, lease: float, how: str) -> int:
        first = how == "back" and not epochs
        if first:
            failover.begin()
        epochs.append(enter(store, node, token, lease, how))
        if first:
            failover.end()
        return epochs[-1]

    with running_server(log=url(pair), node="a", durability="strict", lease=LEASE) as node:
        ana, bob = node.irc("ana", "#r"), node.irc("bob", "#r")
        ana.expect("JOIN")
        monkeypatch.setattr(Store, "enter", lose_the_first_return)
        declare_gone(url(pair), "a")
        ana.say("#r", "here again")
        assert bob.expect("PRIVMSG").params[1] == "here again"
        assert len(epochs) == 2
        assert node.irc("eve", "#r").sync() == []


def test_a_node_goes_on_when_a_failover_has_lost_that_it_was_declared_gone(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be the only one, so that nobody says so again."""
    failover = Failover(pair)
    with running_server(log=url(pair), node="a", durability="strict", lease=LEASE) as node:
        ana, bob = node.irc("ana", "#r"), node.irc("bob", "#r")
        ana.expect("JOIN")
        failover.begin()
        declare_gone(url(pair), "a")
        ana.say("#r", "here still")
        while "it was declared gone" not in caplog.text:
            pass
        failover.end()
        assert bob.expect("PRIVMSG").params[1] == "here still"


def test_a_node_that_never_reads_that_it_came_in_does_not_start(
    store: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter, client = Store.enter, store.client()

    def lost(*arguments: Any) -> int:
        epoch = enter(*arguments)
        client.delete("fanfare:log")
        return epoch

    monkeypatch.setattr(Store, "enter", lost)
    monkeypatch.setattr(shared_log, "ENTRY_PATIENCE", 0.2)
    with (
        pytest.raises(SetupError, match=r"is not there to be read, for more than 0\.2 s"),
        running_server(log=store.url, node="a"),
    ):
        pass


def test_a_replica_that_is_behind_when_a_node_starts_is_waited_for_longer_than_users_wait(
    store: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, behind = Store.read, iter([True] * 3)

    def late(*arguments: Any) -> list[Item]:
        return [] if next(behind, False) else read(*arguments)

    monkeypatch.setattr(Store, "read", late)
    with running_server(log=store.url, node="a", log_patience=0.001) as node:
        assert next(behind, None) is None
        node.irc("ana", "#r").sync()


@pytest.mark.parametrize("how", ["killed", "out of touch"])
def test_without_a_replica_users_wait_for_the_log_patience_and_the_node_ends(pair: Pair, how: str) -> None:
    _, replica = pair
    with running_server(log=url(pair), node="a", durability="strict", lease=LEASE, log_patience=0.5) as node:
        ana = node.irc("ana", "#r")
        if how == "killed":
            replica.stop()
        else:
            replica.client().replicaof("127.0.0.1", "1")  # where nobody listens
        assert not node.server.wait()
        assert "for more than 0.5 s" in node.server.failure
        assert not ana.ended
    if how == "killed":
        replica.start()


def test_strict_without_a_replica_is_refused_in_one_line() -> None:
    with pytest.raises(SetupError, match="durability strict takes a replica to read from"):
        SharedLog(Settings(log="redis://127.0.0.1", durability="strict"), "a", 0, float)
