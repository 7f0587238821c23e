"""Every plot shows the numbers of its run, in the units of its axes, and none is drawn of nothing."""

from typing import Any

import pytest

from loadtest.core.histogram import NEVER_US, Histogram
from loadtest.core.result import Figures
from loadtest.core.result import told as tell
from loadtest.report.plots import (
    Axis,
    Mark,
    Plot,
    by_percentile,
    by_size,
    by_tenth,
    cost_plots,
    linear,
    ms_axis,
    over_time,
)
from loadtest.scenarios.capacity.leader import by_load
from loadtest.scenarios.deaths.leader import Disconnect, plain
from loadtest.scenarios.deaths.report import told
from tests.loadtest.report.test_report import SILENT, UNNOTICED, histogram


def row(at_s: float, deliveries: int = 1, **more: Any) -> dict[str, Any]:
    latencies = {"p50_us": 1_000, "p90_us": None, "p99_us": 2_000, "max_us": 3_000}
    costs = ("generator_cpu_percent", "generator_memory_bytes", "server_cpu_percent", "server_memory_bytes")
    return {"at_s": at_s, "deliveries": deliveries, **latencies, **dict.fromkeys(costs), **more}


def drawn(plot: Plot | None) -> dict[str, tuple[list[Any], list[Any]]]:
    """x and y of each line, by its name."""
    assert plot
    return {each.name: (list(each.x), list(each.y)) for each in plot.lines}


def labels(axis: Axis) -> list[str]:
    return [label for _, label in axis.ticks]


def test_latency_over_time_is_in_milliseconds_at_the_seconds_of_its_slices() -> None:
    lines = drawn(over_time([row(0.0), row(1.0, p50_us=1_500)], []))
    assert lines == {
        "p50": ([0.0, 1.0], [1.0, 1.5]),
        "p99": ([0.0, 1.0], [2.0, 2.0]),
        "max": ([0.0, 1.0], [3.0, 3.0]),
    }


def test_no_line_is_drawn_over_a_time_without_a_window() -> None:
    x, y = drawn(over_time([row(0.0), row(1.0), row(9.0), row(10.0)], []))["p50"]
    assert (x, y) == ([0.0, 1.0, 2.0, 9.0, 10.0], [1.0, 1.0, None, 1.0, 1.0])


def test_what_happened_is_marked_at_its_second_unless_the_run_did_not_get_there() -> None:
    plot = over_time([row(0.0), row(1.0)], [(0.5, "fin"), (1.9, "kill"), (7.0, "stop")])
    assert plot
    assert plot.marks == [Mark(0.5, "fin"), Mark(1.9, "kill")]


def test_percentiles_of_deliveries_and_of_the_first_the_median_and_the_last_receiver_have_a_curve() -> None:
    figures = Figures("room", "host:1", 2)
    figures.fanout = histogram(*range(1, 101))
    figures.first, figures.median, figures.complete = histogram(10), histogram(20), histogram(30)
    lines = drawn(by_percentile(figures))
    assert list(lines) == ["each delivery", "first receiver", "half of the receivers", "last receiver (complete)"]
    x, y = lines["each delivery"]
    assert dict(zip(x, y, strict=True))[0.30103] == 0.05, "half of them took at most 50 µs"
    assert (x[0], y[0]) == (0, 0.001)
    assert 1.4 < x[-1] < 1.53, "three of a hundred are left: fewer are one message's luck"
    figures.heard = 6
    assert drawn(by_percentile(figures))["each delivery"][0][-1] == 0.30103, "their messages tell the median only"
    figures.heard = 0
    assert lines["first receiver"][1] == [0.01]
    figures.first = Histogram()
    assert "first receiver" not in drawn(by_percentile(figures))


def test_the_percentile_axis_has_a_mark_for_each_nine() -> None:
    plot = by_percentile(Figures("room", "host:1", 2, fanout=histogram(*range(255), *[9] * 10_000)))
    assert plot
    nines = {label: at for at, label in plot.x.ticks}
    assert nines == {
        "0": 0.0,
        "50": pytest.approx(0.301, abs=0.001),
        "90": 1,
        "99": 2,
        "99.9": 3,
    }


def test_tenths_and_sizes_are_drawn_by_the_percentiles_that_enough_messages_tell() -> None:
    tenths = [histogram(100), histogram()]
    assert drawn(by_tenth([tell(each, 300) for each in tenths])) == dict.fromkeys(
        ("p50", "p90", "p99"), ([1, 2], [0.1, None])
    )
    assert set(drawn(by_tenth([tell(each, 299) for each in tenths]))) == {"p50", "p90"}
    assert drawn(by_size({200: histogram(*[9] * 300), 100: histogram(*[7] * 299)})) == {
        "p50": ([100, 200], [0.007, 0.009]),
        "p90": ([100, 200], [0.007, 0.009]),
        "p99": ([100, 200], [None, 0.009]),
        "max": ([100, 200], [0.007, 0.009]),
    }
    assert set(drawn(by_size({200: histogram(*[9] * 29), 100: histogram(*[7] * 29)}))) == {"p50", "max"}


def test_where_messages_tell_no_percentile_the_longest_is_drawn() -> None:
    assert drawn(by_tenth([tell(histogram(100), 5), tell(histogram(), 5)])) == {"max": ([1, 2], [0.1, None])}
    assert drawn(by_size({200: histogram(9), 100: histogram(7)})) == {"max": ([100, 200], [0.007, 0.009])}


