"""Clocks of other hosts are compared by the quickest of many round trips, and how far off they may be is known."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.process import free_port
from loadtest.run import clocks
from loadtest.run.clocks import Clocks, Trip, clock_id
from tests.loadtest.runs import QUICK, ROOT, UNHURRIED, command, master_port, run, summary
from tests.support import running_server

US = 1_000


@given(st.integers(-(10**15), 10**15), st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1))
def test_the_true_offset_is_within_the_error_whatever_the_way_takes(offset: int, ways: list[tuple[int, int]]) -> None:
    clocks = Clocks(("here", "there"), own="here")
    trips, now = [], 5_000_000
    for there, back in ways:
        trips.append(("there", Trip(now, now + there + offset, now + there + back)))
        now += there + back + 1_000
    clocks.compare(trips)
    assert abs(clocks.offset_ns("there") - offset) <= clocks.error_us() * US
    assert clocks.error_us() <= -(-min(map(sum, ways)) // 2 // US) + 1


def test_processes_that_share_one_clock_are_not_compared_whichever_it_is() -> None:
    for own in ("one", "leader"):
        assert Clocks(("one", "one"), own=own).error_us() == 0


def test_the_two_worst_clocks_make_the_error() -> None:
    clocks = Clocks(("here", "near", "far"), own="here")
    clocks.compare([("near", Trip(0, 50, 100 * US)), ("far", Trip(0, 50, 600 * US)), ("here", Trip(0, 0, 10**9))])
    assert clocks.error_us() == 50 + 300


def test_a_drift_between_two_comparisons_is_an_error_too() -> None:
    clocks = Clocks(("here", "there"), own="here")
    clocks.compare([("there", Trip(0, 50 * US, 100 * US))])
    clocks.compare([("there", Trip(0, 750 * US, 100 * US))])
    assert clocks.offset_ns("there") == 0
    assert clocks.error_us() == 700 + 50


def test_without_a_boot_id_the_hosts_name_tells_clocks_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clocks, "_BOOT_ID", tmp_path / "none")
    monkeypatch.setattr(clocks, "_TIME_NAMESPACE", str(tmp_path / "none"))
    names = ["one", "other"]
    monkeypatch.setattr("platform.node", lambda: names.pop(0))
    assert [clock_id(), clock_id()] == ["one", "other"]


def test_a_process_in_another_time_namespace_has_another_clock_although_it_is_on_the_same_host() -> None:
    ask = [sys.executable, "-c", "from loadtest.run.clocks import clock_id; print(clock_id())"]
    assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip() == clock_id()
    apart = subprocess.run(["unshare", "--time", "--monotonic", "9000", *ask], capture_output=True, text=True)
    if apart.returncode:
        pytest.skip("no right to make a time namespace")
    assert apart.stdout.strip() != clock_id()


APART = ("unshare", "--time", "--monotonic", "9000")  # seconds ahead
SECONDS = 1_000_000  # µs


@contextmanager
def worker(*before: str, link: tuple[str, ...]) -> Iterator[None]:
    """A worker of a distributed run, ended with the test; `before` is what starts it."""
    words = [*before, *command("--worker", *link)]
    quiet: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, cwd=ROOT, start_new_session=True, **quiet) as process:
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def distributed(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """One worker here, one in another time namespace, as on another host."""
    link = master_port()
    with running_server() as server, worker(link=link), worker(*APART, link=link):
        leading = ("--master", "--expect-workers", "2", *link, "--report", str(tmp_path))
        return run(server.ports["irc"], *QUICK, *UNHURRIED, *leading, *options)


@pytest.fixture
def namespaces() -> None:
    if subprocess.run([*APART, "true"], capture_output=True).returncode:
        assert not os.environ.get("REQUIRE_NETNS"), "no right to make a time namespace"
        pytest.skip("no right to make a time namespace")


@pytest.mark.usefixtures("namespaces")
def test_latencies_between_hosts_are_measured_on_one_clock_and_say_how_exactly(tmp_path: Path) -> None:
    done = distributed(tmp_path, "--max-clock-error-ms", "60000")
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    assert (report["messages"]["sent"], report["messages"]["delivered"]) == (10, 190)
    assert (report["fanout_us"]["count"], report["complete_us"]["count"]) == (190, 10)
    error_us = report["generator"]["clock_error_us"]
    assert 0 < error_us < 60 * SECONDS
    assert report["fanout_us"]["max"] < 100 * SECONDS, "not the 9,000 s that the clocks are apart"
    assert report["fanout_us"]["p50"] + error_us > 0
    assert f"latency in ms ± {error_us / 1000:,.3f}" in done.stdout


@pytest.mark.usefixtures("namespaces")
def test_clocks_that_cannot_be_compared_well_enough_make_the_run_invalid(tmp_path: Path) -> None:
    done = distributed(tmp_path, "--max-clock-error-ms", "0")
    assert done.returncode == 3, done.stdout + done.stderr
    (reason,) = summary(tmp_path)["reasons"]
    assert re.fullmatch(r"the clocks of the generator's hosts can be compared to ± [\d.]+ ms only, .* is 0 ms", reason)


@pytest.mark.usefixtures("namespaces")
def test_a_scenario_that_compares_moments_itself_takes_no_other_clock(tmp_path: Path) -> None:
    port = free_port()
    serve = f"{sys.executable} -m chat.cli serve --listen irc://127.0.0.1:{port} --rate-limit off"
    link = master_port()
    leading = ("--master", "--expect-workers", "2", *link, "--report", str(tmp_path))
    with worker(link=link), worker(*APART, link=link):
        done = run(port, *QUICK, *UNHURRIED, *leading, "--scenario", "stampede", "--server-command", serve)
    assert done.returncode == 3, done.stdout + done.stderr
    assert summary(tmp_path)["reasons"][0].startswith("stampede needs all its processes on one host")
