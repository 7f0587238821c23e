"""`capacity` end to end, against servers whose limit is a matter of counts: what they bear is what it finds."""

import json
import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from bench.process import free_port
from tests.limited import limited_server
from tests.loadtest.runs import PATIENCE, UNHURRIED, master_port, run, started, summary

# Half a second at 10 messages a second is 5 messages, and a grace of 3 s is long for so few: the server is busy with
# nothing else.
STEP = ("--step", "0.5", "--warm-up", "0", "--settle", "0.1", "--grace", "3", "--repeats", "1", "--precision", "20")
CAPACITY = ("--scenario", "capacity", "--require", "lost=0", "--spawn-rate", "100", *STEP)


def part(directory: Path) -> Any:
    return summary(directory)["capacity"]


def counted(directory: Path) -> dict[str, int]:
    """By Locust."""
    return {row["method"]: row["num_requests"] for row in json.loads((directory / "locust.json").read_text())}


def loads(capacity: Any, phase: str) -> list[float]:
    return [step["load"] for step in capacity["steps"] if step["phase"] == phase]


def test_two_processes_raise_and_lower_the_users_together(tmp_path: Path) -> None:
    options = ("--users", "10", "--start", "8", "--precision", "5", "--processes", "2", *master_port())
    with limited_server(members=9) as server:
        done = run(server.port, *CAPACITY, *UNHURRIED, *options, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = part(tmp_path)
    assert [step["load"] for step in found["steps"]] == [8, 10, 9, 9, 10]
    assert [step["users"] for step in found["steps"]] == [step["load"] for step in found["steps"]]
    assert [step["delivered"] for step in found["steps"]] == [35, 0, 40, 40, 0]
    assert (found["knee"]["load"], found["beyond"]["load"]) == (9, 10)


def test_it_finds_how_many_users_a_server_bears(tmp_path: Path) -> None:
    with limited_server(members=9) as server:
        options = ("--users", "30", "--start", "4")
        done = run(server.port, *CAPACITY, *UNHURRIED, *options, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = part(tmp_path)
    assert loads(found, "up") == [4, 8, 16]
    assert loads(found, "bisect") == [12, 10, 9]
    assert loads(found, "repeat") == [9, 10]
    assert [step["users"] for step in found["steps"]] == [step["load"] for step in found["steps"]]
    assert (found["search"], found["requirement"], found["result"]) == ("users", "lost=0", "exact")
    assert found["limited_by"] == "server"
    knee, beyond = found["knee"], found["beyond"]
    assert (knee["load"], knee["users"], knee["sent"], knee["delivered"], knee["lost"]) == (9, 9, 5, 40, 0)
    assert (beyond["load"], beyond["sent"], beyond["delivered"], beyond["lost"]) == (10, 5, 0, 45)
    assert beyond["reasons"] == ["45 deliveries lost; the requirement is lost=0"]
    report = summary(tmp_path)
    assert (report["users"], report["messages"]["sent"], report["messages"]["delivered"]) == (9, 5, 40)
    [reason] = report["reasons"]
    assert reason.startswith(
        "the server keeps lost=0 up to 9 users (95 %: 8 to 11), and misses it at 10: 45 deliveries"
    )
    assert found["knee_interval"] == {"low": 8, "high": 11}  # two steps at each side are few


def test_it_finds_the_rate_that_a_server_bears(tmp_path: Path) -> None:
    options = ("--users", "4", "--announcers", "2", "--search", "rate", "--precision", "25", "--most", "30")
    with limited_server(rate=11) as server:  # of each of the two
        done = run(server.port, *CAPACITY, *UNHURRIED, *options, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = part(tmp_path)
    assert loads(found, "up") == [10, 20, 30]
    assert loads(found, "bisect") == [25]
    assert (found["knee"]["load"], found["beyond"]["load"], found["limited_by"]) == (20, 25, "server")
    assert [(step["users"], step["rate"]) for step in found["steps"]] == [(4, step["load"]) for step in found["steps"]]
    assert [step["sent"] for step in found["steps"]][:3] == [5, 10, 15]


def test_a_server_that_bears_all_that_is_asked_is_limited_by_the_range(tmp_path: Path) -> None:
    with limited_server() as server:
        options = ("--users", "12", "--start", "5", "--json-file", str(tmp_path / "locust"))
        done = run(server.port, *CAPACITY, *UNHURRIED, *options, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = part(tmp_path)
    assert [step["load"] for step in found["steps"]] == [5, 10, 12, 12]
    assert counted(tmp_path)["connect"] == 12, "the users of a lower load stay"
    assert (found["knee"]["load"], found["beyond"]) == (12, None)
    assert found["knee_interval"]["high"] is None
    assert (found["limited_by"], found["result"]) == ("range", "at_least")
    assert "at least 12 users" in summary(tmp_path)["reasons"][0]
    rows = [line.split() for line in done.stdout.splitlines() if line.endswith("← knee")]
    assert [row[:2] for row in rows] == [["up", "12"], ["repeat", "12"]]
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_a_server_that_misses_the_objective_at_the_start_fails(tmp_path: Path) -> None:
    with limited_server(members=1) as server:
        done = run(server.port, *CAPACITY, *UNHURRIED, "--users", "12", "--start", "5", "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    found = part(tmp_path)
    assert [(step["load"], step["phase"]) for step in found["steps"]] == [(5, "up"), (5, "repeat")]
    assert (found["knee"], found["beyond"]["load"], found["result"]) == (None, 5, "none")
    assert summary(tmp_path)["reasons"] == [
        "the server misses lost=0 at 5 users, the lowest load",
        "20 deliveries lost; the requirement is lost=0",
    ]


def test_a_generator_over_its_budget_stops_the_search_and_says_nothing_of_the_server(tmp_path: Path) -> None:
    options = ("--users", "12", "--start", "5", "--max-send-lateness-ms", "0")
    with limited_server(members=1) as server:
        done = run(server.port, *CAPACITY, *UNHURRIED, *options, "--report", str(tmp_path))
    assert done.returncode == 3, done.stdout + done.stderr
    found = part(tmp_path)
    assert [(step["load"], step["result"]) for step in found["steps"]] == [(5, "generator")] * 2
    assert (found["knee"], found["beyond"], found["limited_by"]) == (None, None, "generator")
    reasons = summary(tmp_path)["reasons"]
    assert reasons[0] == "the generator is the limit at 5 users: nothing is known of the server"
    assert "the generator sent late" in reasons[1]


def test_a_server_that_is_full_has_its_limit_there_and_those_it_refused_come_again(tmp_path: Path) -> None:
    with limited_server(seats=7) as server:
        options = ("--users", "12", "--start", "4", "--report", str(tmp_path))
        done = run(server.port, *CAPACITY, *UNHURRIED, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    found = part(tmp_path)
    assert [(step["load"], step["users"], step["result"]) for step in found["steps"]] == [
        *((4, 4, "held"), (8, 7, "missed"), (6, 6, "held"), (7, 7, "held"), (7, 7, "held"), (8, 7, "missed")),
    ]
    assert found["beyond"]["reasons"] == ["only 7 of 8 users were in: connect: ERROR Too many users"]


def test_a_search_that_is_stopped_is_invalid_and_shows_what_it_had(tmp_path: Path) -> None:
    options = ("--users", "12", "--start", "5", "--step", "3600", "--run-time", "2", "--report", str(tmp_path))
    with limited_server() as server:
        done = run(server.port, *CAPACITY, *UNHURRIED, *options)
    assert done.returncode == 3, done.stdout + done.stderr
    assert (part(tmp_path)["steps"], part(tmp_path)["knee"], part(tmp_path)["limited_by"]) == ([], None, None)
    assert "before its end" in summary(tmp_path)["reasons"][0]


def test_the_warm_up_is_played_and_not_counted(tmp_path: Path) -> None:
    options = ("--users", "5", "--start", "5", "--warm-up", "0.5", "--report", str(tmp_path))
    rows = ("--json-file", str(tmp_path / "locust"))
    with limited_server() as server:
        done = run(server.port, *CAPACITY, *UNHURRIED, *options, *rows)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [step["sent"] for step in part(tmp_path)["steps"]] == [5, 5]
    assert counted(tmp_path)["send"] == 2 * (5 + 5)


def state_of(web_port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{web_port}/stats/requests", timeout=PATIENCE) as answer:
        return str(json.load(answer)["state"])


def test_with_locusts_page_one_search_is_made_and_the_test_stops(tmp_path: Path) -> None:
    web_port = free_port()
    page_options = ("--autostart", "--web-host", "127.0.0.1", "--web-port", str(web_port), "--loglevel", "INFO")
    with limited_server(members=9) as server:
        options = (*CAPACITY, *UNHURRIED, "--users", "12", "--start", "5", *page_options)
        with started("--host", f"irc://127.0.0.1:{server.port}", *options) as page:
            assert page.stdout
            assert next(line.split()[0] for line in page.stdout if line.startswith(" PASS")) == "PASS"
            while state_of(web_port) != "stopped":
                assert page.poll() is None
            page.send_signal(signal.SIGINT)
            assert page.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--users", "50", "--start", "100"), "--start 100 is more than --users 50"),
        (("--users", "50", "--start", "40", "--most", "30"), "--start 40 is more than --most 30"),
        (("--users", "50", "--start", "2.5"), "--start 2.5 is no number of users"),
        (("--users", "50", "--most", "20.5"), "--most 20.5 is no number of users"),
        (("--users", "50", "--start", "1"), "capacity needs 2 users or more from the start, got 1"),
        (("--users", "1", "--search", "rate"), "capacity needs 2 users or more from the start, got 1"),
        (
            ("--users", "50", "--start", "4", "--announcers", "5"),
            "--announcers 5 is more than the 4 users to start with",
        ),
        (("--search", "luck"), "argument --search: there is no search for 'luck', choose from users, rate"),
        (("--require", "fast"), "--require: 'fast' is not like p99<50ms or lost=0"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_status_2(options: tuple[str, ...], reason: str) -> None:
    done = run(1, "--scenario", "capacity", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.partition(": ")[2] for line in done.stderr.splitlines()] == [f"error: {reason}"]
