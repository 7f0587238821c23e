"""The writer's groups: under load it is noted later which histories show an entry, and before anybody asks."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from chat.server.disk import file
from chat.server.disk.writer import FEW, Kept, Places, Writer, kept_of, write
from chat.server.log.entry import NOBODY, Entry
from chat.wires.message import Message
from tests.disk.test_sqlite import history, keeping, rows


class Owner:
    """Notes after each transaction how many entries and places the file holds, and whose places it is told of."""

    def __init__(self, connection: sqlite3.Connection, wanted: int) -> None:
        self.connection = connection
        self.wanted = wanted  # places
        self.seen: list[tuple[int, int, int]] = []
        self.over = threading.Event()
        self.more: Callable[[], None] = lambda: None

    def written(self, group: Sequence[Kept], places: Places | None) -> None:
        self.seen.append((*self.count(), places.last if places is not None else 0))
        self.more()
        if self.seen[-1][1] == self.wanted:
            self.over.set()

    def count(self) -> tuple[int, int]:
        query = "SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM place)"
        entries, places = self.connection.execute(query).fetchone()
        return entries, places

    def failed(self, group: Sequence[Kept], error: Exception) -> list[Kept]:
        raise AssertionError from error

    def tidy(self) -> bool:
        return False


def words(first: int, count: int) -> list[Kept]:
    request = Message("PRIVMSG", ["#a", "hello"], "ana!~ana@host")
    return [kept_of(Entry(id_, 1.0, "node", NOBODY, request), ("#a",), True) for id_ in range(first, first + count)]


@pytest.mark.parametrize(
    ("first", "second", "later", "seen"),
    [
        (FEW, 0, 1_000, [(FEW, 0, 0), (FEW, FEW, FEW)]),  # once nothing more comes
        (FEW - 1, 0, 1_000, [(FEW - 1, FEW - 1, FEW - 1)]),  # a small group is written whole
        (FEW, FEW, 2 * FEW - 1, [(FEW, 0, 0), (2 * FEW, 2 * FEW, 2 * FEW)]),  # over the limit
        (FEW, 0, 0, [(FEW, FEW, FEW)]),
    ],
)
def test_places_are_written_at_the_limit_or_once_nothing_more_comes(
    tmp_path: Path, first: int, second: int, later: int, seen: list[tuple[int, int, int]]
) -> None:
    connection, lock = file.open_log(tmp_path / "log")
    with closing(connection):
        owner = Owner(connection, first + second)
        writer = Writer(connection, owner, 0.0, 1_000, later)
        for kept in words(1, first):
            writer.put(kept)

        def more() -> None:
            owner.more = lambda: None
            for kept in words(first + 1, second):
                writer.put(kept)

        owner.more = more
        writer.start()
        assert owner.over.wait(50)
        assert writer.close(50)
    lock.release()
    assert owner.seen == seen


def test_places_wait_for_the_next_group_while_there_may_be_one(tmp_path: Path) -> None:
    connection, lock = file.open_log(tmp_path / "log")
    with closing(connection):
        owner = Owner(connection, 2 * FEW)
        writer = Writer(connection, owner, 50.0, 1_000, 1_000)
        first = threading.Event()
        owner.more = first.set
        for group in (words(1, FEW), words(FEW + 1, FEW)):
            for kept in group:
                writer.put(kept)
            writer.hurry()
            if not first.is_set():
                writer.start()
                assert first.wait(50)
        assert writer.close(50)
    lock.release()
    assert owner.seen == [(FEW, 0, 0), (2 * FEW, 0, 0), (2 * FEW, 2 * FEW, 2 * FEW)]


def test_what_waits_for_entries_to_be_written_finds_their_places_too(tmp_path: Path) -> None:
    connection, lock = file.open_log(tmp_path / "log")
    found: list[tuple[int, int]] = []
    with closing(connection):
        owner = Owner(connection, 2 * FEW)
        writer = Writer(connection, owner, 0.0, FEW, 1_000)
        for kept in words(1, 2 * FEW):
            writer.put(kept)
        writer.put(lambda: found.append(owner.count()))
        writer.start()
        assert writer.close(50)
    lock.release()
    assert found == [(2 * FEW, 2 * FEW)]


def test_any_name_of_a_room_is_written_as_it_is(tmp_path: Path) -> None:
    names = ['#"a"', r"#\u0041\\", "#[{}]", "#häuser-家-🏠", "ana bea", "#a"]
    connection, lock = file.open_log(tmp_path / "log")
    with closing(connection):
        write(connection, [], Places([Kept(file.NEWEST, None, names, True)]))
    lock.release()
    expected = [(name, int(name != "ana bea"), file.NEWEST) for name in names]
    assert sorted(rows(tmp_path / "log", "SELECT room, said, id FROM place")) == sorted(expected)


def test_a_start_notes_where_those_entries_are_shown_that_a_crash_left_without(tmp_path: Path) -> None:
    with keeping(tmp_path / "log") as server:
        ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a", "#b")
        ana.say("#a", "one")
        ana.send("TOPIC #a :news")
        ana.sync()
        bea.send(
            "PRIVMSG #a :two", "PRIVMSG #b :three", "PART #b", "PRIVMSG #a :four", "MODE #a +t", "PRIVMSG #a :five"
        )
        bea.sync()
        ana.send("MODE #a +E", "PRIVMSG #a :not kept")
        ana.sync()
        while rows(tmp_path / "log", "SELECT count(*) FROM place WHERE room = '#a'") < [(6,)]:
            pass
        for ending in ("", "-wal"):
            (tmp_path / f"crashed{ending}").write_bytes((tmp_path / f"log{ending}").read_bytes())
    before = history(tmp_path / "crashed", "#a"), history(tmp_path / "crashed", "#b")
    with closing(sqlite3.connect(tmp_path / "crashed")) as connection:
        ((topic,),) = connection.execute("SELECT id FROM entry WHERE line LIKE '% TOPIC %'").fetchall()
        connection.execute("DELETE FROM place WHERE id > ?", (topic,))
        connection.execute("DELETE FROM place WHERE id = (SELECT min(id) FROM place)")  # somebody has purged it
        connection.commit()
    with keeping(tmp_path / "crashed"):
        pass
    gone = ":ana!~ana@127.0.0.1 JOIN #a"
    assert before[0][0] == gone
    after = [history(tmp_path / "crashed", room) for room in ("#a", "#b")]
    assert [[line for line in lines if "QUIT" not in line] for lines in after] == [before[0][1:], before[1]]
