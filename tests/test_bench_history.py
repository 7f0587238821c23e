"""The benchmark of the history: its file is a log of the newest format, and its figures are all there."""

from contextlib import closing
from pathlib import Path

import pytest

from bench.goals import HISTORY_GOALS
from bench.history import main
from bench.history_file import fewest_messages, fill, migrate
from chat.server.core.state import Limits, State
from chat.server.disk.file import FORMATS, connect
from chat.server.disk.snapshot import read_snapshot, replay


def test_the_file_is_a_log_whose_newest_entries_are_behind_its_snapshot(tmp_path: Path) -> None:
    entries, rooms, behind = 2_050, 20, 100
    fill(tmp_path / "log", entries, rooms)
    migrate(tmp_path / "log", behind)
    with closing(connect(tmp_path / "log", read_only=True)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(FORMATS),)
        assert connection.execute("SELECT count(*) FROM entry").fetchone() == (entries,)
        words = connection.execute("SELECT count(*) FROM place WHERE said GROUP BY room").fetchall()
        state = State(Limits(100, 100, 100, rooms_remembered=100))
        accepted = [good for _, good in replay(connection, state, read_snapshot(connection, state))]
    fewest = fewest_messages(entries, rooms)
    assert len(words) == rooms
    assert {count for (count,) in words} <= {fewest, fewest + 1}
    assert accepted == [True] * behind
    assert (len(state.users), len(state.rooms)) == (rooms, rooms)


@pytest.mark.timeout(300)  # it starts two servers and three other programs
def test_each_goal_has_a_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--entries", "21000", "--rooms", "20", "--seconds", "0.1", "--rounds", "1"]) == 0
    rows = capsys.readouterr().out.partition("  goal ")[2].splitlines()[1:]
    assert len(rows) == len(HISTORY_GOALS)
    assert all(row.split()[-1] in ("yes", "no") for row in rows)