def test_cpu_is_in_percent_and_memory_in_mebibytes_of_whom_it_is_known() -> None:
    cpu, memory = cost_plots([row(0.0, generator_cpu_percent=40.0, server_memory_bytes=3 << 19), row(1.0)])
    assert drawn(cpu) == {"generator, busiest process": ([0.0, 1.0], [40.0, None])}
    assert drawn(memory) == {"server": ([0.0, 1.0], [1.5, None])}


def test_nothing_is_not_drawn() -> None:
    assert over_time([], []) is None
    assert over_time([row(0.0, 0)], []) is None
    assert by_percentile(Figures("room", "host:1")) is None
    assert by_tenth([tell(histogram()), tell(histogram())]) is None
    assert by_size({5: histogram(1)}) is None
    assert cost_plots([row(0.0)]) == []
    assert told([]) is None


def test_of_each_death_is_drawn_when_the_first_the_median_and_the_last_was_told_and_the_deadline() -> None:
    quick = Disconnect("fin", 1, 2, 5_000_000, informed=histogram(0, 0))
    plot = told([plain(each) for each in (SILENT, UNNOTICED, quick)])
    lines = drawn(plot)
    assert lines["deadline"] == ([31_000.0, 151_000.0, 5_000.0], [0, -1, -2])
    spans = ([30_200.0, 30_400.0, 30_400.0, 0.001, 0.001, 0.001], [0, 0, None, -2, -2, None])
    assert lines["first to last observer"] == spans
    assert lines["median observer"] == ([30_343.167, 0.001], [0, -2]), "of one death nobody was told"
    assert plot
    assert [label for _, label in plot.y.ticks if label] == ["fin", "stop", "silence"], "from the bottom to the top"


def test_an_axis_is_logarithmic_where_its_values_lie_far_apart() -> None:
    assert not ms_axis("a", [1.0, None, 19.0]).log
    assert ms_axis("a", [1.0, 20.0]).log
    assert labels(ms_axis("a", [3.0, 220.0])) == ["2", "5", "10", "20", "50", "100", "200", "500"]
    assert labels(ms_axis("a", [1.0, 5_000.0])) == ["1", "10", "100", "1,000", "10,000"]
    for none in ([], [None], [0.0]):
        assert not ms_axis("a", none).log


def test_a_linear_axis_begins_at_nought_and_ends_at_a_round_number_above_the_most() -> None:
    assert labels(linear("a", [0.34])) == ["0.0", "0.1", "0.2", "0.3", "0.4"]
    assert labels(linear("a", [7.0, 9.0])) == ["0", "2", "4", "6", "8", "10"]
    assert labels(linear("a", [4_100.0])) == ["0", "1,000", "2,000", "3,000", "4,000", "5,000"]
    assert labels(linear("a", [2.0], whole=True)) == ["0", "1", "2"]
    assert labels(linear("a", [])) == ["0"]


def test_a_lost_delivery_does_not_stretch_the_axis_and_says_so() -> None:
    plot = over_time([row(0.0, max_us=NEVER_US), row(1.0)], [])
    assert plot
    assert plot.y.ticks[-1][0] < 10
    assert [each.said[0] for each in plot.lines] == ["1.000 ms", "2.000 ms", "lost"]


def step(load: float, result: str, us: int) -> dict[str, Any]:
    return {"load": load, "phase": "up", "result": result, "fanout_us": histogram(*[us] * bool(us)).figures()}


def test_each_step_of_a_search_is_a_point_and_both_sides_of_the_knee_are_marked() -> None:
    steps = [step(10, "held", 5_000), step(20, "missed", 61_000), step(15, "generator", 7_000), step(9, "missed", 0)]
    found = {"search": "users", "requirement": "lost=0,p99<50ms", "knee": {"load": 10}, "beyond": {"load": 20}}
    plot = by_load({**found, "steps": steps})
    assert drawn(plot) == {
        "held": ([10], [5.0]),
        "missed": ([20], [61.0]),
        "the generator was the limit": ([15], [7.0]),
    }
    assert plot
    assert plot.marks == [Mark(10, "knee 10"), Mark(20, "beyond 20"), Mark(50.0)]


def test_a_search_whose_steps_lack_the_messages_for_the_percentile_draws_the_highest_that_they_tell() -> None:
    found = {"search": "users", "requirement": "p99<50ms", "knee": None, "beyond": None}
    few = {**step(10, "held", 5_000), "fanout_us": tell(histogram(5_000), 30)}
    nothing = step(5, "missed", 0)
    plot = by_load({**found, "steps": [few, nothing]})
    assert plot
    assert (plot.title, plot.marks, drawn(plot)) == ("p90 by load", [], {"held": ([10], [5.0])})
    fewer = {**few, "fanout_us": tell(histogram(5_000), 5)}
    some = by_load({**found, "steps": [few, fewer]})
    assert some
    assert drawn(some) == {"held": ([10], [5.0])}, "a step that does not tell it is a gap"
    least = by_load({**found, "steps": [fewer]})
    assert least
    assert least.title == "max by load"


def test_a_step_most_of_whose_deliveries_were_lost_says_so() -> None:
    lost = {**step(10, "missed", 1), "fanout_us": histogram(1_000).figures(never=9)}
    plot = by_load({"search": "users", "requirement": "lost=0", "knee": None, "beyond": None, "steps": [lost]})
    assert plot
    assert plot.lines[0].said == ["10: lost (up)"]


def test_a_search_without_a_knee_or_a_limit_has_fewer_lines_and_one_without_deliveries_no_plot() -> None:
    found = {"search": "rate", "requirement": "lost=0", "knee": None, "beyond": None}
    plot = by_load({**found, "steps": [step(10, "held", 5_000)]})
    assert plot
    assert plot.marks == []
    assert by_load({**found, "steps": [step(10, "missed", 0)]}) is None
