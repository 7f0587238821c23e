"""The log on disk: what was said and what rooms are is there after a restart, once, in the same order."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chat.errors import SetupError
from chat.server.core.apply import apply
from chat.server.core.snapshot import load
from chat.server.core.state import Limits, State
from chat.server.disk import file
from chat.server.disk.retention import Retention
from chat.server.log.entry import BY_NAME, Entry
from chat.server.log.ids import first_id, time_of
from chat.settings import Settings
from chat.wires.message import parse
from tests.asking import ask_as
from tests.core.chat import Chat
from tests.support import RunningServer, running_server

MODES = pytest.mark.parametrize("durability", ["relaxed", "strict"])


@contextmanager
def keeping(path: Path, durability: str = "relaxed", **settings: object) -> Iterator[RunningServer]:
    with running_server(("irc",), 0, log=f"sqlite:{path}", durability=durability, **settings) as server:
        yield server


def rows(path: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query, values).fetchall()


def history(path: Path, room: str) -> list[str]:
    """The lines that the room's history shows."""
    query = "SELECT line FROM place JOIN entry USING (id) WHERE room = ? ORDER BY id"
    return [str(line) for (line,) in rows(path, query, room)]


def msgids(path: Path) -> list[str]:
    return [f"{number:x}" for (number,) in rows(path, "SELECT id FROM entry WHERE said ORDER BY id")]


@MODES
def test_what_was_said_is_in_the_file_in_order_with_the_msgid_that_was_seen(tmp_path: Path, durability: str) -> None:
    with keeping(tmp_path / "log", durability) as server:
        ana = server.irc("ana", "#A", caps="message-tags")
        bea = server.irc("bea", "#a")
        for number in range(50):
            bea.say("#a", f"word {number}")
        bea.sync()
        seen = [message for message in ana.sync() if message.verb == "PRIVMSG"]
    assert [message.params[1] for message in seen] == [f"word {number}" for number in range(50)]
    assert msgids(tmp_path / "log") == [message.tag("msgid") for message in seen]
    lines = history(tmp_path / "log", "#a")
    assert lines[0] == ":ana!~ana@127.0.0.1 JOIN #A"
    assert lines[1] == ":bea!~bea@127.0.0.1 JOIN #a"
    assert lines[2] == ":bea!~bea@127.0.0.1 PRIVMSG #a :word 0"


@MODES
def test_a_room_is_after_a_restart_what_it_was_before(tmp_path: Path, durability: str) -> None:
    with keeping(tmp_path / "log", durability) as server:
        ana = server.irc("ana", "#a", "#b")
        ana.send("TOPIC #a :about everything", "MODE #a -t", "MODE #b -n")
        ana.sync()
        ana.send("MODE #a")
        created = ana.expect("329").params[2]
    with keeping(tmp_path / "log", durability) as server:
        bea = server.irc("bea")
        assert server.server.loop.node.state.rooms == {}
        joined = {message.verb: message.params for message in bea.join("#a")}
        assert joined["332"] == ["bea", "#a", "about everything"]
        assert joined["333"][2] == "ana"
        bea.send("MODE #a")
        assert bea.expect("324").params[2] == "+n"
        assert bea.expect("329").params[2] == created
        bea.join("#b")
        bea.send("MODE #b")
        assert bea.expect("324").params[2] == "+t"


@MODES
def test_users_do_not_survive_and_each_room_tells_why(tmp_path: Path, durability: str) -> None:
    with keeping(tmp_path / "log", durability) as server:
        server.irc("ana", "#a", "#b").sync()
        copy(tmp_path / "log", tmp_path / "crashed", lines=3)
    with keeping(tmp_path / "crashed", durability) as server:
        assert server.server.loop.node.state.users == {}
    with keeping(tmp_path / "log", durability):
        pass  # strict: the last who went are noted at the next start
    for room in ("#a", "#b"):
        assert history(tmp_path / "crashed", room)[-1] == ":ana!~ana@127.0.0.1 QUIT :Server restarted"
        assert history(tmp_path / "log", room)[-1].startswith(":ana!~ana@127.0.0.1 QUIT")


