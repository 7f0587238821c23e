"""A LoadTestShape may raise and lower the number of users in a window: the account holds, whoever comes and goes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loadtest.locust.test_own_users import examples
from tests.loadtest.runs import UNHURRIED, master_port, run, summary
from tests.support import running_server

# The stages follow from the window's opening and from who has joined, which each process notes: not from the turns that
# Locust gives the shape, one a second.
STEPS = """
from pathlib import Path

from locust import LoadTestShape

from loadtest.core.ledger import Ledger
from loadtest.locustfile import Member
from loadtest.run.part import Part

OPENED, JOINED = (Path(__file__).with_name(name) for name in ("opened", "joined"))

begin = Part.__init__

def opening(part, *words):
    begin(part, *words)
    OPENED.touch()

Part.__init__ = opening
join = Ledger.join

def joining(ledger, *words):
    join(ledger, *words)
    with JOINED.open("a") as noted:
        noted.write("x")

Ledger.join = joining


class Steps(LoadTestShape):
    def tick(self):
        have_joined = JOINED.exists() and len(JOINED.read_text()) == 10
        return (8 if have_joined else 30 if OPENED.exists() else 20), 100
"""
SECONDS = 9  # of the window: a busy machine needs some until all have come and gone


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running_server() as server:
        yield server.ports["irc"]


def stepped(port: int, tmp_path: Path, *options: str) -> Any:
    own = tmp_path / "steps.py"
    own.write_text(STEPS)
    window = ("--settle", "0.1", "--grace", "20", "--duration", str(SECONDS), "--rate", "20", "--report", str(tmp_path))
    done = run(port, *window, *UNHURRIED, *options, locustfile=own)
    assert done.returncode == 0, done.stdout + done.stderr
    return summary(tmp_path)


@pytest.mark.parametrize("processes", [1, 2])
def test_whoever_comes_and_goes_in_the_window_the_account_is_exact(port: int, tmp_path: Path, processes: int) -> None:
    several = ("--processes", "2", *master_port()) if processes == 2 else ()
    report = stepped(port, tmp_path, *several)
    messages = report["messages"]
    assert (report["verdict"], report["users"], report["generator"]["workers"]) == ("pass", 20, processes)
    assert report["members"] == {"joined": 10, "left": 22, "dropped": 0}
    assert messages["sent"] == SECONDS * 20, "the announcer is not among those who go"
    assert messages["lost"] == messages["duplicated"] == messages["reordered"] == 0
    assert messages["expected_deliveries"] == messages["delivered"] + messages["under_way"]
    assert 7 < messages["delivered"] / messages["sent"] < 29
    assert 0 < report["complete_us"]["count"] <= messages["sent"], "complete with those who are members by then"


def test_in_rooms_too(port: int, tmp_path: Path) -> None:
    report = stepped(port, tmp_path, "--scenario", "room", "--room-size", "10", "--room", "#shape")
    messages = report["messages"]
    assert (report["members"]["joined"], report["members"]["left"], messages["lost"]) == (10, 22, 0)
    assert messages["expected_deliveries"] == messages["delivered"] + messages["under_way"]


def test_the_guide_s_shape_runs_with_fewer_users(port: int, tmp_path: Path) -> None:
    (source,) = examples("Users who come and go by a plan")
    own = tmp_path / "own.py"
    own.write_text(source.replace("500", "5"))
    done = run(port, *UNHURRIED, "--settle", "0.1", "--duration", "1", "--report", str(tmp_path), locustfile=own)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (summary(tmp_path)["users"], summary(tmp_path)["messages"]["delivered"]) == (5, 4 * 10)


def test_a_scenario_that_counts_its_users_beforehand_takes_no_shape(port: int, tmp_path: Path) -> None:
    own = tmp_path / "steps.py"
    own.write_text(STEPS)
    done = run(port, "--scenario", "crash", locustfile=own)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(
        "crash needs a fixed number of users: a LoadTestShape goes with broadcast and room"
    )
