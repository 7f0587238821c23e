"""A disk that is full, read-only or slow: what users see, what the operator reads, and how it recovers by itself."""

import logging
import os
import re
import sqlite3
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest

from chat import cli
from chat.errors import SetupError
from chat.server.disk import file, reader, writer
from chat.server.disk.sqlite import GATHER, SqliteLog
from chat.server.disk.writer import Kept, Places
from chat.wires.message import Message
from tests.disk.test_sqlite import MODES, history, keeping, rows
from tests.support import RunningServer

FULL_BYTES = 524_288  # of the small disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte, which takes a privilege."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={FULL_BYTES}", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        (pytest.fail if os.environ.get("REQUIRE_NETNS") == "1" else pytest.skip)(mounted.stderr.strip())
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY", 0.01)


def fill(disk: Path) -> Path:
    """Leave nothing on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    return ballast


def log_of(server: RunningServer) -> SqliteLog:
    log = server.server.loop.node.log
    assert isinstance(log, SqliteLog)
    return log


def test_on_a_full_disk_relaxed_talk_goes_on_and_is_written_once_there_is_room(
    small_disk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    socket = str(tmp_path / "socket")
    monkeypatch.setenv("FANFARE_ADMIN", socket)
    with keeping(small_disk / "log", admin=socket) as server:
        ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
        ballast = fill(small_disk)
        for number in range(500):
            ana.say("#a", f"{number} {'x' * 100}")
        ana.sync()
        assert len([message for message in bea.sync() if message.verb == "PRIVMSG"]) == 500
        while "takes nothing" not in server.server.status():
            pass
        assert "entries wait" in server.server.status()
        assert cli.main(["admin", "log", "export", "--log", f"sqlite:{small_disk / 'log'}"]) == 0
        warning = "fanfare: the newest entries may be missing: log takes nothing: database or disk is full, "
        assert capsys.readouterr().err.startswith(warning)
        ballast.unlink()
        while "is written, 0 entries wait, 0 lost" not in server.server.status():
            pass
    assert sum("PRIVMSG" in line for line in history(small_disk / "log", "#a")) == 500
    fault = next(record.message for record in caplog.records if "takes nothing" in record.message)
    assert fault.startswith("the log's file takes nothing: database or disk is full; ")
    assert fault.endswith(" entries are not safe: make room on its disk, it is tried every second")
    assert "the log's file takes entries again" in [record.message for record in caplog.records]


def test_on_a_full_disk_strict_refuses_with_fail_and_takes_words_again_once_there_is_room(small_disk: Path) -> None:
    with keeping(small_disk / "log", "strict") as server:
        ana, bea, carl = server.irc("ana", "#a"), server.irc("bea", "#a"), server.irc("carl", "#a")
        bea.sync()
        ballast = fill(small_disk)
        told: list[Message] = []
        while "FAIL" not in [message.verb for message in told]:
            ana.say("#a", "x" * 400)
            told = ana.sync()
        fail = next(message for message in told if message.verb == "FAIL")
        assert fail.params == [
            "PRIVMSG",
            "TEMPORARILY_UNAVAILABLE",
            "Nothing can be kept now: database or disk is full",
        ]
        seen = sum(message.verb == "PRIVMSG" for message in bea.sync())
        carl.send("QUIT :bye")
        ballast.unlink()
        bea.until("QUIT")  # nobody can be kept from going
        said = 0
        while not said:
            ana.say("#a", "again")
            ana.sync()
            said = sum(message.verb == "PRIVMSG" for message in bea.sync())
    assert sum("PRIVMSG" in line for line in history(small_disk / "log", "#a")) == seen + said


def test_strict_takes_words_again_only_once_there_is_room_for_them(
    small_disk: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    looks: list[bool] = []

    def look(path: str) -> bool:
        looks.append(file.has_room(path))
        return looks[-1]

    monkeypatch.setattr(writer, "has_room", look)
    with keeping(small_disk / "log", "strict") as server:
        ana, carl = server.irc("ana", "#a"), server.irc("carl", "#a")
        ballast = fill(small_disk)
        while "takes nothing" not in server.server.status():
            ana.say("#a", "x" * 400)
            ana.sync()
        os.truncate(ballast, ballast.stat().st_size - 16_384)  # a few pages
        carl.send("QUIT :bye")
        for _ in range(3):
            seen = len(looks)
            while len(looks) == seen:
                pass
        assert "takes nothing" in server.server.status()
        assert not any(looks)
        ballast.unlink()
        ana.until("QUIT")
    told = [record.message for record in caplog.records if "file takes" in record.message]
    assert ["takes nothing: database or disk is full" in message for message in told] == [True, False]


@MODES
def test_a_file_that_was_removed_is_noticed_and_one_that_was_put_back_goes_on(
    tmp_path: Path, durability: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LOOK", 0.0)
    path = tmp_path / "log"
    with keeping(path, durability) as server:
        ana = server.irc("ana", "#a")
        ana.sync()
        path.rename(tmp_path / "elsewhere")
        while "takes nothing: it was removed" not in server.server.status():
            ana.say("#a", "hello")
            ana.sync()
        (tmp_path / "elsewhere").rename(path)
        while "is written, 0 entries wait, 0 lost" not in server.server.status():
            pass
        ana.say("#a", "last")
        ana.sync()
    (told,) = [record.message for record in caplog.records if "takes nothing" in record.message]
    assert told.startswith("the log's file takes nothing: it was removed, or is another one now; ")
    assert told.endswith(": put it back, or start the server again with a new one, it is tried every second")
    assert any(line.endswith(" last") for line in history(path, "#a"))


def test_a_read_only_disk_is_refused_at_the_start_with_one_line(small_disk: Path) -> None:
    with keeping(small_disk / "log"):
        pass
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(
        SetupError,
        match=r"^the log .*log cannot be opened: Read-only file system; let the server's user write the file",
    ):
        keeping(small_disk / "log").__enter__()


def test_a_read_only_disk_can_be_read_by_the_administrator(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FANFARE_LOG", f"sqlite:{small_disk / 'log'}")
    with keeping(small_disk / "log") as server:
        server.irc("ana", "#a").sync()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert cli.main(["admin", "log", "tail"]) == 0
    assert " JOIN #a" in capsys.readouterr().out
    assert cli.main(["admin", "log", "purge", "--all"]) == 2
    helps = "let the server's user write the file and its folder"
    assert capsys.readouterr().err.endswith(f"{helps}\n")


def test_a_backup_that_fails_says_why_and_leaves_no_file(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with keeping(tmp_path / "log"):
        pass
    fill(small_disk)
    copy = small_disk / "copy"
    for log in (tmp_path / "log", tmp_path / "none"):
        assert cli.main(["admin", "log", "backup", "--log", f"sqlite:{log}", str(copy)]) == 2
        assert not copy.exists()
    assert capsys.readouterr().err.splitlines() == [
        f"fanfare: no backup {copy} was made: database or disk is full; make room on its disk",
        f"fanfare: there is no log {tmp_path / 'none'}: a server makes it when it first starts",
    ]


def damaged(*arguments: object) -> NoReturn:
    raise sqlite3.DatabaseError("database disk image is malformed")


class SlowDisk:
    """Holds each commit until it is let go of."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = threading.Event()
        self.free.set()
        self.stuck = threading.Event()
        self._write = writer.write
        monkeypatch.setattr(writer, "write", self.write)

    def write(self, connection: sqlite3.Connection, group: Sequence[Kept], places: Places | None) -> None:
        if not self.free.is_set():
            self.stuck.set()
        self.free.wait()
        self._write(connection, group, places)


