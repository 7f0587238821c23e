"""Deadlines: found when due, whatever was set, moved or cancelled before."""

from hypothesis import given
from hypothesis import strategies as st

from chat.server.wheel import GRANULARITY, Wheel


def test_an_item_is_due_once_and_no_later_than_the_granularity() -> None:
    wheel: Wheel[str] = Wheel()
    wheel.set("ana", 10.0)
    assert wheel.due(10.0 - GRANULARITY) == []
    assert wheel.due(10.0 + GRANULARITY) == ["ana"]
    assert wheel.due(1000.0) == []
    assert len(wheel) == 0


def test_a_new_deadline_takes_the_place_of_the_old_one() -> None:
    wheel: Wheel[str] = Wheel()
    wheel.set("ana", 10.0)
    wheel.set("ana", 5.0)
    assert wheel.due(6.0) == ["ana"]
    assert wheel.due(20.0) == []


def test_a_cancelled_deadline_never_comes_and_wakes_nobody() -> None:
    wheel: Wheel[str] = Wheel()
    wheel.set("ana", 10.0)
    wheel.cancel("ana")
    wheel.cancel("nobody")
    assert wheel.next() is None
    assert wheel.due(20.0) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.floats(0, 100, allow_nan=False))), max_size=60))
def test_what_is_due_is_what_was_last_set(changes: list[tuple[int, float | None]]) -> None:
    """At any time the wheel holds each item's last deadline, and `next` is never after the earliest of them."""
    wheel: Wheel[int] = Wheel()
    last: dict[int, float] = {}
    for item, deadline in changes:
        if deadline is None:
            wheel.cancel(item)
            last.pop(item, None)
        else:
            wheel.set(item, deadline)
            last[item] = deadline
        upcoming = wheel.next()
        assert (upcoming is None) == (not last)
        if upcoming is not None:
            assert min(last.values()) < upcoming <= min(last.values()) + GRANULARITY
    assert set(wheel.due(50.0 + GRANULARITY)) >= {item for item, deadline in last.items() if deadline <= 50.0}
    wheel.due(101.0)
    assert len(wheel) == 0
