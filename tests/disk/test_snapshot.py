"""Snapshots of the state: a start reads one, and the loop takes no part in making it."""

from contextlib import closing
from pathlib import Path

import pytest

from chat.server.core.state import Limits
from chat.server.disk import file, snapshot
from chat.server.disk.writer import Places, kept_of, write
from chat.server.log.entry import BY_NAME, Entry
from chat.wires.message import Message
from tests.disk.test_sqlite import keeping, rows


class FakeProcess:
    def __init__(self, started: list["FakeProcess"]) -> None:
        started.append(self)

    def poll(self) -> int:
        return 1  # it has failed: the snapshot stays


def test_the_state_is_read_from_a_snapshot_and_what_came_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "EVERY", 10)
    monkeypatch.setattr(snapshot, "AT_ONCE", 3)
    with keeping(tmp_path / "log", keep="words") as server:
        ana = server.irc("ana", "#a")
        for number in range(40):
            ana.send(f"JOIN #{number}", f"TOPIC #{number} :{number}", f"PART #{number}")
        ana.sync()
        while rows(tmp_path / "log", "SELECT max(id) FROM snapshot")[0][0] == 0:
            pass
        for ending in ("", "-wal"):
            (tmp_path / f"crashed{ending}").write_bytes((tmp_path / f"log{ending}").read_bytes())
    with keeping(tmp_path / "crashed") as server:
        state = server.server.loop.node.state
        assert state.users == {}
        kept = [room.topic for room in state.remembered.values() if room.key != "#a"]
        assert kept == [str(number) for number in range(len(kept))]
        assert kept
    with keeping(tmp_path / "log") as server:
        assert len(server.server.loop.node.state.remembered) == 41
    assert rows(tmp_path / "log", "SELECT count(*) FROM entry") == [(0,)]


def test_words_alone_move_the_snapshot_and_no_process_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with keeping(tmp_path / "log") as server:
        ana = server.irc("ana", "#a")
        ana.sync()
    connection, lock = file.open_log(tmp_path / "log")
    started: list[FakeProcess] = []
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: FakeProcess(started))
    with closing(connection):
        snapshots = snapshot.Snapshots(connection, tmp_path / "log", Limits(1, 1, 1, 1), file.NEWEST)
        (before,) = connection.execute("SELECT id FROM snapshot").fetchone()
        for number, verb in enumerate(("PRIVMSG", "TOPIC"), before + 1):
            entry = Entry(number, 1.0, "node", BY_NAME, Message(verb, ["#a", "text"], "ana!~ana@host"))
            group = [kept_of(entry, ("#a",), verb == "PRIVMSG")]
            write(connection, group, Places(group))
            snapshots.since = snapshot.EVERY
            while snapshots.portion():
                pass
            assert rows(tmp_path / "log", "SELECT id FROM snapshot") == [(before + 1,)]
            assert len(started) == number - before - 1
    lock.release()
