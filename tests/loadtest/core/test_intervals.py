"""How sure a figure is: an interval holds what it should, is no wider than it must be, not made of too little."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.core.intervals import of_limit, of_ratios

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
