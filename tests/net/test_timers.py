"""Deadlines: found when due, whatever was set, moved or cancelled before."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.server.net.timers import GRANULARITY, Timers


def test_an_item_is_due_once_and_no_later_than_the_granularity() -> None:
    timers: Timers[str] = Timers()
    timers.set("ana", 10.0)
    assert timers.due(10.0 - GRANULARITY) == []
    assert timers.due(10.0 + GRANULARITY) == ["ana"]
    assert timers.due(1000.0) == []
    assert len(timers) == 0


def test_a_new_deadline_takes_the_place_of_the_old_one() -> None:
    timers: Timers[str] = Timers()
    timers.set("ana", 10.0)
    timers.set("ana", 5.0)
    assert timers.due(6.0) == ["ana"]
    assert timers.due(20.0) == []


def test_a_cancelled_deadline_never_comes_and_wakes_nobody() -> None:
    timers: Timers[str] = Timers()
    timers.set("ana", 10.0)
    timers.cancel("ana")
    timers.cancel("nobody")
    assert timers.next() == math.inf
    assert timers.due(20.0) == []


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6, 7, 100])
def test_no_more_is_taken_than_is_asked_for_over_several_buckets_and_the_rest_stays_due(most: int) -> None:
    timers: Timers[int] = Timers()
    for item in range(6):
        timers.set(item, 10.0 + item // 2)  # two a bucket
    taken: list[int] = []
    for _ in range(6):
        due = timers.due(100.0, most)
        assert len(due) == min(most, 6 - len(taken))
        taken += due
        assert len(timers) == 6 - len(taken)
        assert (timers.next() == math.inf) == (len(taken) == 6)
    assert taken == list(range(6))


def test_what_was_taken_may_be_set_again_though_its_bucket_is_not_empty() -> None:
    timers: Timers[str] = Timers()
    for item in ("ana", "bob"):
        timers.set(item, 10.0)
    assert timers.due(20.0, 1) == ["ana"]
    timers.set("ana", 10.0)
    assert timers.due(20.0) == ["bob", "ana"]


def test_the_same_deadline_again_moves_nothing() -> None:
    timers: Timers[str] = Timers()
    for item in ("ana", "bob", "ana"):
        timers.set(item, 10.0)
    assert timers.due(20.0) == ["ana", "bob"]


@given(st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.floats(0, 100, allow_nan=False))), max_size=60))
def test_what_is_due_is_what_was_last_set(changes: list[tuple[int, float | None]]) -> None:
    """At any time the timers hold each item's last deadline, and `next` is never after the earliest of them."""
    timers: Timers[int] = Timers()
    last: dict[int, float] = {}
    for item, deadline in changes:
        if deadline is None:
            timers.cancel(item)
            last.pop(item, None)
        else:
            timers.set(item, deadline)
            last[item] = deadline
        upcoming = timers.next()
        assert (upcoming == math.inf) == (not last)
        if last:
            assert min(last.values()) < upcoming <= min(last.values()) + GRANULARITY
    assert set(timers.due(50.0 + GRANULARITY)) >= {item for item, deadline in last.items() if deadline <= 50.0}
    timers.due(101.0)
    assert len(timers) == 0
