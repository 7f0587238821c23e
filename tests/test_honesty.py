"""Every run checks itself: what is the generator's fault is `invalid`, what is the server's is found and counted.

Counts are asserted, and times only where a busy machine can but add to them.
"""

from pathlib import Path

import pytest

from loadtest.objective import MEASURES
from tests.test_locust import QUICK, UNHURRIED, port, run, summary

__all__ = ["port"]  # a fixture: pytest finds it by its name here


@pytest.mark.parametrize(
    ("objective", "status", "reason"),
    [
        ("p98<5ms", 3, f"there is no measure 'p98', choose from {', '.join(MEASURES)}"),
        ("p99<5ms,join_p99<1s", 3, "this scenario never measures join_p99, but p50, p90"),
        ("p99<5", 2, "'p99<5': a time needs us or µs or ms or s"),
    ],
)
def test_an_objective_that_cannot_be_checked_ends_the_run_before_anybody_connects(
    objective: str, status: int, reason: str
) -> None:
    done = run(1, *QUICK, "--objective", objective)
    assert (done.returncode, done.stdout) == (status, "")
    (line,) = done.stderr.splitlines()
    assert f"error: --objective: {reason}" in line


@pytest.mark.parametrize(
    ("objective", "status", "reasons"),
    [
        ("p99<60s,complete_max<60s,lost=0", 0, []),
        ("lost=0,dropped>3", 1, ["dropped is 0, the objective is dropped>3"]),
    ],
)
def test_an_objective_is_judged_at_the_end(
    port: int, tmp_path: Path, objective: str, status: int, reasons: list[str]
) -> None:
    done = run(port, *QUICK, *UNHURRIED, "--objective", objective, "--report", str(tmp_path))
    assert done.returncode == status, done.stdout + done.stderr
    assert summary(tmp_path)["reasons"] == reasons


def test_the_time_that_arrivals_wait_for_the_generator_is_measured_and_has_a_budget(port: int, tmp_path: Path) -> None:
    done = run(port, *QUICK, *UNHURRIED, "--max-receive-backlog-ms", "0", "--report", str(tmp_path))
    assert done.returncode == 3, done.stdout + done.stderr
    report = summary(tmp_path)
    assert report["verdict"] == "invalid"
    (reason,) = report["reasons"]
    assert reason.startswith("the generator read late: what had arrived waited p99 ")
    backlog = report["generator"]["receive_backlog_us"]
    assert 0 < backlog["p50"] <= backlog["p99"] <= backlog["max"]
    assert "receive backlog, ms" in done.stdout
    assert "receive backlog, ms" in (tmp_path / "report.html").read_text()