def copy(path: Path, to: Path, lines: int) -> None:
    """A copy of the file as a crash would leave it, once it has so many entries."""
    while rows(path, "SELECT count(*) FROM entry")[0][0] < lines:
        pass
    for ending in ("", "-wal"):
        Path(f"{to}{ending}").write_bytes(Path(f"{path}{ending}").read_bytes())


def test_ids_and_times_go_on_where_they_were_though_the_clock_has_stepped_back(tmp_path: Path) -> None:
    with keeping(tmp_path / "log") as server:
        server.irc("ana", "#a").sync()
    with closing(sqlite3.connect(tmp_path / "log")) as connection:
        connection.execute("UPDATE last SET id = ?", (first_id(9999999999.5),))
        connection.commit()
    ((last,),) = rows(tmp_path / "log", "SELECT id FROM last")
    with keeping(tmp_path / "log") as server:
        server.irc("ana", "#a").sync()
    new = [number for (number,) in rows(tmp_path / "log", "SELECT id FROM entry WHERE id > ?", last)]
    assert new
    assert all(number > last and time_of(number) == 9999999999.5 for number in new)


def test_private_words_tags_and_absence_never_touch_the_disk(tmp_path: Path) -> None:
    for durability in ("relaxed", "strict"):
        path = tmp_path / durability
        with keeping(path, durability) as server:
            ana, bea = server.irc("ana", "#a"), server.irc("bea", "#a", caps="message-tags")
            ana.say("bea", "secret-one")
            bea.send("@+typing=active TAGMSG #a", "NOTICE ana :secret-two", "AWAY :secret-three", "SETNAME secret-four")
            bea.sync()
            ana.sync()
        assert all(b"secret" not in data.read_bytes() for data in tmp_path.glob(f"{durability}*"))


def test_keep_says_what_histories_show(tmp_path: Path) -> None:
    with keeping(tmp_path / "log", keep="topics") as server:
        ana = server.irc("ana", "#a")
        ana.say("#a", "words")
        ana.send("TOPIC #a :news", "MODE #a -n", "PART #a")
        ana.sync()
    assert history(tmp_path / "log", "#a") == [":ana!~ana@127.0.0.1 TOPIC #a news"]
    assert rows(tmp_path / "log", "SELECT count(*) FROM entry") == [(1,)]  # the snapshot has what the others said


def test_a_request_that_was_refused_is_in_no_history(tmp_path: Path) -> None:
    with keeping(tmp_path / "log", "strict") as server:
        server.irc("ana", "#a").sync()
        bea = server.irc("bea")
        bea.send("PRIVMSG #a :from outside", "TOPIC #a :mine", "NICK ana")
        bea.sync()
    with keeping(tmp_path / "log", "strict"):
        pass
    lines = [str(line) for (line,) in rows(tmp_path / "log", "SELECT line FROM entry JOIN place USING (id)")]
    assert not any("outside" in line or "mine" in line or "NICK" in line for line in lines)


def test_a_second_server_on_the_file_gets_one_clear_line(tmp_path: Path) -> None:
    in_use = rf"log is in use by another server, process {os.getpid()}: stop that one, or name another file$"
    with keeping(tmp_path / "log"), pytest.raises(SetupError, match=in_use):
        file.open_log(tmp_path / "log")
    connection, lock = file.open_log(tmp_path / "log")
    connection.close()
    lock.release()


