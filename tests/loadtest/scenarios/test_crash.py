"""The scenarios crash and slow end to end: Locust as a person runs it, real processes and sockets, real deaths.

The server's time-outs are settings, so nobody waits for a real one. Counts are asserted, and reasons; times only
against the server's own configured ones, as deadlines with seconds to spare.
"""

import json
import os
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.test_stop import served
from tests.loadtest.report.test_report_page import marks
from tests.loadtest.runs import PATIENCE, ROOT, UNHURRIED, command, master_port, run, started, summary
from tests.netns import network_namespace
from tests.support import running_server

CRASH = ("--scenario", "crash", "--users", "20", "--spawn-rate", "100", "--victims", "25%", "--settle", "0.1")
BRIEF = ("--before", "1", "--after", "0", "--inform-within", "5", "--grace", "20")
IMMEDIATE = {
    "quit": {"Quit: done"},
    "fin": {"Remote host closed the connection"},
    "rst": {"Connection reset by peer"},
    # The kernel of a killed process resets what has unread bytes, and closes the others.
    "kill": {"Connection reset by peer", "Remote host closed the connection"},
}
SOON: dict[str, Any] = {"ping_interval": 1.0, "ping_timeout": 8.0, "user_timeout": 30.0}


def informed_of_all(disconnect: dict[str, Any], how: str, victims: int, observers: int) -> None:
    counts = {key: disconnect[key] for key in ("how", "victims", "observers", "informed", "ghosts", "false_deaths")}
    assert counts == {
        "how": how,
        "victims": victims,
        "observers": observers,
        "informed": observers,
        "ghosts": 0,
        "false_deaths": 0,
    }
    assert disconnect["notices_us"]["count"] == victims * observers
    assert 0 < disconnect["first_us"] <= disconnect["median_us"] <= disconnect["last_us"] <= disconnect["deadline_us"]
    assert all(disconnect["fanout_us"][phase]["count"] for phase in ("before", "during"))


def test_every_death_that_the_server_hears_of_reaches_every_observer_with_its_reason(tmp_path: Path) -> None:
    with running_server() as server:
        done = run(
            server.ports["irc"], *CRASH, *BRIEF, *UNHURRIED, "--ways", ",".join(IMMEDIATE), "--report", str(tmp_path)
        )
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    assert [each["how"] for each in report["disconnects"]] == list(IMMEDIATE)
    for each in report["disconnects"]:
        informed_of_all(each, each["how"], 5, 15)
        assert each["reasons"].keys() <= IMMEDIATE[each["how"]]
        assert sum(each["reasons"].values()) == 5
    assert (report["users"], report["messages"]["lost"]) == (20, 0)
    assert marks(tmp_path) == list(IMMEDIATE)


def test_a_stopped_process_is_found_by_its_missing_pong(tmp_path: Path) -> None:
    timeouts = ("--server-ping-interval", "1", "--server-ping-timeout", "12")  # more than it takes: a slow machine may
    with running_server(**SOON) as server:
        done = run(
            server.ports["irc"], *CRASH, *BRIEF, *UNHURRIED, *timeouts, "--ways", "stop", "--report", str(tmp_path)
        )
    assert done.returncode == 0, done.stdout + done.stderr
    [stopped] = summary(tmp_path)["disconnects"]
    informed_of_all(stopped, "stop", 5, 15)
    assert stopped["reasons"] == {"Ping timeout: 8 seconds": 5}
    assert stopped["deadline_us"] == 14_000_000  # both time-outs, and a second


