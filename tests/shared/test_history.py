"""History on the nodes of a shared log: the same lines and ids on each, from memory and from files."""

import random
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from chat import cli
from chat.errors import SetupError
from chat.server.disk import admin, node_history
from chat.server.shared import snapshots as snapshots_module
from chat.server.shared.place import Place
from chat.server.shared.snapshots import Snapshots
from chat.server.shared.store import stream_id
from tests.commands.test_history import CAPS
from tests.commands.test_private_history import logged_in, talk
from tests.disk.test_faults import SlowDisk
from tests.disk.test_sqlite import rows
from tests.ops.serving import IRC, serving
from tests.shared.conftest import LEASE, MakeNode
from tests.shared.store_process import RedisProcess
from tests.support import IrcClient, RunningServer, running_server

PLAYBACK = f"{CAPS} draft/event-playback"
CHEAP = {"password_iterations": 4096, "registrations_per_address": 10}
LATEST = "LATEST #r * 100"


def answer(client: IrcClient, question: str) -> list[tuple[str, ...]]:
    """The lines with their times and ids. The client's own request comes first: all that is in the log before it."""
    client.send("AWAY :asking", f"CHATHISTORY {question}", "PING behind")
    lines = []
    while (message := client.read()) is not None and message.verb != "PONG":
        assert message.verb != "FAIL", message
        if message.tag("batch"):
            tags = (message.tag(tag) or "" for tag in ("time", "msgid", "account"))
            lines.append((*tags, message.source, message.verb, *message.params))
    return lines


def words(client: IrcClient, question: str = LATEST) -> list[str]:
    return [line[-1] for line in answer(client, question) if line[4] == "PRIVMSG"]


def reader_of(node: RunningServer, nick: str) -> IrcClient:
    return node.irc(nick, "#r", caps=PLAYBACK)


Snap = Callable[[int], None]
Brief = Callable[..., AbstractContextManager[RunningServer]]


@pytest.fixture
def brief(store: RedisProcess) -> Brief:
    """As `make_node`, for a block."""

    def make(name: str, **settings: object) -> AbstractContextManager[RunningServer]:
        return running_server(**{"node": name, "log": store.url, "lease": LEASE, **settings})  # type: ignore[arg-type]

    return make


@pytest.fixture
def snap(store: RedisProcess) -> Snap:
    """`snap(kept)` makes a snapshot of the log as it is, and cuts it to what is needed for so many entries."""

    def take(kept: int) -> None:
        snapshots = Snapshots(Place.of(store.url), "token", kept)
        snapshots.limits = limits
        assert snapshots.take()
        snapshots.close(0.0)

    with running_server(node="limits", log=store.url, history="none") as server:
        limits = server.server.node.state.limits
    return take


def cut(client: IrcClient, snap: Snap) -> None:
    """Have the log begin behind all that was said."""
    for kept in (10_000, 0, 0):
        client.send("AWAY :x", "AWAY")
        client.sync()
        snap(kept)


def test_all_nodes_show_the_same_under_the_same_ids_also_those_that_come_later(
    make_node: MakeNode, tmp_path: Path, snap: Snap
) -> None:
    a = make_node("a", **CHEAP)
    b = make_node("b", history=f"sqlite:{tmp_path}/b", **CHEAP)
    c = make_node("c", **CHEAP)
    ana, bea = logged_in(a, "ana"), logged_in(b, "bea")
    ana.join("#r")
    bea.join("#r")
    cleo = c.irc("cleo", "#r")
    talk(ana, bea, "in private", "answered")
    for number in range(40):
        for speaker in (ana, bea, cleo):
            speaker.say("#r", f"{speaker.nick} {number}")
        if number == 20:
            for client in (bea, cleo):
                client.sync()  # what they said is in the log before nobody may speak
            ana.send("TOPIC #r :about", "MODE #r +m", "MODE #r +b eve!*@*", "MODE #r -m")
            ana.sync()
            cleo.send("NICK cleopatra")
            cleo.nick = "cleopatra"
            snap(10_000)
    for client in (ana, bea, cleo):
        client.sync()
    eve = b.irc("eve")
    eve.send("PRIVMSG #r :not heard", "JOIN #r")  # is in the log too, and refused there
    eve.sync()
    cleo.send("PART #r :gone", "JOIN #r")
    cleo.sync()
    ana.send("KICK #r cleopatra :out")
    ana.sync()
    d, e = make_node("d", **CHEAP), make_node("e", history=f"sqlite:{tmp_path}/e", **CHEAP)
    readers = [reader_of(node, f"r{number}") for number, node in enumerate((a, b, c, d, e))]
    for reader in readers:
        reader.sync()
    verbs: set[str] = set()
    middle = answer(readers[0], "LATEST #r * 50")[0][1]
    for question, least in (
        (LATEST, 100),
        (f"BEFORE #r msgid={middle} 30", 30),
        (f"AFTER #r msgid={middle} 30", 30),
        (f"AROUND #r msgid={middle} 31", 31),
        (f"BETWEEN #r timestamp=2020-01-01T00:00:00.000Z msgid={middle} 100", 80),
        (f"BEFORE #r msgid={middle} 100", 80),
    ):
        answers = [answer(reader, question) for reader in readers]
        assert len(answers[0]) >= least
        assert all(other == answers[0] for other in answers), question
        verbs |= {line[4] for line in answers[0]}
    assert all("not heard" not in words(reader) for reader in readers)
    assert verbs >= {"PRIVMSG", "TOPIC", "MODE", "JOIN", "PART", "KICK", "NICK"}
    seen = set()
    times = "timestamp=2020-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z"
    for number, node in enumerate((a, b, c, d, e)):
        client = logged_in(node, f"ana{number}", "ana", register=False)
        private, talks = answer(client, "LATEST bea * 10"), answer(client, f"TARGETS {times} 10")
        assert [line[-1] for line in private] == ["in private", "answered"]
        assert [line[-2] for line in talks] == ["bea"]
        seen.add((*private, *talks))
    assert len(seen) == 1


