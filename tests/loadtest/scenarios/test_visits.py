"""When guests come and go is fixed before the first one comes, as many and for as long as was asked."""

from collections import Counter
from itertools import pairwise

import pytest

from loadtest.scenarios.churn.flow import arrivals, closing_s

SECOND = 1_000_000_000  # ns


def test_the_arrivals_is_fixed_by_its_seed() -> None:
    assert arrivals("a", 50, 1, 30) == arrivals("a", 50, 1, 30) != arrivals("b", 50, 1, 30)


@pytest.mark.parametrize("stay_s", [0.01, 1, 5, 1_000])
def test_all_come_and_go_within_the_window_and_nobody_comes_in_its_closing_time(stay_s: float) -> None:
    times = arrivals("a", 40, stay_s, 30)
    end_ns, closing_ns = 30 * SECOND, round((30 - closing_s(stay_s, 30)) * SECOND)
    assert [each.come_ns for each in times] == sorted(each.come_ns for each in times)
    assert all(0 < each.come_ns < closing_ns for each in times)
    assert all(each.come_ns < each.go_ns <= end_ns for each in times)


def test_arrivals_and_stays_are_as_many_and_as_long_as_asked() -> None:
    times = arrivals("a", 20, 5, 5_005)
    gaps = [after.come_ns - before.come_ns for before, after in pairwise(times)]
    stays = [each.go_ns - each.come_ns for each in times]
    assert len(times) == pytest.approx(100_000, rel=0.02)
    for samples, mean_s in ((gaps, 1 / 20), (stays, 5.0)):
        mean = sum(samples) / len(samples) / SECOND
        spread = (sum((each / SECOND - mean) ** 2 for each in samples) / len(samples)) ** 0.5
        assert mean == pytest.approx(mean_s, rel=0.02)
        assert spread == pytest.approx(mean_s, rel=0.05), "exponential: it spreads as wide as its mean"


def test_those_who_would_outstay_the_window_do_not_all_go_at_once() -> None:
    times = arrivals("a", 100, 1_000, 30)
    tenths = Counter((each.go_ns - 20 * SECOND) // SECOND for each in times if each.go_ns >= 20 * SECOND)
    assert len(times) * 0.9 < sum(tenths.values())
    assert max(tenths.values()) < 0.15 * len(times)
