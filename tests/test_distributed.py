"""Several generator processes, started as people start them: the report is the sum of what each of them counted."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from loadtest.accounting.histogram import Histogram
from tests.support import running_server
from tests.test_locust import PATIENCE, UNHURRIED, master_port, run, started, summary

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
from loadtest.locustfile import Member
from loadtest.worker.part import Part

state = Part.statement

def kept(part, *arguments):
    statement = state(part, *arguments)
    pathlib.Path(os.environ["STATEMENTS"], f"{os.getpid()}.json").write_text(json.dumps(statement))
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


def said(locustfile: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (locustfile.parent / "said").iterdir()]


def check_sum(statements: list[dict[str, Any]], report: dict[str, Any]) -> None:
    """Each process had its users, and the report has what all of them counted, to the last bucket."""
    messages = report["messages"]
    for key, name in (("sent", "sent"), ("expected_deliveries", "due"), ("delivered", "delivered")):
        assert messages[key] == sum(each[name] for each in statements)
    assert (messages["sent"], messages["delivered"]) == (SENT, SENT * (ROOM_SIZE - 1))
    assert all(each["delivered"] > 0 for each in statements)
    fanout = Histogram()
    for statement in statements:
        for packed in statement["slices"]:
            fanout.merge(Histogram.unpack(packed))
    known = {name: us for name, us in report["fanout_us"].items() if us is not None}  # what its messages tell
    assert known.items() <= fanout.figures().items()
    assert {"count", "p50", "max"} <= known.keys()
    assert (report["fanout_us"]["count"], report["complete_us"]["count"]) == (SENT * (ROOM_SIZE - 1), SENT)
    assert report["complete_us"]["max"] == report["fanout_us"]["max"]
    assert report["generator"]["workers"] == len(statements)


@pytest.mark.timeout(120)
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


@pytest.mark.timeout(120)
def test_so_it_is_with_four_processes_of_one_command(port: int, keeping: Path, tmp_path: Path) -> None:
    done = run(port, *LOAD, "--processes", "4", *master_port(), "--report", str(tmp_path), locustfile=keeping)
    assert done.returncode == 0, done.stdout + done.stderr
    statements = said(keeping)
    assert len(statements) == 4
    check_sum(statements, summary(tmp_path))