def test_newcomers_are_shown_the_last_lines_on_every_node(make_node: MakeNode) -> None:
    a, b = make_node("a", replay=2), make_node("b", replay=2)
    ana = a.irc("ana", "#r")
    for number in range(3):
        ana.say("#r", f"{number}")
    ana.sync()
    bob = b.irc("bob")
    bob.send("AWAY", "JOIN #r")
    assert [bob.expect("PRIVMSG").params[1] for _ in range(2)] == ["1", "2"]


def test_a_file_catches_up_with_what_was_said_while_its_node_was_away(
    make_node: MakeNode, brief: Brief, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_history, "RELAXED_GROUP", 7)  # entries that are written at once
    history = f"sqlite:{tmp_path}/b"
    ana = reader_of(make_node("a"), "ana")
    with brief("b", history=history) as b:
        bob = reader_of(b, "bob")
        bob.say("#r", "bob was here")
        bob.sync()
    for number in range(30):
        ana.say("#r", f"{number}")
    ana.sync()
    again = reader_of(make_node("b", history=history), "bob")
    assert words(again) == ["bob was here", *map(str, range(30))]
    assert answer(again, LATEST) == answer(ana, LATEST)


@pytest.mark.parametrize("history", ["stream", "sqlite:{}/b"])
def test_a_history_has_no_hole_where_its_node_was_away_for_longer_than_the_log_reaches(
    make_node: MakeNode, brief: Brief, tmp_path: Path, snap: Snap, caplog: pytest.LogCaptureFixture, history: str
) -> None:
    history = history.format(tmp_path)
    ana = reader_of(make_node("a", history=f"sqlite:{tmp_path}/a"), "ana")
    with brief("b", history=history) as b:
        reader_of(b, "bob").sync()
        ana.say("#r", "known to both")
        assert "known to both" in words(ana)
    ana.say("#r", "not kept")
    cut(ana, snap)
    ana.say("#r", "since then")
    ana.sync()
    bob = reader_of(make_node("b", history=history), "bob")
    assert words(bob) == ["since then"]
    assert words(ana) == ["known to both", "not kept", "since then"]
    assert answer(bob, LATEST) == answer(ana, LATEST)[-len(answer(bob, LATEST)) :]
    assert ("no longer reaches back" in caplog.text) == (history != "stream")
    if history != "stream":
        exported = list(admin.export(tmp_path / "a"))
        admin.load(tmp_path / "b", exported[: exported.index(next(line for line in exported if "since then" in line))])
        assert answer(bob, LATEST) == answer(ana, LATEST)
        with pytest.raises(SetupError, match="line 1 is newer than the history, which takes that from its shared log"):
            admin.load(tmp_path / "b", [exported[0].replace('"id": "', '"id": "1')])


