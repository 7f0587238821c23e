"""The scenario rolling end to end: nodes of a cluster, and fronts of one server, are drained under load."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.loadtest.cluster import needs_store, running_cluster
from tests.loadtest.fronts import running_fronts
from tests.loadtest.runs import LOSING, UNHURRIED, master_port, run, summary
from tests.support import running_server

USERS = 8
ROLLING = ("--scenario", "rolling", "--users", str(USERS), "--spawn-rate", "100", "--settle", "0.1", "--grace", "20")
BRIEF = ("--before", "1", "--after", "1", "--rate", "20", "--backoff", "0.2", "--backoff-most", "1", *UNHURRIED)
TALK = ("--under-load", "1")
NOTHING = {"cut_off": {}, "missed": 0, "doubled": 0}


def noticed(drain: dict[str, Any]) -> dict[str, Any]:
    """By the users of the other nodes."""
    return {name: drain["others"][name] for name in NOTHING}


def wrong(drain: dict[str, Any]) -> dict[str, int]:
    return {name: drain["history"][name] for name in ("unanswered", "missed", "doubled", "reordered")}


@needs_store
def test_a_cluster_is_drained_node_by_node_and_nobody_else_notices(tmp_path: Path) -> None:
    with running_cluster(tmp_path, 3) as cluster:
        control = ("--control", str(cluster.control), "--report", str(tmp_path / "report"))
        done = run(0, *cluster.hosts, *ROLLING, *BRIEF, *TALK, *control)
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path / "report")
    drains = report["rolling"]
    assert [each["host"] for each in drains] == [f"127.0.0.1:{port}" for port in cluster.ports]
    for each in drains:
        assert (each["users"] + each["others"]["users"], each["returned"]) == (USERS, each["users"])
        assert (each["kept"], each["lost_again"], noticed(each)) == (0, 0, NOTHING)
        assert each["attempts"]["succeeded"] == each["users"] > 0 < each["messages"]
        assert set(wrong(each).values()) == {0}
        assert each["history"]["readers"] + each["history"]["not_offered"] == USERS
    assert {report["messages"][name] for name in ("lost", "stray", "diverged")} == {0}


@pytest.mark.parametrize("processes", [1, 2])
def test_who_comes_back_finds_all_that_was_said_in_the_history(tmp_path: Path, processes: int) -> None:
    several = ("--processes", "2", *master_port()) if processes > 1 else ()
    log = f"sqlite:{tmp_path}/log.sqlite"
    with running_server(log=log) as server, running_fronts(tmp_path, server.ports["irc"]) as fronts:
        control = ("--control", fronts.control, "--report", str(tmp_path / "report"), *several)
        done = run(0, *fronts.hosts, *ROLLING, *BRIEF, *TALK, *control)
    assert done.returncode == 0, done.stdout + done.stderr
    assert fronts.done == ["drain 1", "start 1", "drain 2", "start 2"]
    first, second = summary(tmp_path / "report")["rolling"]
    assert (first["users"], second["users"]) == (USERS // 2, USERS), "all are at the second, once the first was drained"
    for each in (first, second):
        assert (noticed(each), set(wrong(each).values())) == (NOTHING, {0})
        assert each["history"]["readers"] == USERS


def test_a_word_that_other_users_do_not_get_is_counted_for_each_of_them(tmp_path: Path) -> None:
    """The first user's first word of the first drain; the window before has the number 1."""
    word = re.compile(rb" PRIVMSG #load :\{[0-9a-f]{8}\.2\.0\.0\.")
    with (
        running_server() as server,
        running_fronts(tmp_path, server.ports["irc"], swallows=lambda line: bool(word.search(line))) as fronts,
    ):
        control = ("--control", fronts.control, *LOSING, "--report", str(tmp_path / "report"))
        done = run(0, *fronts.hosts, *ROLLING, *BRIEF, *TALK, *control)
    assert done.returncode == 1, done.stdout + done.stderr
    first, second = summary(tmp_path / "report")["rolling"]
    assert noticed(first) == {**NOTHING, "missed": USERS // 2}
    assert noticed(second) == NOTHING
    assert (
        f"{first['host']}: {USERS // 2} deliveries to users of other nodes were missed, the limit is 0" in done.stdout
    )


def test_a_word_that_the_history_does_not_have_is_counted_for_each_reader(tmp_path: Path) -> None:
    """Once the first node is drained, all read it by the second."""
    word = re.compile(rb"^@\S*batch=\S* .* PRIVMSG #load :\{[0-9a-f]{8}\.2\.0\.0\.")
    log = f"sqlite:{tmp_path}/log.sqlite"
    with (
        running_server(log=log) as server,
        running_fronts(tmp_path, server.ports["irc"], swallows=lambda line: bool(word.search(line))) as fronts,
    ):
        control = ("--control", fronts.control, "--report", str(tmp_path / "report"))
        done = run(0, *fronts.hosts, *ROLLING, *BRIEF, *TALK, *control)
    assert done.returncode == 1, done.stdout + done.stderr
    first, second = summary(tmp_path / "report")["rolling"]
    assert wrong(first) == {"unanswered": 0, "missed": USERS, "doubled": 0, "reordered": 0}
    assert set(wrong(second).values()) == {0}
    assert (noticed(first), noticed(second)) == (NOTHING, NOTHING)


def test_users_of_other_nodes_who_lose_the_connection_fail_the_run(tmp_path: Path) -> None:
    with running_server() as server, running_fronts(tmp_path, server.ports["irc"], count=3) as fronts:
        fronts.also = {"drain 1": "drain 2"}
        control = ("--control", fronts.control, "--report", str(tmp_path / "report"))
        done = run(0, *fronts.hosts, *ROLLING, *BRIEF, *TALK, *control)
    assert done.returncode != 0, done.stdout + done.stderr
    [first, *_] = summary(tmp_path / "report")["rolling"]
    assert sum(first["others"]["cut_off"].values()) == 2, "users 1 and 3"
    assert "users of other nodes lost the connection" in done.stdout


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--host", "irc://127.0.0.1:1"), "rolling takes 2 hosts or more, got 1"),
        ((), "rolling takes --control, or --node-pids for each of the 2 hosts"),
        (("--node-pids", "1"), "rolling takes --control, or --node-pids for each of the 2 hosts"),
        (("--node-pids", "1,x"), "argument --node-pids: must be process ids, separated by commas, got '1,x'"),
        (("--control", "no-such-program"), "--control: there is no program 'no-such-program'"),
        (("--control", "true", "--users", "3"), "rolling needs 2 users or more at each of 2 hosts: use --users"),
    ],
)
def test_options_that_do_not_fit_are_one_line(options: tuple[str, ...], reason: str) -> None:
    done = run(0, "--host", "irc://127.0.0.1:1,irc://127.0.0.1:2", *ROLLING, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr.splitlines()[-1]
