"""Whatever the server can bear, the search ends with a load that holds and one that does not, near one another."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.core.search import BISECT, GENERATOR, HELD, MISSED, REPEAT, UP, Bounds, Search, Step

Server = Callable[[Step], str]


def bounds(**changes: object) -> Bounds:
    usual = {"start": 10, "most": 1000, "precision": 5.0, "repeats": 3, "max_steps": 60, "whole": True}
    return Bounds(**{**usual, **changes})  # type: ignore[arg-type]


def searched(server: Server, **changes: object) -> tuple[Search, list[Step]]:
    search, steps = Search(bounds(**changes)), []
    while step := search.next_step():
        steps.append(step)
        search.note(step, server(step))
    return search, steps


def bears(capacity: float, generator: float = float("inf")) -> Server:
    return lambda step: GENERATOR if step.load > generator else HELD if step.load <= capacity else MISSED


def says(*results: str) -> Server:
    """One result after the other."""
    given = iter(results)
    return lambda step: next(given)


def loads(steps: Iterable[Step], phase: str) -> list[float]:
    return [step.load for step in steps if step.phase == phase]


def test_it_doubles_then_halves_the_gap_then_repeats_both_sides() -> None:
    search, steps = searched(bears(100))
    assert loads(steps, UP) == [10, 20, 40, 80, 160]
    assert loads(steps, BISECT) == [120, 100, 110, 105]
    assert loads(steps, REPEAT) == [100, 100, 100, 105, 105, 105]
    assert [step.phase for step in steps] == [UP] * 5 + [BISECT] * 4 + [REPEAT] * 6
    assert (search.knee, search.beyond, search.limited_by, search.doubts) == (100, 105, "server", [])


def test_a_server_that_bears_everything_is_limited_by_the_range() -> None:
    search, steps = searched(bears(10_000), most=70)
    assert [step.load for step in steps] == [10, 20, 40, 70, 70, 70, 70]
    assert (search.knee, search.beyond, search.limited_by) == (70, None, "range")


def test_a_server_that_bears_nothing_is_asked_again_before_that_is_said() -> None:
    search, steps = searched(bears(9))
    assert [(step.load, step.phase) for step in steps] == [(10, UP)] + [(10, REPEAT)] * 3
    assert (search.knee, search.beyond, search.limited_by) == (None, 10, "server")


def test_a_start_that_missed_by_chance_does_not_end_the_search() -> None:
    search, steps = searched(says(MISSED, HELD, HELD, HELD, HELD, MISSED, MISSED, MISSED), most=11)
    assert loads(steps, UP) == [10, 11]
    assert (search.knee, search.limited_by) == (10, "server")
    assert search.doubts == [(10, MISSED, 3, 3), (11, HELD, 0, 3)]


def test_the_search_stops_where_the_generator_is_the_limit_twice_in_a_row() -> None:
    search, steps = searched(bears(10_000, generator=50))
    assert [step.load for step in steps] == [10, 20, 40, 80, 80]
    assert (search.knee, search.beyond, search.limited_by, search.generator_at) == (40, None, "generator", 80)


def test_a_step_that_the_generator_spoiled_once_is_played_again_and_does_not_count() -> None:
    search, steps = searched(says(HELD, GENERATOR, HELD, GENERATOR, HELD, HELD, HELD), most=20)
    assert [(step.load, step.phase) for step in steps] == [(10, UP), (20, UP), (20, UP), *[(20, REPEAT)] * 4]
    assert (search.knee, search.limited_by) == (20, "range")


def test_a_generator_that_cannot_even_start_leaves_nothing_known() -> None:
    search, steps = searched(bears(10_000, generator=0))
    assert len(steps) == 2
    assert (search.knee, search.beyond, search.limited_by) == (None, None, "generator")


def test_where_the_repeats_do_not_hold_the_search_steps_down() -> None:
    by_chance = iter([HELD])  # the first step at 100 held, its repeats do not

    def server(step: Step) -> str:
        return next(by_chance, MISSED) if step.load == 100 else bears(97)(step)

    search, _ = searched(server)
    assert (search.knee, search.beyond, search.limited_by) == (97, 100, "server")
    assert search.doubts == [(100, HELD, 0, 3)]


def test_where_the_repeats_of_the_bad_side_hold_the_search_goes_on_above() -> None:
    by_chance = iter([MISSED])

    def server(step: Step) -> str:
        return next(by_chance, HELD) if step.load == 80 else bears(200)(step)

    search, _ = searched(server)
    assert search.knee is not None
    assert search.beyond is not None
    assert search.knee <= 200 < search.beyond <= search.knee * 1.05
    assert search.doubts == [(80, MISSED, 3, 3)]


@pytest.mark.parametrize(("held", "knee"), [(2, 20), (1, 15)])
def test_the_majority_of_the_repeats_decides(held: int, knee: float) -> None:
    chance = iter([HELD] * (1 + held) + [MISSED] * (3 - held))
    search, _ = searched(lambda step: next(chance) if step.load == 20 else HELD, most=20, precision=50)
    assert search.doubts == [(20, HELD, held, 3)]
    assert search.knee == knee


def test_half_of_the_repeats_is_no_majority() -> None:
    search, _ = searched(says(HELD, HELD, MISSED), start=10, most=10, repeats=2)
    assert (search.knee, search.beyond) == (None, 10)


def test_without_an_end_in_sight_the_steps_run_out() -> None:
    search, steps = searched(bears(10_000), max_steps=3)
    assert [step.load for step in steps] == [10, 20, 40]
    assert (search.knee, search.limited_by) == (40, "steps")


def test_a_rate_has_no_more_digits_than_people_read() -> None:
    _, steps = searched(bears(33.333), start=1.0, most=100.0, whole=False, precision=1)
    assert loads(steps, BISECT) == [48.0, 40.0, 36.0, 34.0, 33.0, 33.5, 33.25]


starts = st.integers(2, 500)


@given(starts, st.integers(0, 5_000), st.floats(0, 11_000), st.floats(0.1, 50), st.integers(1, 5), st.booleans())
def test_the_truth_lies_between_knee_and_beyond_within_the_precision(
    start: int, more: int, capacity: float, precision: float, repeats: int, whole: bool
) -> None:
    most = start + more
    search, steps = searched(
        bears(capacity), start=start, most=most, precision=precision, repeats=repeats, whole=whole, max_steps=200
    )
    knee, beyond = search.knee, search.beyond
    assert all(start <= step.load <= most and (not whole or step.load == int(step.load)) for step in steps)
    assert (knee is None) == (capacity < start)
    assert (beyond is None) == (capacity >= most)
    assert knee is None or knee <= capacity
    assert beyond is None or beyond > capacity
    if knee is not None and beyond is not None:
        assert beyond - knee <= max(knee * precision / 100, whole)
    assert search.limited_by == ("range" if beyond is None else "server")
    assert [step.load for step in steps if step.phase == REPEAT].count(knee or beyond or 0) == repeats


@given(st.lists(st.sampled_from([HELD, MISSED, GENERATOR]), min_size=60, max_size=60), st.integers(1, 60), starts)
def test_whatever_the_results_it_ends_in_time_and_within_its_range(
    results: list[str], max_steps: int, start: int
) -> None:
    search, steps = searched(says(*results), start=start, most=4 * start, max_steps=max_steps)
    assert len(steps) <= max_steps
    assert all(start <= step.load <= 4 * start for step in steps)
    assert search.knee is None or search.beyond is None or search.knee < search.beyond


def test_the_load_between_two_is_one_that_people_read_where_that_lies_between() -> None:
    exact = bounds(whole=False, precision=0.0)
    assert exact.between(100.123, 200.456) == 150.3
    assert exact.between(1.00001, 1.00002) == pytest.approx(1.000015, abs=1e-9)
    assert bounds(whole=False).between(100.0, 105.0) is None
    assert bounds(precision=0.0).between(100, 101) is None
    assert bounds(precision=0.0).between(100, 103) == 101
