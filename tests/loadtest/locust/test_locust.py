"""The load test end to end: Locust as a person runs it, against the server of this repository.

Counts are asserted, times never: the budgets for latency and for the generator's health are out of the way wherever a
busy machine could trip them.
"""

import json
import re
import signal
import socket
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.process import free_port
from loadtest.run.scenario import SCENARIOS
from loadtest.wires.wire import WIRES
from tests.loadtest.runs import LOSING, PATIENCE, QUICK, UNHURRIED, master_port, port, run, started, summary
from tests.lossy import lossy_proxy

__all__ = ["port"]  # a fixture: pytest finds it by its name here


def test_a_run_accounts_for_every_delivery_and_passes(port: int, tmp_path: Path) -> None:
    done = run(port, *QUICK, *UNHURRIED, "--report", str(tmp_path), "--json-file", str(tmp_path / "locust"))
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    assert (report["verdict"], report["reasons"], report["users"]) == ("pass", [], 20)
    assert (report["duration_s"], report["target"]) == (1.0, f"127.0.0.1:{port}")
    assert report["messages"] == {
        "sent": 10,
        "expected_deliveries": 190,
        "delivered": 190,
        "lost": 0,
        "duplicated": 0,
        "reordered": 0,
        **{name: report["messages"][name] for name in ("late", "stray", "corrupt", "diverged")},
        "under_way": 0,
    }
    assert report["members"] == {"joined": 0, "left": 0, "dropped": 0}
    assert (report["first_us"]["count"], report["median_us"]["count"]) == (10, 10)
    assert report["first_us"]["max"] <= report["median_us"]["max"] <= report["complete_us"]["max"]
    assert (report["fanout_us"]["count"], report["complete_us"]["count"]) == (190, 10)
    assert 0 < report["fanout_us"]["p50"] <= report["complete_us"]["max"] == report["fanout_us"]["max"]
    assert (report["generator"]["workers"], report["generator"]["clock_error_us"]) == (1, 0)
    rows = {row["method"]: row["num_requests"] for row in json.loads((tmp_path / "locust.json").read_text())}
    assert rows == {"connect": 20, "join": 20, "send": 10, "deliver": 190, "complete": 10}
    assert "PASS" in done.stdout.splitlines()[-2]
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_two_processes_count_exactly_what_one_does(port: int, tmp_path: Path) -> None:
    rooms = ("--scenario", "room", "--room-size", "5", "--rate", "4", "--processes", "2")
    done = run(port, *QUICK, *UNHURRIED, *rooms, *master_port(), "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    messages = report["messages"]
    assert (messages["sent"], messages["expected_deliveries"], messages["delivered"]) == (80, 320, 320)
    assert (report["fanout_us"]["count"], report["complete_us"]["count"]) == (320, 80)
    assert report["generator"]["workers"] == 2


def test_what_the_way_loses_repeats_and_swaps_is_counted_exactly(port: int, tmp_path: Path) -> None:
    with lossy_proxy(port, lose=[3], repeat=[5], hold=[7]) as tampered:
        done = run(tampered, *QUICK, *UNHURRIED, *LOSING, "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(tmp_path)
    assert report["verdict"] == "fail"
    assert report["reasons"] == [
        "19 deliveries lost; the requirement is lost=0",
        "19 deliveries duplicated; the requirement is duplicated=0",
        "19 deliveries reordered; the requirement is reordered=0",
    ]
    assert report["messages"]["delivered"] == 171
    assert report["complete_us"]["count"] == 9


def test_a_user_who_is_cut_off_is_a_reason_and_from_then_on_nothing_is_due_to_it(port: int, tmp_path: Path) -> None:
    with lossy_proxy(port, cut=4) as tampered:
        done = run(tampered, *QUICK, *UNHURRIED, *LOSING, "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(tmp_path)
    assert report["reasons"] == ["1 user lost the connection: closed by the server"]
    messages = report["messages"]
    assert (messages["sent"], messages["delivered"], messages["lost"]) == (10, 19 * 10 - 6, 0)
    assert messages["expected_deliveries"] == messages["delivered"] + messages["under_way"]
    assert 1 <= messages["under_way"] <= 6, "at the least the message at which it was cut off"
    assert report["members"] == {"joined": 0, "left": 0, "dropped": 1}
    assert report["complete_us"]["count"] == 10 - messages["under_way"], "the others had everything"


def test_a_missed_threshold_fails(port: int) -> None:
    done = run(port, *QUICK, *UNHURRIED, "--require", "p50<1us")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"FAIL.*\n.*p50 is [\d.]+ ms, the requirement is p50<1us", done.stdout)


def test_a_generator_over_its_budget_makes_the_run_invalid_even_where_a_threshold_was_missed(port: int) -> None:
    done = run(port, *QUICK, "--max-send-lateness-ms", "0", "--require", "p50<1us")
    assert done.returncode == 3, done.stdout + done.stderr
    assert re.search(r"INVALID.*\n.*the generator sent late", done.stdout)


def test_fewer_users_than_asked_for_make_the_run_invalid_and_the_table_says_why() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = run(unused.getsockname()[1], *QUICK)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "only 0 of 20 users were in: connect: [Errno 111] Connection refused" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_run_that_is_stopped_before_its_end_is_invalid(port: int) -> None:
    done = run(port, *QUICK, "--duration", "3600", "--run-time", "2")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "before its end" in done.stdout


def test_a_worker_that_vanishes_makes_the_run_invalid(port: int) -> None:
    link = master_port()
    leading = (*QUICK, "--duration", "3600", "--headless", "--master", "--expect-workers", "2")
    with ExitStack() as processes:
        master = processes.enter_context(
            started("--host", f"irc://127.0.0.1:{port}", *leading, *link, "--loglevel", "INFO", liveness=12)
        )
        workers = [processes.enter_context(started("--worker", *link, "--loglevel", "CRITICAL")) for _ in range(2)]
        assert master.stderr
        assert master.stdout
        assert any("Window 1: 20 users" in line for line in master.stderr)
        workers[0].kill()
        master.stderr.read()
        assert re.search(r"INVALID.*\n.*generator process \d vanished during the run", master.stdout.read())
        assert master.wait(PATIENCE) == 3
        assert (
            workers[1].wait(PATIENCE) == 0
        )  # after 60 s at the latest, where Locust's word to end is lost as the master goes


def test_a_run_whose_last_worker_vanishes_ends_and_is_invalid(port: int) -> None:
    link = master_port()
    leading = (*QUICK, "--duration", "3600", "--headless", "--master", "--expect-workers", "1")
    with ExitStack() as processes:
        master = processes.enter_context(
            started("--host", f"irc://127.0.0.1:{port}", *leading, *link, "--loglevel", "INFO", liveness=12)
        )
        worker = processes.enter_context(started("--worker", *link, "--loglevel", "CRITICAL"))
        assert master.stderr
        assert master.stdout
        assert any("Window 1: 20 users" in line for line in master.stderr)
        worker.kill()
        master.stderr.read()
        assert "INVALID" in master.stdout.read()
        assert master.wait(PATIENCE) == 3


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            ("--scenario", "party"),
            f"argument --scenario: there is no scenario 'party', choose from {', '.join(SCENARIOS)}",
        ),
        (("--users", "3", "--announcers", "4"), "--announcers 4 is more than the 3 users"),
        (
            ("--host", "ftp://there"),
            f"--host must be {' or '.join(f'{name}://HOST:PORT' for name in WIRES)}, got 'ftp://there'",
        ),
        (("--users", "9", "--report", "/proc/no/where"), "--report /proc/no/where: No such file or directory"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_status_2(options: tuple[str, ...], reason: str) -> None:
    done = run(1, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [f"locust: error: {reason}"]


def test_with_locusts_page_windows_follow_one_another_until_it_is_stopped(port: int, tmp_path: Path) -> None:
    web_port = free_port()
    options = (*QUICK, *UNHURRIED, "--autostart", "--web-host", "127.0.0.1", "--web-port", str(web_port))
    with started("--host", f"irc://127.0.0.1:{port}", *options) as page:
        assert page.stdout
        verdicts = (line.split()[0] for line in page.stdout if line.startswith(" PASS"))
        assert [next(verdicts), next(verdicts)] == ["PASS", "PASS"]
        with urllib.request.urlopen(f"http://127.0.0.1:{web_port}/stats/requests", timeout=PATIENCE) as answer:
            rows = {row["method"]: row["num_requests"] for row in json.load(answer)["stats"]}
        assert rows["deliver"] >= 2 * 190
        page.send_signal(signal.SIGINT)
        assert page.wait(PATIENCE) == 0
