"""What the windows and the processes of a run gave adds up: counts, histograms, health, costs and reasons."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from loadtest.core.codec import Misfit
from loadtest.core.histogram import NEVER_US, Histogram
from loadtest.core.intervals import of_ranks, of_slices
from loadtest.core.requirements import Requirements
from loadtest.core.result import Cost, Figures, Result, costs, dump, load_rounds, merged

HIGHEST = ("asked_users", "users", "rooms", "nodes", "workers", "cpu_percent", "stood_still_us", "clock_error_us")
NOTES = ("scenario", "target", "faults", "machine", "began_ns", "over_time", "costs", "marks")


def of(*us: int) -> Histogram:
    histogram = Histogram()
    for each in us:
        histogram.add(each)
    return histogram


def filled(scale: int) -> Figures:
    """A different value in each field."""
    figures = Figures("broadcast", "host:1")
    for place, each in enumerate(fields(Figures), 1):
        value = getattr(figures, each.name)
        if isinstance(value, Histogram):
            value.add(place * scale)
        elif isinstance(value, (int, float)):
            setattr(figures, each.name, type(value)(place * scale))
    figures.tenths[3].add(scale)
    figures.complete_by_size = {scale: of(7)}
    figures.dropped = {"reset": scale}
    return figures


@pytest.mark.parametrize("order", [(1, 10), (10, 1)])
def test_two_processes_figures_are_added_up_or_the_highest_of_both(order: tuple[int, int]) -> None:
    one, other = map(filled, order)
    total = merged([one, other])
    for each in fields(Figures):
        if each.name in NOTES:
            continue
        first, second, both = (getattr(figures, each.name) for figures in (one, other, total))
        if isinstance(both, Histogram):
            assert both == of(first.longest, second.longest), each.name
        elif isinstance(both, (int, float)):
            assert both == (max(first, second) if each.name in HIGHEST else first + second), each.name
    assert total.tenths[3] == of(*order)
    assert total.complete_by_size == {1: of(7), 10: of(7)}
    assert total.dropped == {"reset": 11}
    assert (total.scenario, total.target, total.faults) == ("broadcast", "host:1", [])


def test_the_backlog_of_reading_is_that_of_all_processes() -> None:
    one, other = filled(1), filled(1)
    one.receive_backlog, other.receive_backlog = of(5), of(700, 900)
    assert merged([one, other]).receive_backlog == of(5, 700, 900)


def test_the_parts_of_a_window_stay_at_their_own_time() -> None:
    first = Figures("x", "y", began_ns=5_000_000_000, over_time=[(0.0, of(1))], costs=[Cost(1.0)], marks=[(0.5, "in")])
    later = replace(first, began_ns=7_500_000_000, over_time=[(1.0, of(2))], costs=[Cost(2.0)], marks=[(0.25, "out")])
    total = merged([first, later])
    assert total.began_ns == 5_000_000_000
    assert total.over_time == [(0.0, of(1)), (3.5, of(2))]
    assert (total.costs, total.marks) == ([Cost(1.0), Cost(2.0)], [(0.5, "in"), (2.75, "out")])


def test_what_is_known_of_a_machine_is_that_of_the_one_that_waited_most() -> None:
    calm, waiting = {"waited_percent": 1.0}, {"waited_percent": 9.0}
    for notes in ((calm, waiting), (waiting, calm), (waiting, None), (None, waiting)):
        first, second = (Figures("x", "y", machine=note) for note in notes)
        assert merged([first, second]).machine == waiting
        first.take_health(second)
        assert first.machine == waiting


def test_a_fault_of_two_windows_is_told_once_and_no_other_is_forgotten() -> None:
    one, other = Figures("x", "y", faults=["a", "b"]), Figures("x", "y", faults=["b", "c"])
    one.take_health(other)
    assert one.faults == ["a", "b", "c"]


def test_a_slice_costs_the_busiest_process_and_the_memory_of_all() -> None:
    assert costs([[(10.0, 100), (50.0, 200)], [(30.0, 50)], [(None, None)]], [(5.0, 1_000), (None, None)], 3) == [
        Cost(30.0, 150, 5.0, 1_000),
        Cost(50.0, 200, None, None),
        Cost(),
    ]
    assert costs([[(0.5, 0)]], [], 1) == [Cost(0.5, 0, None, None)]
    assert costs([[(1.0, 1)] * 3], [(1.0, 1)] * 3, 1) == [Cost(1.0, 1, 1.0, 1)]


def test_what_never_came_is_infinitely_late_in_the_figures() -> None:
    figures = Figures("x", "y", expected=4, delivered=3, heard=2, fanout=of(1, 2, 3), complete=of(3))
    assert (figures.lost, figures.never_of(figures.fanout), figures.never_of(figures.complete)) == (1, 1, 1)
    assert [figures.percentile(figures.fanout, percent) for percent in (50, 75, 76)] == [2, 3, NEVER_US]
    assert [figures.percentile(figures.complete, percent) for percent in (50, 51)] == [3, NEVER_US]


@pytest.mark.parametrize(("heard", "lacking"), [(0, set()), (2_999, {"p999"}), (3_000, set()), (299, {"p99", "p999"})])
def test_a_percentile_that_too_few_messages_tell_is_null(heard: int, lacking: set[str]) -> None:
    figures = Figures("x", "y", heard=heard, fanout=of(7))
    assert {name for name, value in figures.latency("fanout").items() if value is None} == lacking
    assert figures.latency("fanout")["max"] == 7


def test_two_results_have_the_worse_verdict_and_each_reason_once() -> None:
    def result(word: str, *reasons: str) -> Result:
        nothing: dict[str, Any] = {}
        return Result(1, "id", "at", word, [*reasons], [], nothing, "", nothing, Figures("x", "y", sent=2), nothing)

    for words, worse in (
        (("pass", "fail"), "fail"),
        (("invalid", "fail"), "invalid"),
        (("pass", "invalid"), "invalid"),
    ):
        for first, second in (words, words[::-1]):
            both = result(first, "a", "b") + result(second, "b", "c")
            assert (both.verdict, both.reasons, both.figures.sent) == (worse, ["a", "b", "c"], 4)
            assert (both.judged.word, both.judged.reasons) == (worse, ["a", "b", "c"])


def test_an_interval_is_of_the_windows_slices_for_deliveries_and_of_ranks_for_messages() -> None:
    slices = [(float(n), of(*range(n, n + 50))) for n in range(0, 200, 20)]
    figures = Figures("x", "y", heard=100, over_time=slices, complete=of(*range(1, 201)))
    for _, each in slices:
        figures.fanout.merge(each)
    assert figures.interval("fanout", 50) == of_slices([each for _, each in slices], 50, 0, "fanout 50")
    assert figures.interval("complete", 50) == of_ranks(figures.complete, 50) == (86, 115)
    assert figures.interval("complete", 99) is None, "100 messages do not tell"


def one_result(**changes: Any) -> Result:
    nothing: dict[str, Any] = {}
    made = Result(1, "id", "2026-01-01", "pass", [], [], nothing, "", nothing, Figures("x", "y"), nothing)
    return replace(made, **changes)


def test_no_result_is_written_that_is_no_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump(one_result(figures=Figures("x", "y", cpu_percent=float("nan"))))
    assert dump(one_result()).startswith('{"schema":1,"run_id":"id",')
    assert dump(one_result()).endswith("}\n")


def test_rounds_are_those_of_a_folder_by_their_start_and_a_run_is_its_own(tmp_path: Path) -> None:
    for name, start in (("b", "2026-01-01"), ("a", "2026-01-02")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(dump(one_result(run_id=name, started_at=start)))
    assert [each.run_id for each in load_rounds(tmp_path)] == ["b", "a"]
    assert [each.run_id for each in load_rounds(tmp_path / "a")] == ["a"]
    (tmp_path / "result.json").write_text(dump(one_result(run_id="own")))
    assert [each.run_id for each in load_rounds(tmp_path)] == ["own"]
    with pytest.raises(Misfit, match=r"absent/?.*: No such file or directory"):
        load_rounds(tmp_path / "absent")


@pytest.mark.parametrize(("heard", "p99"), [(299, None), (300, 7)])
def test_a_sample_of_the_deliveries_tells_a_percentile_where_all_of_them_do(heard: int, p99: int | None) -> None:
    figures = Figures("broadcast", "host:1", expected=9, delivered=9, heard=heard, read=of(7))
    assert figures.given("read", 99) == figures.latency("read")["p99"] == figures.told(of(7))["p99"] == p99
    assert figures.given("read", 50) == figures.told(of(7))["p50"] == 7
    assert bool(Requirements.parse("read_p99<50ms").too_few(heard)) == (p99 is None)


def test_the_lost_are_in_the_percentiles_of_reading_by_their_share() -> None:
    figures = Figures("broadcast", "host:1", expected=100, delivered=90, heard=3_000, read=of(*[7] * 9))
    assert (figures.given("read", 90), figures.given("read", 91)) == (7, NEVER_US)
    figures.expected = 91  # a part of one counts as one
    assert figures.given("read", 99) == NEVER_US
    nothing = Figures("broadcast", "host:1", expected=2, heard=3_000)
    assert nothing.given("read", 50) == nothing.given("fanout", 50) == NEVER_US
