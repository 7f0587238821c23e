"""The load test beside the generator in C, on the same server, turn by turn: what does one process in Python add?

Both have the same members in one room and the same messages on a fixed timetable. The load test's `fanout_us` ends when
the kernel had the bytes, so its median should be the generator's; `read_us` ends when Python had read them, and what it
has more is the load test's own.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cases import RATE, Case
from bench.process import StartError, free_port, serving
from bench.servers import Server
from bench.turn import run_generator
from chat.errors import FanfareError
from loadtest.core.intervals import of_ratios
from loadtest.core.result import load

NAME = "loadtest"  # of the case
GOAL_PERCENT = 5  # by which the medians may differ
_LOCUSTFILE = Path(__file__).parent.parent / "loadtest" / "locustfile.py"
_LEAST_S = 0.5  # of a load test's window
_PATIENCE = 120.0  # s for a run of the load test beyond its window


@dataclass(frozen=True)
class Pair:
    """One round, in microseconds."""

    generator_p50: int
    fanout_p50: int
    own_p99: int  # read_us p99 - fanout_us p99
    verdict: str


def measure(generator: Path, server: Server, case: Case, rounds: int, scratch: Path) -> list[Pair]:
    """`case` is the steady one. Each round has a fresh server and begins with the other of both.

    Raises StartError with one line.
    """
    pairs = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            place, port = Path(folder), free_port()
            (place / "server").mkdir()
            with serving(server.command(port, place / "server"), port, place / "log") as process:
                first = _generated(generator, port, case, server, process.pid) if number % 2 == 0 else None
                fanout_p50, own_p99, verdict = _loaded(port, case, place / "report")
                p50 = first if first is not None else _generated(generator, port, case, server, process.pid)
                pairs.append(Pair(p50, fanout_p50, own_p99, verdict))
    return pairs


def _generated(generator: Path, port: int, case: Case, server: Server, pid: int) -> int:
    result, error = run_generator(generator, port, case, server.pending, pid)
    if result is None:
        raise StartError(f"the generator: {error}")
    return int(result["fanout_us"]["p50"])


def _loaded(port: int, case: Case, folder: Path) -> tuple[int, int, str]:
    seconds = max(_LEAST_S, case.options["seconds"])
    command = [
        *(sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--headless", "--only-summary"),
        *("--host", f"irc://127.0.0.1:{port}", "--users", str(case.members), "--spawn-rate", str(case.members)),
        *("--connecting", "64", "--rate", str(RATE), "--message-size", f"{case.options['text']:g}"),
        *("--warm-up", f"{case.options['warmup']:g}", "--duration", f"{seconds:g}", "--report", str(folder)),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE + seconds, check=False)
        result = load(folder)
    except subprocess.TimeoutExpired:
        raise StartError(f"the load test: no result after {_PATIENCE + seconds:.0f} s") from None
    except FanfareError:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), f"status {done.returncode}")
        raise StartError(f"the load test: {last}") from None
    figures = result.figures
    if not figures.fanout.count:
        raise StartError(f"the load test: nothing arrived: {'; '.join(result.reasons)}")
    own_p99 = figures.read.percentile(99) - figures.fanout.percentile(99)
    return figures.fanout.percentile(50), own_p99, result.verdict


def described(pairs: Sequence[Pair]) -> str:
    """A line for each round, and the ratio of the medians with its interval of 95 %."""
    lines = ["  generator p50   fanout_us p50   ratio   read p99 - fanout p99   the load test's verdict"]
    for each in pairs:
        lines.append(
            f"{each.generator_p50 / 1000:>12.3f} ms{each.fanout_p50 / 1000:>13.3f} ms"
            f"{each.fanout_p50 / each.generator_p50:>8.3f}{each.own_p99 / 1000:>21.3f} ms   {each.verdict}"
        )
    found = of_ratios([(each.generator_p50, each.fanout_p50) for each in pairs])
    if found:
        ratio, low, high = found
        lines.append(f"  ratio {ratio:.3f}, 95 %: {low:.3f} to {high:.3f}; the goal is within {GOAL_PERCENT} %")
    return "\n".join(lines)