def test_histories_in_memory_end_where_the_log_does(
    make_node: MakeNode, snap: Snap, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(snapshots_module, "LOOK", 0.01)
    ana = reader_of(make_node("a"), "ana")
    bob = reader_of(make_node("b", history=f"sqlite:{tmp_path}/b"), "bob")
    ana.say("#r", "cut off")
    cut(ana, snap)
    ana.say("#r", "stays")
    while words(ana) != ["stays"]:
        pass
    assert words(bob) == ["cut off", "stays"]
    assert words(reader_of(make_node("c"), "cleo")) == ["stays"]


@pytest.mark.parametrize("id_again", [False, True])
def test_what_the_store_has_lost_is_in_no_history_either(
    make_node: MakeNode,
    brief: Brief,
    store: RedisProcess,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    id_again: bool,
) -> None:
    files = f"sqlite:{tmp_path}/a", f"sqlite:{tmp_path}/b"
    client = store.client()
    with brief("a", history=files[0]) as a, brief("b", history=files[1]) as b:
        ana, bob = reader_of(a, "ana"), reader_of(b, "bob")
        ana.say("#r", "kept")
        ana.sync()
        assert words(bob) == ["kept"]
        saved = {key: client.dump(key) for key in ("fanfare:log", "fanfare:meta")}
        ana.say("#r", "lost")
        ana.sync()
        assert words(bob) == ["kept", "lost"]
    for key, value in saved.items():
        assert value is not None
        client.restore(key, 0, value, replace=True)
    if id_again:
        number = int(rows(tmp_path / "a", "SELECT id FROM last")[0][0])
        count = client.hincrby("fanfare:meta", "count", 1)
        fields = {"c": count, "v": 1, "n": "x", "e": 1, "s": 1, "l": ":eve!~eve@h USER eve - * :Eve"}
        client.xadd("fanfare:log", fields, stream_id(number))  # type: ignore[arg-type]
    newcomer = reader_of(make_node("c"), "cleo")
    newcomer.say("#r", "said since")
    newcomer.sync()
    a, b = (make_node(name, history=file) for name, file in zip("ab", files, strict=True))
    readers = [newcomer, reader_of(a, "ana"), reader_of(b, "bob")]
    assert [words(reader) for reader in readers] == [["kept", "said since"]] * 3
    assert len({tuple(answer(reader, LATEST)) for reader in readers}) == 1
    assert "has lost the history's end" in caplog.text


def test_the_file_of_another_log_or_of_a_log_itself_is_refused(
    make_node: MakeNode, brief: Brief, store: RedisProcess, tmp_path: Path
) -> None:
    with brief("a", history=f"sqlite:{tmp_path}/a"):
        pass
    with running_server(log=f"sqlite:{tmp_path}/log"):
        pass
    with pytest.raises(SetupError, match="a is the history of another log: put it aside, or name another file"):
        make_node("a", log=f"{store.url}?prefix=other:", history=f"sqlite:{tmp_path}/a")
    with pytest.raises(SetupError, match="log is no history of a shared log: it is a log of Fanfare"):
        make_node("a", history=f"sqlite:{tmp_path}/log")
    with pytest.raises(SetupError, match="a is no log of Fanfare: it is a history of a shared log"):
        make_node("a", log=f"sqlite:{tmp_path}/a")
    make_node("a", history=f"sqlite:{tmp_path}/a")  # which nobody has any longer


def test_a_node_that_keeps_no_history_offers_none(make_node: MakeNode) -> None:
    client = make_node("a", history="none").raw()
    client.send("CAP LS 302")
    assert "chathistory" not in client.expect("CAP").params[-1]


def test_no_file_has_private_words_without_accounts_nor_those_of_a_room_that_keeps_nothing(
    make_node: MakeNode, brief: Brief, tmp_path: Path
) -> None:
    with brief("a", history=f"sqlite:{tmp_path}/a") as a:
        b = make_node("b")
        ana, bob = reader_of(a, "ana"), reader_of(b, "bob")
        ana.say("bob", "secret of two")
        bob.sync()
        ana.say("#r", "public")
        ana.send("MODE #r +E", "AWAY")
        ana.sync()
        bob.say("#r", "secret of a room")
        assert [words(client) for client in (ana, bob)] == [["public"]] * 2
        cleo = reader_of(make_node("c"), "cleo")  # catches up
        assert words(cleo) == ["public"]
        ana.sync()
    lines = [line for (line,) in rows(tmp_path / "a", "SELECT line FROM entry")]
    assert any("public" in line for line in lines)
    assert not any("secret" in line for line in lines)


def test_a_persons_words_are_erased_on_all_nodes_also_on_those_that_are_away_or_come_later(
    make_node: MakeNode,
    brief: Brief,
    store: RedisProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FANFARE_LOG", store.url)
    monkeypatch.setenv("FANFARE_ADMIN", str(tmp_path / "socket"))
    a = make_node("a", admin=str(tmp_path / "socket"))
    b = make_node("b", history=f"sqlite:{tmp_path}/b")
    ana, bob = reader_of(a, "ana"), reader_of(b, "bob")
    eve = reader_of(b, "Eve")
    with brief("c", history=f"sqlite:{tmp_path}/c"):
        ana.say("#r", "stays")
        ana.sync()
        eve.say("#r", "private matters")
        eve.sync()
        eve.send("QUIT")
        eve.rest()
    assert words(ana) == ["stays", "private matters"]
    assert cli.main(["admin", "log", "purge", "--nick", "eve", "--before", "2000-01-01"]) == 0
    assert cli.main(["admin", "log", "purge", "--nick", "eve"]) == 0
    assert capsys.readouterr().out == 2 * "all servers purge their histories now\n"
    for reader in (ana, bob):
        while words(reader) != ["stays"]:
            pass
    late = [reader_of(make_node(name, history=f"sqlite:{tmp_path}/{name}"), name) for name in "cd"]
    for reader in (*late, ana):
        assert not any("eve" in line[3].lower() for line in answer(reader, LATEST))
        assert "stays" in words(reader)
    for file in "bcd":
        assert rows(tmp_path / file, "SELECT line FROM entry WHERE line LIKE ':eve!%'") == []
    assert cli.main(["admin", "log", "purge", "--nick", "no nick"]) == 1
    assert "'no nick' is no nickname" in capsys.readouterr().err


def test_the_talk_goes_on_while_a_file_takes_nothing_and_what_it_lacks_is_there_after_a_start(
    make_node: MakeNode, brief: Brief, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, history = SlowDisk(monkeypatch), f"sqlite:{tmp_path}/a"
    texts = [f"{number}" for number in range(40)]
    with brief("a", history=history, log_queue=10) as a:
        ana = reader_of(a, "ana")
        disk.free.clear()
        for text in texts:
            ana.say("#r", text)
            ana.sync()
        assert "history is written, 10 entries wait, " in a.server.status()
        disk.free.set()
        while " 0 entries wait" not in a.server.status().partition("history")[2]:
            pass
        ana.say("#r", "behind the gap")
        assert 1 < len(words(ana)) < 35
    again = reader_of(make_node("a", history=history), "ana")
    assert words(again) == [*texts, "behind the gap"]


def test_a_history_keeps_as_much_as_the_settings_say(make_node: MakeNode, tmp_path: Path) -> None:
    ana = reader_of(make_node("a"), "ana")
    for number in range(20):
        ana.say("#r", f"{number}")
        ana.send(f"TOPIC #r :{number}")
    ana.sync()
    for number, history in enumerate(("stream", f"sqlite:{tmp_path}/b")):
        bob = reader_of(make_node(f"b{number}", history=history, history_length=10), f"bob{number}")
        while len(answer(bob, LATEST)) > 11:  # a sweep follows on the start; bob has come behind it, perhaps
            pass
        assert words(bob)[-1] == "19"
    while rows(tmp_path / "b", "SELECT count(*) FROM entry")[0][0] > 11:
        pass


def test_a_node_that_is_killed_at_any_moment_shows_the_same_again(
    make_node: MakeNode, store: RedisProcess, tmp_path: Path
) -> None:
    a = make_node("a")
    ana = a.irc("ana", "#r")
    place = ("--log", store.url, "--node", "b", "--lease", f"{LEASE}", "--history", f"sqlite:{tmp_path}/b")
    stop = threading.Event()
    said = 0

    def speak() -> None:
        nonlocal said
        while not stop.is_set():
            ana.say("#r", f"{said}")
            ana.sync()
            said += 1

    speaker = threading.Thread(target=speak)
    speaker.start()
    try:
        for _ in range(3):
            with serving(*IRC, *place) as process:
                enough = said + random.randrange(5, 100)
                while said < enough:
                    pass
                process.signal(signal.SIGKILL)
                process.process.wait()
            store.client().delete("fanfare:lease:b")
    finally:
        stop.set()
        speaker.join()
    bob, cleo = reader_of(make_node("b", history=f"sqlite:{tmp_path}/b"), "bob"), reader_of(a, "cleo")
    assert words(cleo)[-1] == f"{said - 1}"
    assert answer(bob, LATEST) == answer(cleo, LATEST)
    count = rows(tmp_path / "b", "SELECT count(*) FROM entry WHERE said")
    assert count == [(said,)]
