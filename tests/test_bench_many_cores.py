"""The one table of `python -m bench.many_cores`: medians, and ratios to the bare loop."""

import sys
from pathlib import Path

import pytest

from bench.build import compiler
from bench.many_cores import Rings, main, summary
from bench.servers import BareEpoll, Server
from bench.turn import Turn


def turn(server: str, rate: float, p50: float) -> list[Turn]:
    report = {"deliveries_per_s": rate, "others_cpu_percent": 0.0}
    steady = {"complete_us": {"p50": p50, "p99": 2 * p50}, "others_cpu_percent": 0.0}
    return [Turn(server, "saturated", 0, report), Turn(server, "steady", 0, steady)]


def test_each_figure_has_its_ratio_to_the_bare_loops() -> None:
    servers: list[Server] = [Rings(4), BareEpoll("bare-epoll", Path("x"))]
    turns = [*turn("fanfare-uring, 4 rings", 9_000_000, 2_000), *turn("bare-epoll", 3_000_000, 8_000)]
    head, ours, bare = summary(turns, servers).splitlines()
    assert head.split("  ")[0] == ""
    assert "9,000,000 (3.00)" in ours
    assert "2.0 ms (0.25)" in ours
    assert "3,000,000 (1.00)" in bare
    assert "-" in ours


def test_a_number_of_rings_is_the_servers_setting(tmp_path: Path) -> None:
    command = Rings(8).command(1, tmp_path)
    assert command[0] == "env"
    assert {"FANFARE_SENDERS=8", "FANFARE_SENDER=uring"} < set(command[: command.index(sys.executable)])


@pytest.mark.skipif(compiler() is None, reason="the generator is written in C and no compiler is installed")
def test_it_begins_no_turn_after_its_limit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--limit", "0.001", "--seconds", "0.05", "--scale", "0.02", "--readers", "2"]) == 0
    output = capsys.readouterr().out
    assert "reading threads: 2" in output
    assert "bare-epoll" in output
