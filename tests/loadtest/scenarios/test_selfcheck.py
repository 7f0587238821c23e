"""The instrument finds exactly what a server with known faults does; one that does not, says so of itself."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures
from loadtest.scenarios.selfcheck.leader import Check, Done, Faulty, compare
from loadtest.scenarios.selfcheck.server import COUNTS, FAULTS
from tests.loadtest.runs import PATIENCE, ROOT, UNHURRIED, command, master_port, summary

MADE = {**dict.fromkeys(COUNTS, 0), "delivered": 200}
PHASES = {
    "none": MADE,
    "delay": MADE,
    "lose": {**MADE, "delivered": 160, "lost": 40},
    "repeat": {**MADE, "duplicated": 40},
    "again": {**MADE, "duplicated": 40},
    "swap": {**MADE, "reordered": 40},
    "leak": {**MADE, "stray": 8},
    "cut": {**MADE, "corrupt": 40},
    "alter": {**MADE, "corrupt": 40},
    "forge": {**MADE, "corrupt": 40},
    "divide": MADE,
    "stall": MADE,
}


# The times that are found may be as much later as a busy machine makes them.
PATIENT = """
from loadtest.locustfile import Member
from loadtest.scenarios.selfcheck import leader

leader._NOISE_US = leader._LONGER_US = leader._BEHIND_US = 60_000_000
"""


def selfcheck(*options: str, **place: Any) -> "subprocess.CompletedProcess[str]":
    words = command("--headless", "--scenario", "selfcheck", *options, **place)
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)


def of(us: int) -> Histogram:
    histogram = Histogram()
    histogram.add(us)
    return histogram


@pytest.mark.parametrize("processes", [1, 2])
def test_the_instrument_finds_every_fault_that_was_made_without_a_host_or_any_option(
    processes: int, tmp_path: Path
) -> None:
    several = ("--processes", str(processes), *master_port()) if processes > 1 else ()
    own = tmp_path / "patient.py"
    own.write_text(PATIENT)
    done = selfcheck(*UNHURRIED, *several, "--report", str(tmp_path), locustfile=own)
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    assert (report["verdict"], report["users"], report["generator"]["workers"]) == ("pass", 13, processes)
    assert report["messages"]["delivered"] == 200
    checks = report["selfcheck"]["checks"]
    assert all(check["holds"] for check in checks)
    for phase, made in PHASES.items():
        found = {check["what"]: check["found"] for check in checks if check["phase"] == phase}
        delay_us = found.get("p50_us", 0)
        counts = {what: found[what] for what in COUNTS}
        diverged = counts.pop("diverged")
        assert (diverged > 0) is (phase == "divide")
        assert counts == {what: made[what] for what in counts}
        assert delay_us >= (50_000 * 0.99 if phase == "delay" else 0)
    words = "40 of 40 lost, 40 of 40 duplicated, 40 of 40 duplicated, 40 of 40 reordered, 8 of 8 stray"
    assert f"the instrument found {words}" in " ".join(done.stdout.split())
    assert "Self-check" in (tmp_path / "report.html").read_text()


FORGETFUL = f"""{PATIENT}
from loadtest.core.ledger import Ledger

