"""Waits double in their bound up to a limit, are spread over all of it, and are nobody else's."""

import random

import pytest

from loadtest.scenarios.stampede.worker import Backoff


class Highest(random.Random):
    """Chance that always gives the highest value, and notes the lowest that it might have given."""

    def __init__(self) -> None:
        super().__init__()
        self.lowest: set[float] = set()

    def uniform(self, a: float, b: float) -> float:
        self.lowest.add(a)
        return b


def waits(count: int, base: float = 0.5, most: float = 10.0, seed: int | str = 1) -> list[float]:
    backoff = Backoff(base, most, random.Random(seed))
    return [backoff.next() for _ in range(count)]


def test_the_bound_doubles_from_the_base_up_to_the_most_and_the_wait_may_be_nothing() -> None:
    chance = Highest()
    backoff = Backoff(0.5, 10.0, chance)
    assert [backoff.next() for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert chance.lowest == {0}


def test_a_most_below_the_base_is_the_bound_from_the_beginning() -> None:
    backoff = Backoff(5, 2, Highest())
    assert [backoff.next(), backoff.next()] == [2, 2]


def test_the_waits_of_one_attempt_are_spread_over_the_whole_interval() -> None:
    firsts = [waits(1, base=1.0, seed=seed)[0] for seed in range(1000)]
    tenths = [sum(tenth / 10 <= first < (tenth + 1) / 10 for first in firsts) for tenth in range(10)]
    assert sum(tenths) == 1000
    assert min(tenths) > 50


def test_the_same_chance_gives_the_same_waits_and_another_one_others() -> None:
    assert waits(5, seed="run:7") == waits(5, seed="run:7")
    assert not set(waits(5, seed="run:7")) & set(waits(5, seed="run:8"))


@pytest.mark.parametrize("attempts", [64, 65, 3000])
def test_any_number_of_attempts_has_a_wait(attempts: int) -> None:
    assert all(0 <= wait <= 10 for wait in waits(attempts))
