"""What is said of a run while it runs: also what is not said."""

from types import SimpleNamespace
from typing import Any

from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures
from loadtest.run.live import Monitor
from loadtest.run.scenario import SCENARIOS
from tests.loadtest.run.test_live import status


def seen(scenario: str = "broadcast", is_over: bool = False, **run: Any) -> dict[str, Any]:
    """Of a run that has lost one delivery in the window under way, and two before."""
    kind = SCENARIOS[scenario]
    settings = kind.settings_type(scenario=scenario)
    processes: Any = SimpleNamespace(all={"a": None}, status_sum=lambda key: {"joined": 2, "refused": 0}[key])
    monitor = Monitor(settings, kind(settings, 2), processes)
    monitor.hear("a", status(sent=2, fanout=(100,), overdue=1))
    monitor.is_over = is_over
    before = Figures(scenario, "there", sent=2, expected=2)
    usual = {"is_open": True, "is_apart": False, "complete_so_far": Histogram(), "figures": before, "start_s": 1.0}
    here: Any = SimpleNamespace(**{**usual, "doing": lambda _: "window 1", "open_s": lambda _: 1.0, **run})
    return monitor.look(here, 2)


def test_the_window_under_way_counts_with_those_before() -> None:
    assert seen()["so_far"].reasons == ["3 deliveries lost; the requirement is lost=0"]
    assert seen()["doing"] == "window 1"


def test_a_window_that_is_collected_is_not_counted_twice() -> None:
    assert seen(is_open=False)["so_far"].reasons == ["2 deliveries lost; the requirement is lost=0"]


def test_windows_by_which_the_run_is_not_judged_give_no_verdict() -> None:
    assert seen(is_apart=True)["so_far"] is None
    assert seen("capacity")["so_far"] is None


def test_a_run_that_is_over_does_nothing() -> None:
    assert seen(is_over=True)["doing"] == "stopped"
