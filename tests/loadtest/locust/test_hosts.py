"""A run over several hosts: exact accounts of all of them, and what is within a node and across nodes told apart."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.core.result import load
from loadtest.report import exports_of
from loadtest.run.hosts import Hosts
from tests.loadtest.cluster import hosts, needs_store, running_nodes
from tests.loadtest.runs import LOSING, QUICK, UNHURRIED, master_port, run, summary
from tests.support import RunningServer, running_server

USERS = 20
FAULTS = ("lost", "duplicated", "reordered", "stray", "corrupt", "diverged", "under_way")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningServer]]:
    with running_nodes(tmp_path_factory.mktemp("store")) as running:
        yield running


def receivers(processes: int, room_size: int) -> tuple[int, int]:
    """Of a message of each user: how many there are at the sender's node, and at others."""
    two = Hosts(("irc://a", "irc://b"))
    at = [two.node_of(user, processes) for user in range(USERS)]
    pairs = [
        at[one] == at[other]
        for one in range(USERS)
        for other in range(USERS)
        if one != other and one // room_size == other // room_size
    ]
    return pairs.count(True), pairs.count(False)


@needs_store
@pytest.mark.parametrize("processes", [1, 2])
def test_accounts_are_exact_over_all_nodes_and_processes(
    nodes: list[RunningServer], tmp_path: Path, processes: int
) -> None:
    several = ("--processes", "2", *master_port()) if processes > 1 else ()
    room = ("--scenario", "room", "--room-size", "5", "--rate", "4", *several, "--report", str(tmp_path))
    done = run(0, *hosts(*nodes), *QUICK, *UNHURRIED, *room)
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    assert (report["users"], report["messages"]["sent"]) == (USERS, 4 * USERS)
    assert report["messages"]["delivered"] == report["messages"]["expected_deliveries"] == 4 * USERS * 4
    assert {name: report["messages"][name] for name in FAULTS} == dict.fromkeys(FAULTS, 0)
    within, across = receivers(processes, 5)
    assert (report["within_us"]["count"], report["across_us"]["count"]) == (4 * within, 4 * across)


def test_what_a_node_does_not_pass_on_is_lost_across_nodes_and_nothing_within_them(tmp_path: Path) -> None:
    with running_server() as one, running_server() as other:
        words = ("--scenario", "broadcast", "--rate", "10", "--report", str(tmp_path))
        done = run(0, *hosts(one, other), *QUICK, *UNHURRIED, *LOSING, *words)
    assert done.returncode == 1, done.stdout + done.stderr
    figures = load(tmp_path / "latest").figures
    assert (figures.expected, figures.lost) == (190, 100)
    assert (figures.within_due, figures.within.count) == (90, 90)
    assert (figures.across_due, figures.across.count) == (100, 0)
    assert summary(tmp_path)["across_us"]["max"] == figures.percentile(figures.across, 100)
    assert "across nodes" in done.stdout


def test_every_report_shows_both_and_with_one_host_neither(tmp_path: Path) -> None:
    with running_server() as one, running_server() as other:
        for name, targets in (("two", hosts(one, other)), ("one", hosts(one))):
            words = ("--scenario", "broadcast", "--grace", "0.1", "--report", str(tmp_path / name))
            run(0, *targets, *QUICK, *UNHURRIED, *words)
    shown = {"table": "across nodes", "html": "across nodes", "summary": '"across_us"', "markdown": "| across |"}
    for form, mark in {**shown, "prometheus": 'of="within"'}.items():
        both, neither = (exports_of()[form](load(tmp_path / name / "latest")) for name in ("two", "one"))
        assert (mark in both, mark in neither) == (True, False), form
    assert "within_us" not in json.loads((tmp_path / "one" / "latest" / "summary.json").read_text())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--host", "irc://127.0.0.1:1,ws://127.0.0.1:2"), "all hosts must have one scheme, got irc and ws"),
        (("--host", "irc://127.0.0.1:1,irc://127.0.0.1:1"), "irc://127.0.0.1:1 is there twice"),
        (("--host", "irc://127.0.0.1:1,irc://127.0.0.1:2", "--scenario", "restart"), "restart takes one host, got 2"),
    ],
)
def test_hosts_that_cannot_be_are_one_line(options: tuple[str, ...], reason: str) -> None:
    done = run(0, *options, *QUICK)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("locust: error: ")
    assert reason in line


def test_a_requirement_of_several_nodes_is_refused_with_one() -> None:
    done = run(1, *QUICK, "--require", "across_p50<50ms")
    assert (done.returncode, done.stdout) == (3, "")
    assert "this scenario never measures across_p50" in done.stderr