Ledger.duplicated = property(lambda ledger: 0, lambda ledger, count: None)
"""


def test_an_instrument_that_misses_something_fails_and_names_it(tmp_path: Path) -> None:
    own = tmp_path / "forgetful.py"
    own.write_text(FORGETFUL)
    done = selfcheck(*UNHURRIED, "--report", str(tmp_path), locustfile=own)
    assert done.returncode == 1, done.stdout + done.stderr
    assert summary(tmp_path)["reasons"] == [
        "the instrument is wrong: repeat: found 0 duplicated, made were 40",
        "the instrument is wrong: again: found 0 duplicated, made were 40",
    ]
    assert "do not trust its figures here" in done.stdout


def test_a_machine_that_was_too_busy_is_no_answer() -> None:
    done = selfcheck(*UNHURRIED, "--max-send-lateness-ms", "0")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "run it again" in done.stdout


def test_one_user_alone_hears_nothing() -> None:
    done = selfcheck("--users", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "selfcheck needs 4 users or more, got 1: use --users 13" in done.stderr


def test_a_count_must_be_exact_and_a_time_may_be_later_by_its_margin_only() -> None:
    assert Check("lose", "lost", 40, 40).holds
    assert not Check("lose", "lost", 40, 41).holds
    assert not Check("lose", "lost", 40, 39).holds
    for found, holds in ((98_000, False), (99_000, True), (100_000, True), (105_000, True), (105_001, False)):
        assert Check("delay", "p50_us", 100_000, found, margin=5_000).holds is holds


def test_a_delay_is_held_against_when_the_server_wrote_and_what_the_generator_says_of_itself() -> None:
    quiet = Figures("selfcheck", "host:1", expected=200, delivered=200, fanout=of(56_500))
    done = Done(MADE, of(50_000), of(50_000))
    (*counts, delay) = compare("delay", done, quiet)
    assert all(check.holds for check in counts)
    assert (delay.holds, delay.margin) == (False, 6_000)
    quiet.doubt.add(1_000)
    assert compare("delay", done, quiet)[-1].holds
    assert "found a p50 of 56.500 ms, made was 50.000 ms" in delay.words


def test_a_stall_is_held_against_when_the_server_wrote_and_no_reading_by_the_way() -> None:
    done = Done(MADE, of(8_000), of(8_000))
    for us, holds in ((8_000, True), (13_000, True), (14_000, False), (58_000, False)):
        stalled = Figures("selfcheck", "host:1", expected=200, delivered=200, fanout=of(us), stood_still_us=150_000)
        (*counts, stood, delay) = compare("stall", done, stalled)
        assert all(check.holds for check in (*counts, stood))
        assert delay.holds is holds
    for us, holds in ((138_599, False), (138_601, True), (1_140_000, True), (1_140_001, False)):
        stalled.stood_still_us = us
        assert compare("stall", done, stalled)[-2].holds is holds


def test_a_server_that_had_to_wait_as_it_wrote_is_no_fault_of_the_instrument() -> None:
    for fault, waited_us in (("delay", 90_000), ("stall", 48_000)):
        done = Done(MADE, of(8_000), of(waited_us))
        found = Figures("selfcheck", "host:1", expected=200, delivered=200, stood_still_us=150_000)
        found.fanout.add(waited_us)
        assert all(check.holds for check in compare(fault, done, found))
        found.fanout = of(round(1.02 * waited_us) + 6_000)
        assert not compare(fault, done, found)[-1].holds


def test_a_machine_that_made_its_server_or_itself_wait_too_long_is_no_answer_either(tmp_path: Path) -> None:
    own = tmp_path / "impatient.py"
    own.write_text(f"{PATIENT}\nleader._BEHIND_US = leader._LONGER_US = -1_000_000\n")
    done = selfcheck(*UNHURRIED, "--report", str(tmp_path), locustfile=own)
    assert done.returncode == 3, done.stdout + done.stderr
    reasons = summary(tmp_path)["reasons"]
    for words in ("the self-check's own server was", "the generator stood still for"):
        assert any(reason.startswith(words) for reason in reasons)


def test_the_server_does_only_what_it_is_told_and_forgets_it_then() -> None:
    server = Faulty()
    try:
        for fault in FAULTS:
            server.begin(fault)
            done = server.done()
            assert (set(done.counts), sum(done.counts.values()), done.written.count) == (set(MADE), 0, 0)
            assert (done.sent.count, done.behind_us) == (0, 0)
    finally:
        server.end()
        server.end()


HOLDER = """
import time
from loadtest.scenarios.selfcheck.leader import Faulty
print(Faulty()._process.pid, flush=True)
time.sleep(3600)
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells of the end of a stranger's child")
def test_the_server_ends_with_whoever_holds_it() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout
            ended = os.pidfd_open(int(holder.stdout.readline()))
            try:
                holder.send_signal(signal.SIGKILL)
                assert select.select([ended], [], [], PATIENCE)[0]
            finally:
                os.close(ended)
        finally:
            holder.kill()
