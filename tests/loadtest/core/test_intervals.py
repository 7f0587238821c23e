"""How sure a figure is: an interval holds what it should, is no wider than it must be, not made of too little."""

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtest.core.histogram import NEVER_US, Histogram, bucket_of, middle_of
from loadtest.core.intervals import enough_for, of_limit, of_ranks, of_ratios, of_slices

loads = st.floats(1, 1e6)


@pytest.mark.parametrize("times", [3, 5])
def test_steps_that_agree_put_the_limit_between_the_two_sides(times: int) -> None:
    tries = [(50.0, True), *[(100.0, True)] * times, *[(105.0, False)] * times, (200.0, False)]
    assert of_limit(tries) == (100.0, 105.0)


def test_two_tries_of_each_side_tell_less() -> None:
    low, high = of_limit([(100.0, True)] * 2 + [(105.0, False)] * 2)
    assert low is not None
    assert high is not None
    assert 80 < low < 100 < 105 < high < 130


def test_tries_that_contradict_one_another_make_it_wider() -> None:
    agreed = [(80.0, True), (90.0, True), *[(100.0, True)] * 3, *[(105.0, False)] * 3, (120.0, False)]
    low, high = of_limit([*agreed, (100.0, False), (105.0, True), (90.0, False)])
    assert low is not None
    assert high is not None
    assert low < 100
    assert high > 105


@pytest.mark.parametrize(
    ("tries", "interval"),
    [([], (None, None)), ([(9.0, True)] * 4, (9.0, None)), ([(9.0, False)] * 4, (None, 9.0))],
)
def test_a_side_that_nothing_bounds_is_not_given(
    tries: list[tuple[float, bool]], interval: tuple[float | None, float | None]
) -> None:
    assert of_limit(tries) == interval


@example([(1.5, True), (520290.0, True), (837734.0, False), (939909.8986947347, False)])  # twice it, to the last bit
@given(st.lists(st.tuples(loads, st.booleans()), max_size=12))
def test_whatever_was_tried_the_sides_are_in_order_and_about_what_was_tried(tries: list[tuple[float, bool]]) -> None:
    low, high = of_limit(tries)
    tried = [load for load, _ in tries]
    for side in (low, high):
        assert side is None or min(tried) / 2 <= side <= max(tried) * 2
    assert low is None or high is None or low < high


def test_it_holds_the_true_limit_nearly_always() -> None:
    """Of 20 experiments with a limit of 100 and a soft slope, as a search tries loads: 19 are expected."""
    chance, held = Random(1), 0
    for _ in range(20):
        tries = [
            (load, chance.random() < 1 / (1 + (load / 100) ** 20))
            for load in (50.0, 80.0, 90.0, 95.0, 95.0, 95.0, 100.0, 105.0, 105.0, 105.0, 120.0, 200.0)
        ]
        low, high = of_limit(tries)
        held += (low or 0) <= 100 <= (high or 1e9)
    assert held >= 17


def test_the_ratio_of_pairs_has_students_interval() -> None:
    assert of_ratios([(1.0, 2.0)]) is None
    assert of_ratios([(1.0, 2.0), (5.0, 10.0)]) == (2.0, 2.0, 2.0)
    ratio, low, high = of_ratios([(10.0, 10.0), (10.0, 20.0), (10.0, 40.0)]) or (0, 0, 0)
    assert ratio == pytest.approx(2)
    assert high / ratio == pytest.approx(ratio / low) == pytest.approx(2 ** (4.303 / 3**0.5), rel=1e-3)
    many = [(1.0, 1.0), (1.0, 2.0)] * 15  # 30 of them: 2.045 standard errors
    ratio, low, high = of_ratios(many) or (0, 0, 0)
    assert high / ratio == pytest.approx(2 ** (2.045 * 0.5085 / 30**0.5), rel=2e-3)


def of(*us: int) -> Histogram:
    histogram = Histogram()
    for each in us:
        histogram.add(each)
    return histogram


def test_an_interval_of_ranks_is_as_many_standard_errors_wide_on_each_side() -> None:
    every = of(*range(1, 201))  # each in its own bucket
    assert of_ranks(every, 50) == (86, 115)  # 100 less 13.9, and 100 more 13.9, and one
    assert of_ranks(every, 90) == (171, 190)  # 180 and 8.3
    assert of_ranks(every, 50, never=200) == (180, NEVER_US)  # 200 less 19.6
    assert of_ranks(every, 98.5) == (193, 200)
    assert of_ranks(every, 98.6) is None, "three messages must lie beyond"
    assert of_ranks(every, 100) is None


def test_an_interval_of_slices_takes_five_that_are_not_empty() -> None:
    alike = [of(7, 7, 9)] * 5
    assert of_slices(alike, 50) == (7, 7)
    assert of_slices(alike, 99) == (9, 9)
    assert of_slices(alike, 100) is None
    assert of_slices([*alike[:4], of(), of()], 50) is None
    assert of_slices(alike, 50, never=16) == (NEVER_US, NEVER_US)


def test_a_slice_that_is_drawn_twice_counts_twice() -> None:
    """Two slow samples in one of eleven slices have the median only where that slice is drawn four times."""
    slices = [of(10)] * 10 + [of(200, 200)]
    assert of_slices(slices, 50, seed="a") == (10, 10)
    assert of_slices(slices, 90, seed="a") == (10, middle_of(bucket_of(200)))


def test_the_same_seed_draws_the_same() -> None:
    slices = [of(*range(n, n + 50)) for n in range(0, 200, 20)]
    drawn = {of_slices(slices, 50, seed=str(seed)) for seed in range(20)}
    assert len(drawn) > 1
    for interval in drawn:
        assert interval
        low, high = interval
        assert 40 < low < 115 < high < 190
    assert of_slices(slices, 50, seed="a") == of_slices(slices, 50, seed="a")


@pytest.mark.parametrize(
    ("percent", "messages"), [(50, 6), (90, 30), (10, 30), (99, 300), (1, 300), (99.9, 3_000), (100, 1), (101, 1)]
)
def test_three_messages_lie_beyond_a_percentile(percent: float, messages: int) -> None:
    assert enough_for(percent) == messages
