"""A hundred thousand entries grow too old at once: they go in portions, and between any two others are served."""

import statistics
import threading
from contextlib import closing
from pathlib import Path

import pytest

from bench.history_file import DAYS, fill, migrate
from chat.server.disk import file
from chat.server.disk.retention import AT_ONCE, Retention
from chat.server.log.ids import time_of
from tests.disk.test_sqlite import keeping, rows

ENTRIES, ROOMS = 106_000, 10
AGE = 1.0  # days
OLD = int(ENTRIES * (1 - AGE / DAYS))  # 100,700


@pytest.fixture(scope="module")
def old_log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A log most of whose entries are too old."""
    path = tmp_path_factory.mktemp("old") / "log"
    fill(path, ENTRIES, ROOMS)
    migrate(path, 0)
    return path.read_bytes()


@pytest.mark.parametrize(("length", "age", "left"), [(0, AGE, 5_301), (1_000, 0.0, 10_000)])
def test_each_portion_deletes_a_few_entries_and_takes_no_more_work_than_the_others(
    tmp_path: Path, old_log: bytes, length: int, age: float, left: int
) -> None:
    (tmp_path / "log").write_bytes(old_log)
    connection, lock = file.open_log(tmp_path / "log")
    ((newest,),) = rows(tmp_path / "log", "SELECT id FROM last")
    retention = Retention(connection, length, age, lambda: time_of(newest))
    work: list[int] = []
    deleted: list[int] = []
    more = True

    def count() -> None:
        work[-1] += 1

    with closing(connection):
        connection.set_progress_handler(count, 100)  # instructions of SQLite's machine
        while more:
            before = connection.total_changes
            work.append(0)
            more = retention.portion()
            deleted.append(connection.total_changes - before)
    lock.release()
    assert len(rows(tmp_path / "log", "SELECT 1 FROM place")) == left
    assert max(deleted) == 2 * AT_ONCE  # an entry, and that a room shows it
    assert max(work) <= 2 * statistics.median(work)


def test_between_two_portions_what_was_said_is_written_and_questions_are_answered(
    tmp_path: Path, old_log: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").write_bytes(old_log)
    allowed, stuck, over = threading.Semaphore(0), threading.Semaphore(0), threading.Event()
    portion = Retention.portion
    taken: list[bool] = []

    def watched(retention: Retention) -> bool:
        if not over.is_set():
            stuck.release()
            allowed.acquire()
        more = portion(retention)
        taken.append(more)
        if not more:
            over.set()
        return more

    monkeypatch.setattr(Retention, "portion", watched)
    with keeping(tmp_path / "log", history_age=AGE) as server:
        ana, bea = server.irc("ana", "#new", caps="batch draft/chathistory"), server.irc("bea", "#new")
        for number in range(3):
            stuck.acquire()
            ana.say("#new", f"{number}")
            assert bea.expect("PRIVMSG").params == ["#new", f"{number}"]  # a portion is under way, and the loop goes on
            ana.send("CHATHISTORY LATEST #new * 9")
            allowed.release()
            ana.until("BATCH")
            assert len(ana.until("BATCH")) == number + 2
        allowed.release(ENTRIES)
        assert over.wait(50)
    assert len(taken) >= OLD / AT_ONCE
