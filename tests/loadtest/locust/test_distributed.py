"""Several generator processes, started as people start them: the report is the sum of what each of them counted."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from loadtest.core.codec import decode
from loadtest.core.histogram import Histogram
from loadtest.core.statement import Statement, total
from tests.loadtest.runs import PATIENCE, UNHURRIED, master_port, run, started, summary
from tests.support import running_server

WORKERS = 3
USERS, ROOM_SIZE, RATE, SECONDS = 24, 8, 4, 2
SENT = USERS * RATE * SECONDS
LOAD = (
    *UNHURRIED,
    *("--users", str(USERS), "--spawn-rate", "100", "--settle", "0.1", "--grace", "20", "--duration", str(SECONDS)),
    *("--scenario", "room", "--room-size", str(ROOM_SIZE), "--rate", str(RATE)),
)

# The load test itself, and each process keeps a copy of its last word.
KEEPING = """
import json, os, pathlib
from loadtest.core.codec import encode
from loadtest.locustfile import Member
from loadtest.run.part import Part

state = Part.statement

def kept(part, *arguments):
    statement = state(part, *arguments)
    pathlib.Path(os.environ["STATEMENTS"], f"{os.getpid()}.json").write_text(json.dumps(encode(statement)))
    return statement

Part.statement = kept
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running_server() as server:
        yield server.ports["irc"]


@pytest.fixture
def keeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A locustfile whose processes write their statements to the directory `said` beside it."""
    (tmp_path / "said").mkdir()
    monkeypatch.setenv("STATEMENTS", str(tmp_path / "said"))
    locustfile = tmp_path / "keeping.py"
    locustfile.write_text(KEEPING)
    return locustfile


def said(locustfile: Path) -> list[Statement]:
    return [decode(Statement, json.loads(path.read_text())) for path in (locustfile.parent / "said").iterdir()]


def check_sum(statements: list[Statement], report: dict[str, Any]) -> None:
    """Each process had its users, and the report has what all of them counted, to the last bucket."""
    messages, whole = report["messages"], total(statements)
    assert messages["sent"] == sum(whole.sent.values()) == SENT
    assert (messages["expected_deliveries"], messages["delivered"]) == (whole.due, whole.delivered)
    assert messages["delivered"] == SENT * (ROOM_SIZE - 1)
    assert all(each.delivered > 0 for each in statements)
    fanout = Histogram()
    for each in whole.slices:
        fanout.merge(each)
    known = {name: us for name, us in report["fanout_us"].items() if us is not None}  # what its messages tell
    assert known.items() <= fanout.figures().items()
    assert {"count", "p50", "max"} <= known.keys()
    assert (report["fanout_us"]["count"], report["complete_us"]["count"]) == (SENT * (ROOM_SIZE - 1), SENT)
    assert report["complete_us"]["max"] == report["fanout_us"]["max"]
    assert report["generator"]["workers"] == len(statements)


def test_the_masters_report_is_the_sum_of_its_workers_statements(port: int, keeping: Path, tmp_path: Path) -> None:
    link, file = master_port(), ("-f", str(keeping))
    leading = ("--headless", "--master", "--expect-workers", str(WORKERS), "--report", str(tmp_path))
    with ExitStack() as processes:
        master = processes.enter_context(started("--host", f"irc://127.0.0.1:{port}", *file, *LOAD, *leading, *link))
        workers = [processes.enter_context(started("--worker", *file, *link)) for _ in range(WORKERS)]
        output, errors = master.communicate(timeout=PATIENCE)
        assert master.returncode == 0, output + errors
        assert [worker.wait(PATIENCE) for worker in workers] == [0] * WORKERS
    check_sum(said(keeping), summary(tmp_path))


def test_so_it_is_with_four_processes_of_one_command(port: int, keeping: Path, tmp_path: Path) -> None:
    done = run(port, *LOAD, "--processes", "4", *master_port(), "--report", str(tmp_path), locustfile=keeping)
    assert done.returncode == 0, done.stdout + done.stderr
    statements = said(keeping)
    assert len(statements) == 4
    check_sum(statements, summary(tmp_path))
