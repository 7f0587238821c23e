"""What a run says of its course over time, end to end, and where and how it was made."""

import shlex
from pathlib import Path

from tests.loadtest.runs import QUICK, UNHURRIED, master_port, run, summary
from tests.loadtest.scenarios.test_churn import SERVE, serving


def test_every_second_has_its_deliveries_and_what_all_processes_and_the_server_took(tmp_path: Path) -> None:
    more = ("--duration", "2", "--processes", "2", *master_port(), "--report", str(tmp_path))
    with serving(SERVE) as (port, pid):
        done = run(port, *QUICK, *UNHURRIED, *more, "--server-pid", str(pid))
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    timeline = report["timeline"]
    assert [(row["at_s"], row["deliveries"]) for row in timeline] == [(0.0, 190), (1.0, 190)]
    for row in timeline:
        assert 0 < row["p50_us"] <= row["max_us"] <= report["fanout_us"]["max"]
        assert (row["p90_us"], row["p99_us"]) == (None, None), "ten messages tell neither"
        assert row["generator_cpu_percent"] > 0
        assert row["generator_memory_bytes"] > 2 * row["server_memory_bytes"] > 1 << 20, "two processes with Locust"
        assert row["server_cpu_percent"] is not None
    assert max(row["max_us"] for row in timeline) == report["fanout_us"]["max"]
    assert report["environment"]["cpus"] >= 1
    assert shlex.split(report["command"])[-2:] == ["--server-pid", str(pid)]


def test_without_the_server_s_process_nothing_is_said_of_it(tmp_path: Path) -> None:
    with serving(SERVE) as (port, _):
        done = run(port, *QUICK, *UNHURRIED, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = summary(tmp_path)["timeline"]
    assert (row["server_cpu_percent"], row["server_memory_bytes"]) == (None, None)


def test_any_scenario_takes_the_server_s_process_and_refuses_one_that_is_not_there() -> None:
    done = run(1, *QUICK, "--server-pid", str(1 << 22))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0].endswith("error: --server-pid 4194304: there is no such process here")
