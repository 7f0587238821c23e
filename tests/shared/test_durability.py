"""With `--durability strict` nobody sees what only the master of the store has."""

from pathlib import Path

import pytest

from bench.process import free_port
from chat.errors import SetupError
from chat.server.shared.place import Place
from chat.server.shared.shared_log import SharedLog
from chat.server.shared.store import Store
from chat.settings import Settings
from tests.shared.store_process import running_store
from tests.support import running_server


def test_what_a_replica_has_not_got_is_shown_to_nobody(tmp_path: Path) -> None:
    folders = [tmp_path / "master", tmp_path / "replica"]
    for folder in folders:
        folder.mkdir()
    ports = free_port(), free_port()
    with (
        running_store(folders[0], ports[0]) as master,
        running_store(folders[1], ports[1], "--replicaof", "127.0.0.1", str(ports[0])) as replica,
    ):
        assert master.client().wait(1, 20_000) == 1
        log = f"redis://127.0.0.1:{ports[0]}/0?replica=127.0.0.1:{ports[1]}"
        with running_server(log=log, node="a", durability="strict", lease=60.0) as node:
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
            replica.client().replicaof("127.0.0.1", str(ports[0]))
            assert bob.expect("PRIVMSG").params[1] == "on the master alone"
            store.close()


def test_strict_without_a_replica_is_refused_in_one_line() -> None:
    with pytest.raises(SetupError, match="durability strict takes a replica to read from"):
        SharedLog(Settings(log="redis://127.0.0.1", durability="strict"), "a", 0, float)