def test_a_silent_peer_is_found_by_its_unacknowledged_bytes(tmp_path: Path) -> None:
    """The packets are dropped by the kernel, in a network namespace of the test's own."""
    with network_namespace() as namespace, ExitStack() as servers:
        listening = ("--listen", "irc://127.0.0.1:0", "--rate-limit", "off")
        _, ports = servers.enter_context(served(*listening, "--user-timeout", "2", prefix=namespace.prefix))
        options = (*CRASH, *BRIEF, *UNHURRIED, "--server-user-timeout", "8", "--ways", "silence")
        done = subprocess.run(
            [
                *namespace.prefix,
                *command("--host", f"irc://127.0.0.1:{ports[0]}", "--headless", *options, "--report", str(tmp_path)),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        tables = subprocess.run(
            [*namespace.prefix, "nft", "list", "tables"], capture_output=True, text=True, check=True
        ).stdout
    assert done.returncode == 0, done.stdout + done.stderr
    [silent] = summary(tmp_path)["disconnects"]
    informed_of_all(silent, "silence", 5, 15)
    assert silent["reasons"] == {"Connection timed out": 5}
    assert silent["first_us"] >= 1_900_000  # nobody is given up before the time-out
    assert [line for line in tables.splitlines() if "fanfare_cut" not in line] == []  # what it cut, it has mended


def test_a_server_that_does_not_keep_its_time_fails_and_its_ghosts_are_counted(tmp_path: Path) -> None:
    timeouts = ("--server-ping-interval", "0.5", "--server-ping-timeout", "0.5")  # it is set to 150 s
    with running_server() as server:
        done = run(
            server.ports["irc"], *CRASH, *BRIEF, *UNHURRIED, *timeouts, "--ways", "stop", "--report", str(tmp_path)
        )
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(tmp_path)
    assert report["reasons"] == [
        "ghosts is 5, the requirement is ghosts=0",
        "stop: 0 of 15 observers were told of all 5 victims",
    ]
    [stopped] = report["disconnects"]
    assert (stopped["informed"], stopped["first_us"], stopped["median_us"], stopped["last_us"]) == (0, None, None, None)


def test_two_processes_share_victims_and_observers(tmp_path: Path) -> None:
    with running_server() as server:
        more = ("--ways", "fin,kill", "--processes", "2", *master_port(), "--report", str(tmp_path))
        done = run(server.ports["irc"], *CRASH, *BRIEF, *UNHURRIED, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    assert report["generator"]["workers"] == 2
    for each in report["disconnects"]:
        informed_of_all(each, each["how"], 5, 15)


def test_victims_that_cannot_get_in_make_the_run_invalid_and_the_table_says_why() -> None:
    with running_server(max_connections=17, max_per_address=17) as server:
        done = run(server.ports["irc"], *CRASH, *BRIEF, *UNHURRIED)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the victims did not get in" in done.stdout
    assert "server is full: 17 connections" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_killed_load_test_leaves_no_victims_behind() -> None:
    with running_server() as server:
        observer = server.irc("observer", "#load")
        options = (*CRASH, *BRIEF, "--before", "3600", "--headless")
        with started("--host", f"irc://127.0.0.1:{server.ports['irc']}", *options) as locust:
            joined = {observer.expect("JOIN").nick for _ in range(20)}
            locust.send_signal(signal.SIGKILL)
            assert {observer.expect("QUIT").nick for _ in range(20)} == joined


def test_without_nft_the_silent_way_is_refused_in_one_line(tmp_path: Path) -> None:
    done = run(1, *CRASH, "--ways", "silence", environment={**os.environ, "PATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.endswith("the way 'silence' needs nft, which is not installed: apt-get install nftables")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--ways", "quit,sleep"), "argument --ways: there is no way to die 'sleep', choose from quit, fin, rst, kill"),
        (("--victims", "19"), "--victims 19 of 20 users leaves fewer than 2 observers"),
        (("--victims", "0"), "argument --victims: must be more than 0 and, as a share, at most 100%, got '0'"),
        (("--announcers", "16"), "--announcers 16 is more than the 15 observers"),
    ],
)
def test_options_that_do_not_fit_are_one_line(options: tuple[str, ...], reason: str) -> None:
    done = run(1, *CRASH, *options)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert f"error: {reason}" in line


def test_slow_readers_are_dropped_for_it_the_others_lose_nothing_and_the_server_stays_within_its_bound(
    tmp_path: Path,
) -> None:
    tight = ("--lag-limit", "20000", "--lag-time", "5", "--lag-age", "5")
    with served("--listen", "irc://127.0.0.1:0", "--rate-limit", "off", *tight) as (server, ports):
        slow = ("--scenario", "slow", "--rate", "100", "--message-size", "350", "--stalled", "16")
        process = ("--server-pid", str(server.pid), "--server-send-queue-limit", "20000")
        done = run(ports[0], *CRASH, *BRIEF, *UNHURRIED, *slow, *process, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    [stalled] = report["disconnects"]
    informed_of_all(stalled, "stall", 5, 15)
    slow_part = report["slow"]
    assert (slow_part["slow"], slow_part["dropped"], len(slow_part["dropped_after_us"])) == (5, 5, 5)
    assert all(reason.startswith("Slow reader: ") for reason in slow_part["reasons"])
    assert 0 < slow_part["memory_before_bytes"] <= slow_part["memory_peak_bytes"]
    assert slow_part["memory_growth_bytes"] <= slow_part["memory_bound_bytes"] == 5 * 20_000 + 16 * 2**20
    assert slow_part["with_us"]["count"] > 0 < slow_part["without_us"]["count"]


def test_who_is_not_dropped_is_still_a_member_and_no_failure_of_the_others(tmp_path: Path) -> None:
    with running_server(lag_limit=100_000_000) as server:
        slow = ("--scenario", "slow", "--stalled", "1")
        done = run(server.ports["irc"], *CRASH, *BRIEF, *UNHURRIED, *slow, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    assert (report["slow"]["dropped"], report["disconnects"][0]["ghosts"]) == (0, 5)
    assert report["slow"]["memory_growth_bytes"] is None


def test_a_server_process_that_cannot_be_read_is_one_line() -> None:
    done = run(1, *CRASH, "--scenario", "slow", "--server-pid", "4194304")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [done.stderr.strip()]
    assert "--server-pid 4194304: there is no such process" in done.stderr


def test_the_summary_is_plain_json_with_the_keys_of_the_contract(tmp_path: Path) -> None:
    with running_server() as server:
        run(server.ports["irc"], *CRASH, *BRIEF, *UNHURRIED, "--ways", "rst", "--report", str(tmp_path))
    [one] = json.loads((tmp_path / "summary.json").read_text())["disconnects"]
    assert list(one)[:8] == ["how", "victims", "observers", "informed", "first_us", "median_us", "last_us", "ghosts"]