def test_a_file_of_a_newer_server_of_another_program_or_of_nobody_is_refused_with_one_line(tmp_path: Path) -> None:
    with keeping(tmp_path / "newer"):
        pass
    with closing(sqlite3.connect(tmp_path / "newer")) as connection:
        connection.execute("PRAGMA user_version = 9")
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE t (x)")
    (tmp_path / "text").write_text("nothing of the kind " * 100)
    (tmp_path / "folder").mkdir()
    wanted = {
        "newer": f"was written by a newer Fanfare: its format is 9, this one knows {len(file.FORMATS)};"
        " serve it with that version, or name another file",
        "other": "is no log of Fanfare: it is another program's database; name another file",
        "text": "is damaged: file is not a database; put it and its -wal aside, or a backup in their place",
        "folder": "cannot be opened: it is a folder; name a file",
    }
    for name, text in wanted.items():
        with pytest.raises(SetupError) as caught:
            file.open_log(tmp_path / name)
        assert text in str(caught.value)
        assert "\n" not in str(caught.value)


def test_damage_is_found_at_the_start(tmp_path: Path) -> None:
    with keeping(tmp_path / "log") as server:
        ana = server.irc("ana", "#a")
        for number in range(300):
            ana.say("#a", f"word {number} {'x' * 100}")
        ana.sync()
    data = bytearray((tmp_path / "log").read_bytes())
    data[8192:12288] = os.urandom(4096)
    (tmp_path / "log").write_bytes(data)
    with pytest.raises(SetupError, match="is damaged"), keeping(tmp_path / "log"):
        pass


def test_an_older_format_is_brought_forward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with keeping(tmp_path / "log") as server:
        server.irc("ana", "#a").sync()
    before = history(tmp_path / "log", "#a")
    monkeypatch.setattr(file, "FORMATS", (*file.FORMATS, "ALTER TABLE entry ADD COLUMN account TEXT;"))
    with keeping(tmp_path / "log"):
        pass
    assert rows(tmp_path / "log", "PRAGMA user_version") == [(len(file.FORMATS),)]
    assert rows(tmp_path / "log", "SELECT account FROM entry LIMIT 1") == [(None,)]
    assert history(tmp_path / "log", "#a") == before


def test_a_file_of_the_second_format_shows_the_same_histories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with keeping(tmp_path / "new") as server:
        ana = server.irc("ana", "#a", "#b")
        ana.say("#a", "hello")
        ana.sync()
        server.irc("bea", "#b").sync()
    with monkeypatch.context() as patch:
        patch.setattr(file, "FORMATS", file.FORMATS[:2])
        connection, lock = file.open_log(tmp_path / "old")
    with closing(connection):
        connection.execute("ATTACH ? AS new", (str(tmp_path / "new"),))
        connection.execute("INSERT INTO entry SELECT id, '1.5', node, said, line FROM new.entry")
        connection.execute("INSERT INTO snapshot SELECT * FROM new.snapshot")
        connection.execute("INSERT INTO place (room, id, said) SELECT room, id, said FROM new.place")
        connection.execute("REPLACE INTO last SELECT one, id, '1.5' FROM new.last")
    lock.release()
    with keeping(tmp_path / "old"):
        pass
    query = "SELECT room, said, id FROM place ORDER BY id, room"
    assert rows(tmp_path / "old", query) == rows(tmp_path / "new", query)
    schema = "SELECT name, sql FROM sqlite_schema ORDER BY name"
    assert rows(tmp_path / "old", schema) == rows(tmp_path / "new", schema)


