"""A generator that stalls is noticed, however its watch ends."""

import time

import gevent
import pytest

from loadtest.run.health import Health

STALL_NS = 50_000_000
CANARY_NS = 10_000_000


def stall(since_ns: int) -> None:
    """Keep the hub from everything else, as work that takes too long does."""
    while time.monotonic_ns() < since_ns + STALL_NS:
        pass


def test_a_stall_is_as_many_late_canaries_as_it_took() -> None:
    health = Health()
    start_ns = time.monotonic_ns()
    gevent.spawn(stall, start_ns)  # before the canary has its first turn, however busy the machine is
    watching = gevent.spawn(health.watch, start_ns, start_ns + STALL_NS)
    while health.loop_lag.count < STALL_NS // CANARY_NS:
        gevent.sleep(0)
    watching.kill()
    assert health.loop_lag.count == STALL_NS // CANARY_NS
    assert health.loop_lag.longest >= (STALL_NS - CANARY_NS) // 1000


def test_a_stall_that_lasts_to_the_finish_counts() -> None:
    health = Health()
    start_ns = time.monotonic_ns()
    watching = gevent.spawn(health.watch, start_ns, start_ns + 3600 * 10**9)
    gevent.sleep(0)  # it has begun
    stall(start_ns)
    health.finish()
    count = health.loop_lag.count
    assert count >= STALL_NS // CANARY_NS
    stall(time.monotonic_ns())
    health.finish()
    assert health.loop_lag.count == count  # it was over
    watching.kill()


def test_a_stall_after_the_window_is_no_lag_of_it_but_the_longest_stall() -> None:
    health = Health()
    start_ns = time.monotonic_ns()
    watching = gevent.spawn(health.watch, start_ns, start_ns + CANARY_NS)
    while health.machine is None and health.loop_lag.count < 1:
        gevent.sleep(0)
    count = health.loop_lag.count
    stall(time.monotonic_ns())
    health.finish()
    watching.kill()
    assert health.loop_lag.count == count == 1
    assert health.stood_still_us >= (STALL_NS - CANARY_NS) // 1000


class Clock:
    """Both clocks of a process, in seconds, set by hand."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def monotonic(self) -> float:
        return self.wall

    def monotonic_ns(self) -> int:
        return int(self.wall * 1e9)

    def process_time(self) -> float:
        return self.cpu


def test_cpu_is_counted_from_where_it_is_asked_for_to_the_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("loadtest.run.health.time", clock)
    health = Health()
    clock.wall, clock.cpu = 10.0, 9.0
    assert health.cpu_percent() == 90
    health.count_cpu()
    clock.wall, clock.cpu = 12.0, 9.5
    health.finish()
    clock.wall, clock.cpu = 13.0, 10.5
    assert health.cpu_percent() == 25
