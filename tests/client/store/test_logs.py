"""What was said is in text files; what was not sent survives the end of the program."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.irc.news import HistoryCame, Join, Kind, Person, Say
from chat.client.irc.server_news import Welcomed
from chat.client.model import commands
from chat.client.model.changes import Appended, LineChanged
from chat.client.model.client import Client
from chat.client.model.network import Network
from chat.client.model.settings import Server, Settings
from chat.client.model.talk import Delivery, Line, LineKind
from chat.client.store import archive, logs
from chat.client.store.archive import Draft
from chat.client.store.logs import LogWriter

NOON = datetime(2026, 11, 21, 12, 30, 5).timestamp()
ANA = Person("ana", "a", "h")
BEN = Person("ben", "b", "h")

LINES = [
    (Line(NOON, LineKind.SAY, "hello", "ben"), "[12:30:05] <ben> hello"),
    (Line(NOON, LineKind.ACTION, "waves", "ben"), "[12:30:05] * ben waves"),
    (Line(NOON, LineKind.NOTICE, "beep", "bot"), "[12:30:05] -bot- beep"),
    (Line(NOON, LineKind.EVENT, "ben joined"), "[12:30:05] *** ben joined"),
]


@pytest.mark.parametrize(("line", "text"), LINES)
def test_a_line_is_written_as_one_reads_it_and_read_as_it_was(line: Line, text: str) -> None:
    assert logs.written(line) == ("2026-11-21.txt", f"{text}\n")
    assert logs.read(text, datetime.fromtimestamp(NOON).date()) == line


def test_what_this_program_says_is_not_kept() -> None:
    assert logs.written(Line(NOON, LineKind.HINT, "try /help")) is None


@given(st.text(min_size=1, max_size=20), st.text(max_size=40))
def test_any_name_makes_a_folder_of_its_own(server: str, talk: str) -> None:
    """Invariant: two parts, neither of them above the folder of the logs."""
    place = logs.place(server, f"#{talk}")
    assert len(place.parts) == 2
    assert not {"..", ".", ""} & set(place.parts)
    assert "\0" not in str(place)


@given(st.text())
def test_any_text_is_read_or_skipped(text: str) -> None:
    logs.read(text, datetime.fromtimestamp(NOON).date())


def client(tmp_path: Path) -> Client:
    def recall(server: str, talk: str, before: float) -> list[Line]:
        return logs.last(tmp_path / logs.place(server, talk), 200, before)

    return Client(Settings(), clock=lambda: NOON, recall=recall)


def come_in(network: Network, *news: object) -> list[object]:
    changes: list[object] = []
    for one in (Welcomed("ana", frozenset({"echo-message"}), NOON), Join(ANA, "#lobby", NOON), *news):
        changes += network.take(one)  # type: ignore[arg-type]
    return changes


def test_the_last_lines_come_back_at_the_next_start(tmp_path: Path) -> None:
    first = client(tmp_path)
    network = first.add(Server("h:1", "ana", ("#lobby",)))
    writer = LogWriter(first, tmp_path)
    writer.note(come_in(network, Say(BEN, "#lobby", "hi ana", NOON), Say(BEN, "ana", "psst", NOON)))  # type: ignore[arg-type]
    writer.note(commands.answer(network, "mine").changes)
    writer.note(network.take(Say(ANA, "#lobby", "mine", NOON)))
    writer.note(commands.answer(network, "/msg NickServ IDENTIFY hunter2").changes)
    writer.close()
    file = tmp_path / "h%3A1" / "#lobby" / "2026-11-21.txt"
    assert file.read_text().splitlines() == [
        "[12:30:05] *** You joined #lobby",
        "[12:30:05] <ben> hi ana",
        "[12:30:05] <ana> mine",
    ]
    assert "hunter2" not in "".join(found.read_text() for found in tmp_path.rglob("*.txt"))
    again = client(tmp_path).add(Server("h:1", "ana", ("#LOBBY",)))
    assert [(line.text, line.mine, line.mention) for line in again.current.lines] == [
        ("You joined #lobby", False, False),
        ("hi ana", False, True),
        ("mine", True, False),
    ]


def test_what_was_missed_is_written_too_and_read_in_its_order(tmp_path: Path) -> None:
    first = client(tmp_path)
    network = first.add(Server("h:1", "ana", ("#lobby",)))
    writer = LogWriter(first, tmp_path)
    writer.note(come_in(network))  # type: ignore[arg-type]
    writer.note(network.take(HistoryCame("#lobby", (Say(BEN, "#lobby", "missed", NOON - 60),))))
    writer.close()
    assert [line.text for line in logs.last(tmp_path / logs.place("h:1", "#lobby"), 9)] == [
        "missed",
        "You joined #lobby",
    ]


def test_a_line_of_ours_is_written_once_whatever_becomes_of_it(tmp_path: Path) -> None:
    first = client(tmp_path)
    network = first.add(Server("h:1", "ana", ("#lobby",)))
    writer = LogWriter(first, tmp_path)
    come_in(network)
    for changes in (
        commands.answer(network, "mine").changes,
        network.take(Say(ANA, "#lobby", "mine", NOON, msgid="m1")),
        network.take(Say(BEN, "#lobby", "", NOON, Kind.TAGS, "+draft/react=x;+draft/reply=m1")),
    ):
        writer.note(changes)
    writer.close()
    assert network.current.lines[-1].reactions
    assert [line.text for line in logs.last(tmp_path / logs.place("h:1", "#lobby"), 9)] == ["mine"]


def test_nothing_is_written_where_the_person_does_not_want_it(tmp_path: Path) -> None:
    one = client(tmp_path)
    one.settings = Settings(log=False)
    network = one.add(Server("h:1", "ana", ("#lobby",)))
    writer = LogWriter(one, tmp_path)
    writer.note(come_in(network, Say(BEN, "#lobby", "hi", NOON)))  # type: ignore[arg-type]
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_for_comes_from_as_many_days_as_it_takes(tmp_path: Path) -> None:
    for day in ("2026-11-19", "2026-11-20", "2026-11-21"):
        lines = (f"[12:00:{second:02}] <ben> {day} {second}" for second in range(10))
        (tmp_path / f"{day}.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "notes.txt").write_text("[12:00:00] <ben> not a day\n")
    found = [line.text for line in logs.last(tmp_path, 15)]
    assert found == [*(f"2026-11-20 {second}" for second in range(5, 10)), *(f"2026-11-21 {n}" for n in range(10))]
    before = datetime(2026, 11, 20, 12, 0, 3).timestamp()
    assert [line.text for line in logs.last(tmp_path, 4, before)] == [
        "2026-11-19 9",
        "2026-11-20 0",
        "2026-11-20 1",
        "2026-11-20 2",
    ]
    assert logs.last(tmp_path / "none", 5) == []


def test_drafts_and_unsent_lines_come_back(tmp_path: Path) -> None:
    one = client(tmp_path)
    network = one.add(Server("h:1", "ana", ("#lobby", "#cats")))
    commands.answer(network, "nobody heard this")
    commands.answer(network, "/query ben hello?")
    lobby, ben = network.talks.find("#lobby"), network.talks.find("ben")
    assert lobby
    assert ben
    lobby.draft = "half a"
    ben.draft = "/msg nickserv identify hunter2"
    assert archive.save(archive.gather(one.networks), tmp_path)
    assert "hunter2" not in (tmp_path / "drafts.json").read_text()
    again = client(tmp_path).add(Server("h:1", "ana", ("#lobby", "#cats")))
    archive.restore(again, archive.load(tmp_path))
    lobby, ben = again.talks.find("#lobby"), again.talks.find("ben")
    assert lobby
    assert ben
    assert lobby.draft == "half a"
    assert [(line.text, line.delivery) for line in again.outgoing.unsent(lobby)] == [
        ("nobody heard this", Delivery.UNSENT)
    ]
    assert [line.text for line in again.outgoing.unsent(ben)] == ["hello?"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"5",
        b"[5]",
        b'[{"server": "h:1"}]',
        json.dumps([{"server": "h:1", "talk": "a b", "text": "", "lines": []}]).encode(),
        json.dumps([{"server": "h:1", "talk": "#a", "text": "", "lines": [[1, "dance", "x", "unsent"]]}]).encode(),
    ],
)
def test_drafts_that_make_no_sense_are_left_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "drafts.json").write_bytes(content)
    assert archive.load(tmp_path) == []


def test_drafts_are_those_of_their_server(tmp_path: Path) -> None:
    network = client(tmp_path).add(Server("h:1", "ana", ("#lobby",)))
    archive.restore(network, [Draft("other:1", "#lobby", "text"), Draft("h:1", "#gone", "text")])
    assert network.current.draft == ""
    assert network.talks.find("#gone")
    assert "#gone" not in network.rooms


def test_changes_that_are_no_words_are_no_lines() -> None:
    assert Appended.__slots__ == ("talk", "line", "pushed_out")
    assert LineChanged.__slots__ == ("talk", "line")