def test_entries_of_the_third_format_are_their_users_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with a crash: a snapshot with ana in it, and entries behind."""
    with keeping(tmp_path / "new", "strict") as server:
        ana = server.irc("ana", "#a")
        ana.send("TOPIC #a :old and new", "MODE #a +m")
        ana.sync()
        server.irc("bea", "#a").sync()
        copy(tmp_path / "new", tmp_path / "crashed", lines=6)
    with monkeypatch.context() as patch:
        patch.setattr(file, "FORMATS", file.FORMATS[:3])
        connection, lock = file.open_log(tmp_path / "old")
    with closing(connection):
        connection.execute("ATTACH ? AS new", (str(tmp_path / "crashed"),))
        connection.execute("INSERT INTO entry SELECT id, '1.5', node, said, line FROM new.entry")
        connection.execute("INSERT INTO place SELECT * FROM new.place")
        connection.execute("REPLACE INTO last SELECT one, id, '1.5' FROM new.last")
        joined, *_ = connection.execute("SELECT id FROM entry WHERE line LIKE '%JOIN%' ORDER BY id").fetchone()
        dump = _without_numbers(connection, joined)
        connection.execute("INSERT INTO snapshot VALUES (?, ?)", (joined, dump))
    lock.release()
    with keeping(tmp_path / "old") as server:
        room = server.server.loop.node.state.remembered["#a"]
        assert (room.topic, room.modes) == ("old and new", {"m", "n", "t"})
    asked = rows(tmp_path / "old", "SELECT user, count(*) FROM entry WHERE line NOT LIKE '%QUIT%' GROUP BY user")
    assert [user for user, _ in asked] == [BY_NAME]
    ends = [line.partition(" ")[0] for line in history(tmp_path / "old", "#a") if "QUIT" in line]
    assert sorted(ends) == [":ana!~ana@127.0.0.1", ":bea!~bea@127.0.0.1"]


def _without_numbers(connection: sqlite3.Connection, upto: int) -> str:
    """The state at that entry, as a server of the third format wrote it."""
    state = State(Limits(100, 100, 100))
    for number, node, line in connection.execute("SELECT id, node, line FROM entry WHERE id <= ?", (upto,)):
        apply(state, Entry(number, time_of(number), node, BY_NAME, parse(line)))
    values = [json.loads(line) for line in state.dump().splitlines()]
    assert [value.pop("id", None) is not None for value in values] == [True, False]  # ana and the room
    return "".join(f"{json.dumps(value)}\n" for value in values)


@pytest.mark.parametrize("newest", [True, False])
@pytest.mark.parametrize("words", [True, False])
def test_a_room_is_read_in_the_order_of_the_table_without_a_scan_or_a_sort(
    tmp_path: Path, words: bool, newest: bool
) -> None:
    connection, lock = file.open_log(tmp_path / "log")
    with closing(connection):
        values = {"room": "#a", "after": 0, "before": file.NEWEST, "limit": 100}
        plan = connection.execute(f"EXPLAIN QUERY PLAN {file.ids_of_room(words, newest)} LIMIT :limit", values)
        steps = [step for _, _, _, step in plan]
    lock.release()
    search = "SEARCH place USING PRIMARY KEY (room=? AND said=? AND id>? AND id<?)"
    assert steps.count(search) == (1 if words else 2)
    assert not any("SCAN" in step or "TEMP B-TREE" in step for step in steps)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    with keeping(tmp_path / "new folder" / "log"):
        pass
    assert (tmp_path / "new folder" / "log").stat().st_mode & 0o777 == 0o600


def test_a_state_and_what_is_loaded_from_its_dump_are_the_same() -> None:
    chat = Chat()
    ana, bea = chat.member("ana", "#a", "#b", "#c"), chat.member("bea", "#b", "#a")
    chat.run(ana, "TOPIC #a :about", "MODE #b +o bea", "MODE #b -t", "AWAY :tea", "MODE ana +i")
    chat.run(bea, "NICK Bea")
    dump = chat.node.state.dump()
    state = State(chat.node.state.limits)
    load(state, dump)
    assert state.dump() == dump
    assert state.rooms_by_host == chat.node.state.rooms_by_host
    assert state.rooms["#b"].wants_operator is False


def test_an_empty_room_is_remembered_up_to_the_limit_and_comes_back_as_it_was() -> None:
    chat = Chat()
    chat.node.state.limits = Limits(100, 100, 100, rooms_remembered=2)
    ana = chat.member("ana", "#a", "#b", "#c")
    chat.run(ana, "TOPIC #a :about", "PART #a")
    assert "#a" not in chat.node.state.rooms
    assert chat.node.state.rooms_by_host == {"host": 2}
    state = State(chat.node.state.limits)
    load(state, chat.node.state.dump())
    assert state.dump() == chat.node.state.dump()
    chat.run(ana, "JOIN #A")
    assert (chat.room("#a").name, chat.room("#a").topic) == ("#a", "about")
    assert chat.room("#a").members[chat.user("ana")]  # somebody has to have the rights
    chat.run(ana, "JOIN 0")
    assert list(chat.node.state.remembered) == ["#c", "#a"]


def test_settings_of_the_log_are_checked() -> None:
    for values in (
        {"log": "file:x"},
        {"durability": "safe"},
        {"keep": "words,all"},
        {"history_length": -1},
        {"history": "file"},
    ):
        with pytest.raises(SetupError):
            Settings(**values)
    with pytest.raises(SetupError, match="history none takes a log that several servers share"):
        Settings(history="none")
    assert json.dumps(Settings().log) == '"sqlite:"'


@MODES
def test_nothing_said_in_a_room_that_keeps_nothing_touches_the_disk(tmp_path: Path, durability: str) -> None:
    with keeping(tmp_path / "log", durability) as server:
        ana = server.irc("ana", "#a")
        ana.say("#a", "public")
        ana.send("MODE #a +E")
        ana.sync()
        ana.say("#a", "secret")
        ana.send("MODE #a")
        assert ana.expect("324").params[2] == "+Ent"
        ana.sync()
    assert history(tmp_path / "log", "#a")[-1].endswith("PRIVMSG #a public")
    assert all(b"secret" not in data.read_bytes() for data in tmp_path.iterdir())
    with keeping(tmp_path / "log", durability) as server:
        ana = server.irc("ana", "#a")
        ana.send("MODE #a")
        assert ana.expect("324").params[2] == "+Ent"


def test_what_is_too_old_or_one_too_many_goes_and_what_the_state_needs_stays(tmp_path: Path) -> None:
    with keeping(tmp_path / "log") as server:
        ana, bea = server.irc("ana", "#a"), server.irc("bea", "#b")
        for number in range(30):
            ana.say("#a", f"word {number}")
            bea.say("#b", f"word {number}")
        ana.sync(), bea.sync()
    now = [time.time()]
    connection, lock = file.open_log(tmp_path / "log")
    with closing(connection):
        by_number = Retention(connection, 10, 0.0, lambda: now[0])
        while by_number.portion():
            pass
        for room in ("#a", "#b"):
            lines = history(tmp_path / "log", room)
            assert [line.rpartition(" ")[2] for line in lines[:-1]] == [str(number) for number in range(21, 30)]
        assert rows(tmp_path / "log", "SELECT count(*) FROM entry WHERE said") == [(18,)]
        by_age = Retention(connection, 0, 1.0, lambda: now[0])
        while by_age.portion():
            pass
        assert len(history(tmp_path / "log", "#a")) == 10
        now[0] += 90_000.0
        while by_age.portion():
            pass
        assert history(tmp_path / "log", "#a") == []
        assert rows(tmp_path / "log", "SELECT count(*) FROM place") == [(0,)]
    lock.release()


@MODES
def test_accounts_survive_a_restart_and_a_crash_and_nobody_stays_logged_in(tmp_path: Path, durability: str) -> None:
    def request(server: RunningServer, line: str) -> None:
        loop, done = server.server.loop, threading.Event()

        def ask() -> None:
            (client,) = loop.connections
            ask_as(loop.node, client, parse(line), done.set)

        loop.mailbox.post(ask)
        assert done.wait(50)

    with keeping(tmp_path / "log", durability) as server:
        server.irc("bea", "#a").sync()
        request(server, ":fanfare.local REGISTER Ana verifier")
        request(server, ":fanfare.local CERT ana + ff00")
        request(server, ":bea!~bea@127.0.0.1 ACCOUNT ana")
        copy(tmp_path / "log", tmp_path / "crashed", lines=5)
    for name in ("log", "crashed", "log"):
        with keeping(tmp_path / name, durability) as server:
            accounts = server.server.loop.node.state.accounts
            assert [(account.name, account.verifier) for account in accounts.by_name.values()] == [("Ana", "verifier")]
            assert accounts.by_fingerprint["ff00"].name == "Ana"
            assert not accounts.by_name["ana"].users
