"""What the processes state of a window comes into the figures of the run: counts, and the generator's own health."""

from typing import Any

from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures
from loadtest.core.statement import Statement, total
from loadtest.run.settings import Settings
from loadtest.run.window import Window
from loadtest.scenarios.broadcast import Broadcast

SECOND = 1_000_000_000  # ns
COUNTS = ("delivered", "duplicated", "reordered", "late", "stray", "corrupt", "diverged", "under_way", "joined")
HEALTH = ("read", "doubt", "collections", "send_lateness", "loop_lag", "receive_backlog")


def of(us: int) -> Histogram:
    histogram = Histogram()
    histogram.add(us)
    return histogram


def stated(scale: int) -> Statement:
    """A different value for each name."""
    health: dict[str, Any] = {name: of(place * scale) for place, name in enumerate(HEALTH, 1)}
    counts: dict[str, Any] = {name: place * scale for place, name in enumerate(COUNTS, 1)}
    return Statement(**health, **counts, stood_still_us=scale, cpu_percent=float(scale), dropped={"reset": scale})


def test_the_counts_and_the_health_of_all_processes_and_windows_are_added_up() -> None:
    figures = Figures("broadcast", "there")
    for number in (1, 2):
        window = Window(number, SECOND, 3 * SECOND, [{"#load": [0, 2]}, {"#load": [1]}])
        window.assign(Broadcast(Settings(), 3), lambda histogram: None)
        window.sum_up(figures, total([stated(1), stated(10)]))
    for place, name in enumerate(COUNTS, 1):
        assert getattr(figures, name) == 2 * 11 * place, name
    for place, name in enumerate(HEALTH, 1):
        taken = getattr(figures, name)
        assert (taken.count, taken.shortest, taken.longest) == (4, place, 10 * place), name
    assert (figures.stood_still_us, figures.cpu_percent, figures.duration_s) == (10, 10.0, 4.0)
    assert figures.dropped == {"reset": 22}
