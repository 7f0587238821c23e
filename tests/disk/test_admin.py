"""`fanfare admin log`, with no server on the file and with one: statistics, tail, export, import, backup, purge."""

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from chat import cli
from chat.server.disk import admin as admin_of_file
from chat.server.disk import file, writer
from chat.server.disk.file import NEWEST
from chat.server.log.entry import BY_NAME
from tests.disk.test_sqlite import history, keeping, rows
from tests.support import RunningServer


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a server has left: words of two people in two rooms."""
    path = tmp_path / "log"
    with keeping(path) as server:
        talk(server)
    monkeypatch.setenv("FANFARE_LOG", f"sqlite:{path}")
    return path


def talk(server: RunningServer) -> None:
    ana, bea = server.irc("ana", "#a", "#b"), server.irc("bea", "#A")
    ana.send("PRIVMSG #a :one", "PRIVMSG #b :two ☕")
    ana.sync()
    bea.send("PRIVMSG #a :three", "PRIVMSG #a :I quote :ana!~ana@127.0.0.1 here", "NICK Bee", "NOTICE #a :four")
    bea.sync()
    for client in (ana, bea):
        client.send("QUIT :bye")
        client.rest()


def admin(*arguments: str) -> int:
    return cli.main(["admin", "log", *arguments])


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert admin(*arguments) == 0
    return capsys.readouterr().out.splitlines()


def test_statistics_and_tail(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stats = {line[:28].strip(): line[28:] for line in out(capsys, "stats")}
    assert (stats["words"], stats["rooms with history"], stats["server"]) == ("5", "2", "none")
    assert [line.partition("Z ")[2] for line in out(capsys, "tail", "-n", "3", "#B")] == [
        ":ana!~ana@127.0.0.1 JOIN #b",
        ":ana!~ana@127.0.0.1 PRIVMSG #b :two ☕",
        ":ana!~ana@127.0.0.1 QUIT :Quit: bye",
    ]
    assert len(out(capsys, "tail", "-n", "4")) == 4


def test_tail_shows_as_many_entries_as_it_is_asked_for(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with keeping(log) as server:  # whose entries nobody is shown
        for number in range(5):
            server.irc(f"user{number}").sync()
        while server.server.loop.node.log.figures().waiting:
            pass
        for lines in (0, 1, 4):
            assert len(out(capsys, "tail", "-n", str(lines))) == lines
            assert len(out(capsys, "tail", "-n", str(lines), "#a")) == lines
    assert admin("tail", "-n", "-1") == 2
    assert capsys.readouterr().err == "fanfare: -n is -1, the least is 0\n"


def test_tail_that_follows_shows_each_entry_once_also_those_that_are_noted_late(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = out(capsys, "tail", "-n", "99")
    ((late,),) = rows(log, "SELECT id FROM entry WHERE line LIKE ':bea!% JOIN %'")
    with closing(sqlite3.connect(log, isolation_level=None)) as server:
        server.execute("DELETE FROM place WHERE id = ?", (late,))  # the words behind it are in the file already
        turns = count()
        shown: list[str] = []

        def settle() -> int:
            turn = next(turns)
            if turn == 1:
                server.execute("INSERT INTO place VALUES ('#a', 0, ?)", (late,))
            if turn == 2:
                raise KeyboardInterrupt
            return NEWEST if turn else late - 1

        monkeypatch.setattr(admin_of_file, "POLL", 0.0)
        with suppress(KeyboardInterrupt):
            for line in admin_of_file.tail(log, 99, "", settle, follow=True):
                shown.append(line)
    assert shown == wanted


def test_tail_shows_no_escape_sequences(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with keeping(log) as server:
        ana = server.irc("ana", "#c")
        ana.say("#c", "\x1b[2Jgone \x9b2J")
        ana.sync()
    assert out(capsys, "tail", "#c")[-2].endswith("PRIVMSG #c :\ufffd[2Jgone \ufffd2J")


def test_an_export_that_is_imported_elsewhere_gives_the_same_histories(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = out(capsys, "export")
    (tmp_path / "export").write_text("".join(f"{line}\n" for line in lines))
    with keeping(tmp_path / "other"):
        pass
    other = f"sqlite:{tmp_path / 'other'}"
    for _ in range(2):  # a second time changes nothing
        assert out(capsys, "import", "--log", other, str(tmp_path / "export")) == [f"{len(lines)} entries read"]
        for room in ("#a", "#b"):
            assert history(tmp_path / "other", room) == history(log, room)
    assert out(capsys, "export", "--log", other) == lines
    with keeping(tmp_path / "other") as server:
        server.irc("carl", "#a").sync()
    assert history(tmp_path / "other", "#a")[: len(history(log, "#a"))] == history(log, "#a")
    quits = [json.loads(line) for line in lines if "QUIT" in line]
    assert [values["rooms"] for values in quits] == [["#a", "#b"], ["#a"]]


def test_entries_of_an_older_export_have_the_user_that_their_line_names(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [json.loads(line) for line in out(capsys, "export")]
    users = {entry["line"].partition("!")[0]: int(entry["user"], 16) for entry in entries}
    assert sorted(users) == [":Bee", ":ana", ":bea"]
    assert users[":bea"] == users[":Bee"] > users[":ana"]
    older = [json.dumps({key: value for key, value in entry.items() if key != "user"}) for entry in entries]
    (tmp_path / "export").write_text("\n".join(older))
    with keeping(tmp_path / "other"):
        pass
    assert admin("import", "--log", f"sqlite:{tmp_path / 'other'}", str(tmp_path / "export")) == 0
    assert history(tmp_path / "other", "#a") == history(log, "#a")
    assert rows(tmp_path / "other", "SELECT DISTINCT user FROM entry") == [(BY_NAME,)]


def test_one_persons_words_are_exported_and_erased_and_nobody_elses(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [json.loads(line)["line"].partition(" ")[2] for line in out(capsys, "export", "--nick", "ANA")]
    assert words == ["JOIN #a", "JOIN #b", "PRIVMSG #a one", "PRIVMSG #b :two ☕", "QUIT :Quit: bye"]
    assert out(capsys, "purge", "--nick", "ana") == ["5 entries purged"]
    assert out(capsys, "export", "--nick", "ana") == []
    assert [line.partition(" ")[2] for line in history(log, "#a")] == [
        "JOIN #A",
        "PRIVMSG #a three",
        "PRIVMSG #a :I quote :ana!~ana@127.0.0.1 here",
        "NICK Bee",
        "NOTICE #a four",
        "QUIT :Quit: bye",
    ]
    assert "two ☕".encode() not in log.read_bytes()
    with keeping(log):
        pass
    assert not any(str(line).startswith(":ana!") for (line,) in rows(log, "SELECT line FROM entry"))


def test_a_purge_whose_text_a_reader_still_holds_on_the_disk_says_so(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(file, "PATIENCE", 0.01)
    with closing(sqlite3.connect(log, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entry").fetchone()
        assert admin("purge", "--nick", "ana") == 2
        complaint = "fanfare: 5 entries purged, but their text stays on the disk while another program reads "
        assert capsys.readouterr().err.startswith(complaint)
        reader.execute("COMMIT")
        assert out(capsys, "purge", "--nick", "ana") == ["0 entries purged"]
        assert "two ☕".encode() not in log.read_bytes() + Path(f"{log}-wal").read_bytes()


def test_purging_a_room_leaves_what_other_rooms_show(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = history(log, "#b")
    assert admin("purge", "--room", "#A") == 0
    assert history(log, "#a") == []
    assert history(log, "#b") == before
    assert admin("purge", "--before", "2000-01-01") == 0
    assert history(log, "#b") == before
    assert admin("purge", "--before", "2100-01-01T12:00") == 0
    assert history(log, "#b") == []


def test_a_backup_is_a_log_and_overwrites_nothing(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert admin("backup", str(tmp_path / "copy")) == 0
    with keeping(tmp_path / "copy") as server:
        assert set(server.server.loop.node.state.remembered) == {"#a", "#b"}
    assert history(tmp_path / "copy", "#a") == history(log, "#a")
    assert admin("backup", str(tmp_path / "copy")) == 2
    assert capsys.readouterr().err == f"fanfare: {tmp_path / 'copy'} exists already\n"


class Disturbed(sqlite3.Connection):
    """A server commits after each step of its backup."""

    path: Path
    steps = 0

    def backup(self, target: sqlite3.Connection, **options: Any) -> None:
        def commit(*_: object) -> None:
            Disturbed.steps += 1
            assert self.steps < 5, "it begins again and again"
            with closing(sqlite3.connect(self.path)) as server, server:
                server.execute("UPDATE last SET id = id + 1")

        super().backup(target, **options, progress=commit)


def test_a_backup_of_a_busy_servers_file_ends(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("INSERT INTO snapshot VALUES (1, ?)", ("x" * 20_000_000,))
    Disturbed.path = log
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Disturbed))
    admin_of_file.backup(log, tmp_path / "copy")
    assert Disturbed.steps
    assert history(tmp_path / "copy", "#a") == history(log, "#a")


def test_what_the_server_has_not_noted_yet_is_shown_and_goes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, socket = tmp_path / "log", str(tmp_path / "socket")
    monkeypatch.setenv("FANFARE_LOG", f"sqlite:{path}")
    monkeypatch.setenv("FANFARE_ADMIN", socket)
    monkeypatch.setattr(writer, "FEW", 0)  # as when there is no end of what is to be written
    with keeping(path, admin=socket) as server:
        ana = server.irc("ana", "#a")
        for number, look in enumerate([("tail", "#a"), ("export", "--room", "#a"), ("tail",)]):
            ana.say("#a", f"word{number}")
            ana.sync()
            assert f"word{number}" in out(capsys, *look)[-1]
        ana.say("#a", "last")
        ana.sync()
        assert out(capsys, "purge", "--room", "#a") == ["5 entries purged"]
        assert b"word" not in path.read_bytes() + Path(f"{path}-wal").read_bytes()


@contextmanager
def nobody() -> Iterator[None]:
    """As a user who may do nothing here."""
    if os.geteuid() != 0:
        pytest.skip("it takes a privilege")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_somebody_elses_log_is_one_line_and_status_2(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.parent.chmod(0o700)
    for action in (["stats"], ["tail"], ["export"], ["purge", "--all"]):
        with nobody():
            assert admin(*action) == 2
        error = f"fanfare: the log {log} cannot be opened: Permission denied; let the server's user write the file"
        assert capsys.readouterr().err == f"{error} and its folder\n"


def test_all_of_it_works_while_a_server_has_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log"
    monkeypatch.setenv("FANFARE_LOG", f"sqlite:{path}")
    with keeping(path) as server:
        talk(server)
        carl = server.irc("carl", "#a", caps="batch draft/chathistory")
        carl.send("CHATHISTORY LATEST #a * 9")
        carl.until("BATCH")
        carl.until("BATCH")  # so it is in the file
        assert ["server", "running"] in [line.split() for line in out(capsys, "stats")]
        exported = out(capsys, "export", "--room", "#a")
        assert admin("backup", str(tmp_path / "copy")) == 0
        assert out(capsys, "purge", "--nick", "bea") == ["4 entries purged"]
        assert out(capsys, "purge", "--nick", "bee") == ["2 entries purged"]
        carl.send("PRIVMSG #a :five", "CHATHISTORY LATEST #a * 9")
        carl.until("BATCH")
        seen = [message.params[1] for message in carl.until("BATCH") if message.verb == "PRIVMSG"]
        assert seen == ["one", "five"]
        (tmp_path / "export").write_text("\n".join(line for line in exported if "three" in line))
        assert admin("import", str(tmp_path / "export")) == 0
        carl.send("CHATHISTORY LATEST #a * 9")
        carl.until("BATCH")
        seen = [message.params[1] for message in carl.until("BATCH") if message.verb == "PRIVMSG"]
        assert seen == ["one", "three", "five"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("stats", "--log", "sqlite:/nowhere/log"), "there is no log /nowhere/log"),
        (("stats", "--log", "memory:"), "the log is memory:, which leaves nothing; name a file with --log sqlite:PATH"),
        (
            ("stats", "--log", "redis://store"),
            "the history is stream, which is no file; name one with --log sqlite:PATH",
        ),
        (("stats", "--log", "file"), "log begins with 'file', it is memory:, sqlite:PATH or redis://HOST/DB"),
        (("purge",), "purge what? --room, --nick and --before choose; --all is everything"),
        (("purge", "--before", "soon"), "'soon' is no date like 2026-01-31"),
        (("import", "/nowhere"), "/nowhere: No such file or directory"),
        (("import", sys.executable), f"{sys.executable}: it is not UTF-8"),
        (("import", __file__), "line 1 is no entry that was exported: "),
    ],
)
def test_a_wrong_command_gets_one_line_and_status_2(
    log: Path, arguments: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert admin(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"fanfare: {complaint}")
    assert error.count("\n") == 1


SPOILT: list[dict[str, object]] = [
    {"id": "0"},
    {"id": "-5"},
    {"id": "f" * 20},
    {"at": "nan"},
    {"at": "1e30"},
    {"user": "f" * 20},
    {"node": 5},
    {"rooms": [5]},
    {"rooms": [""]},
    {"rooms": 5},
    {"line": "PRIVMSG #a hello"},
    {"line": ":ana!~ana@host FOO #a hello"},
    {"line": ":ana!~ana@host PRIVMSG #a"},
    {"line": ":ana!~ana@host PRIVMSG : hello"},
    {"line": ":ana!~ana@host PRIVMSG"},
    {"line": ":ana!~ana@host KICK #a bea"},
    {"line": ":ana!~ana@host TOPIC #a"},
    {"line": ""},
    {"line": 5},
]


def test_an_import_takes_nothing_that_could_not_be_shown(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = out(capsys, "export")
    for spoilt in SPOILT:
        (tmp_path / "export").write_text("\n".join([*lines, json.dumps({**json.loads(lines[-1]), **spoilt})]))
        assert admin("import", str(tmp_path / "export")) == 2, spoilt
        complaint = f"fanfare: line {len(lines) + 1} is no entry that was exported: "
        assert capsys.readouterr().err.startswith(complaint), spoilt
    assert out(capsys, "export") == lines


def test_imported_words_of_people_whom_the_log_does_not_know_stay_also_with_strict(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = out(capsys, "export", "--nick", "bea")
    words = [line for line in lines if "PRIVMSG" in line]
    assert words
    (tmp_path / "export").write_text("\n".join(words))
    other = tmp_path / "other"
    with keeping(other, durability="strict"):
        pass
    assert admin("import", "--log", f"sqlite:{other}", str(tmp_path / "export")) == 0
    before = history(other, "#a")
    assert before
    with keeping(other, durability="strict"):
        pass
    assert history(other, "#a") == before
