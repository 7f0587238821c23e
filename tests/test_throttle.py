"""The rate of one user's commands."""

import pytest

from chat.server.throttle import Throttle


def test_a_burst_is_free_and_then_the_rate_holds() -> None:
    throttle = Throttle(rate=2.0, burst=3, now=0.0)
    assert [throttle.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert throttle.wait() == pytest.approx(0.5)
    assert throttle.take(0.5)
    assert not throttle.take(0.5)


def test_silence_earns_a_burst_and_no_more() -> None:
    throttle = Throttle(rate=1.0, burst=2, now=0.0)
    assert [throttle.take(1000.0) for _ in range(3)] == [True, True, False]


def test_a_rate_of_zero_is_no_limit() -> None:
    throttle = Throttle(rate=0.0, burst=0, now=0.0)
    assert all(throttle.take(0.0) for _ in range(1000))