@MODES
def test_a_slow_commit_holds_up_only_what_strict_promises(
    tmp_path: Path, durability: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = SlowDisk(monkeypatch)
    monkeypatch.setattr(writer, "SLOW", 0.0)
    with keeping(tmp_path / "log", durability) as server:
        ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a")
        ana.sync()
        disk.free.clear()
        ana.say("#a", "hello")
        disk.stuck.wait()
        seen = [message.params for message in bea.sync() if message.verb == "PRIVMSG"]  # the loop serves others
        assert seen == ([["#a", "hello"]] if durability == "relaxed" else [])
        disk.free.set()
        ana.sync()
        seen += [message.params for message in bea.sync() if message.verb == "PRIVMSG"]
        assert seen == [["#a", "hello"]]
    assert re.search(r"a commit to the log's file took \d+\.\d s; \d+ entries wait behind it$", caplog.text, re.M)


def test_over_the_queues_limit_words_are_lost_and_counted_and_the_state_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SlowDisk(monkeypatch)
    with keeping(tmp_path / "log", log_queue=10) as server:
        ana = server.irc("ana", "#a")
        disk.free.clear()
        for number in range(50):
            ana.say("#a", f"{number}")
        ana.send(*(f"JOIN #{number}" for number in range(50)), *(f"TOPIC #{number} :{number}" for number in range(50)))
        ana.sync()
        disk.stuck.wait()
        waiting, _, lost = server.server.status().partition("entries wait, ")
        assert int(waiting.split(" ")[-2]) <= 20
        assert int(lost.split(" ")[0]) >= 120
        disk.free.set()
        while " 0 entries wait" not in server.server.status():
            pass
        ana.say("#a", "last")
        ana.send("TOPIC #a :bridged")
        ana.sync()
        while " 0 entries wait" not in server.server.status():
            pass
        with closing(sqlite3.connect(tmp_path / "log")) as connection:
            ((state,),) = connection.execute("SELECT state FROM snapshot").fetchall()
        assert all(f'"topic": "{number}"' in state for number in range(50))
    with keeping(tmp_path / "log") as server:
        assert {room.topic for room in server.server.loop.node.state.remembered.values()} == {
            "bridged",
            *map(str, range(50)),
        }
    assert len(rows(tmp_path / "log", "SELECT * FROM entry WHERE said")) < 50


def test_strict_refuses_over_the_queues_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SlowDisk(monkeypatch)
    with keeping(tmp_path / "log", "strict", log_queue=6) as server:
        people = [server.irc(f"user{number}", "#a") for number in range(7)]
        while log_of(server)._writer.waiting:
            pass
        disk.free.clear()
        people[0].say("#a", "hello")
        disk.stuck.wait()
        for one in people[1:6]:
            one.say("#a", "hello")
        while log_of(server)._writer.waiting < 6:
            pass
        people[6].say("#a", "hello")
        assert people[6].expect("FAIL").params[-1] == "6 requests wait for the disk already"
        disk.free.set()
        for one in people[:6]:
            one.sync()
    assert sum("hello" in line for line in history(tmp_path / "log", "#a")) == 6


@MODES
def test_strict_waits_for_the_disk_at_each_commit_and_relaxed_for_50_ms_at_the_most(
    tmp_path: Path, durability: str
) -> None:
    with keeping(tmp_path / "log", durability) as server:
        (synchronous,) = log_of(server)._connection.execute("PRAGMA synchronous").fetchone()
    assert synchronous == {"relaxed": 1, "strict": 2}[durability]
    assert GATHER <= 0.025  # s; as much is left to write the group


def test_an_entry_that_cannot_be_written_ends_neither_the_thread_nor_the_talk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with keeping(tmp_path / "log") as server:
        ana = server.irc("ana", "#a")
        while log_of(server)._writer.waiting:
            pass
        with monkeypatch.context() as patch:
            patch.setattr(writer, "write", lambda *arguments: 1 / 0)
            ana.say("#a", "one")
            ana.sync()
            while "cannot be written" not in caplog.text:
                pass
        ana.say("#a", "two")
        ana.sync()
    assert [line.rpartition(" ")[2] for line in history(tmp_path / "log", "#a") if "PRIVMSG" in line] == ["two"]


def test_a_question_that_cannot_be_answered_fails_and_the_next_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with keeping(tmp_path / "log") as server:
        ana = server.irc("ana", "#a", caps="batch draft/chathistory")
        select = reader.select
        monkeypatch.setattr(reader, "select", lambda *arguments: 1 / 0)
        ana.send("CHATHISTORY LATEST #a * 5")
        assert ana.expect("FAIL").params[:3] == ["CHATHISTORY", "MESSAGE_ERROR", "LATEST"]
        monkeypatch.setattr(reader, "select", select)
        ana.send("CHATHISTORY LATEST #a * 5")
        ana.until("BATCH")  # it opens
        ana.until("BATCH")
        monkeypatch.setattr(reader, "select", damaged)
        ana.send("CHATHISTORY LATEST #a * 5")
        assert ana.expect("FAIL").params[:3] == ["CHATHISTORY", "MESSAGE_ERROR", "LATEST"]
    told = next(record for record in caplog.records if "malformed" in record.message)
    assert told.exc_info is None  # one line
    assert told.message.endswith("disk image is malformed; put it and its -wal aside, or a backup in their place")
