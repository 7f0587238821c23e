"""Every message is sent exactly once, in order, with the time that the schedule meant, however late the loop is."""

import time

import gevent

from loadtest.core.histogram import Histogram
from loadtest.core.schedules import Schedule
from loadtest.run.health import Health
from loadtest.run.sender import Alarm, Say, Sender

MS = 1_000_000  # ns


def test_a_schedule_that_is_past_is_sent_in_full_with_its_intended_times() -> None:
    said: list[tuple[str, int, int]] = []

    def sender(name: str, first_ns: int, interval_ns: int, count: int) -> tuple[Schedule, Say]:
        said_by = Schedule(1_000 + first_ns, interval_ns, count)
        return said_by, lambda number, due_ns: said.append((name, number, due_ns))

    lateness = Histogram()
    Sender([sender("a", 0, 10, 30), sender("b", 5, 20, 3), sender("silent", 0, 1, 0)], lateness).run()
    due = [("a", k, 1_000 + 10 * k) for k in range(30)] + [("b", k, 1_005 + 20 * k) for k in range(3)]
    assert said == sorted(due, key=lambda each: each[2])
    assert lateness.count == 33


def test_nothing_is_sent_before_its_time_and_readers_get_their_turn() -> None:
    start_ns = time.monotonic_ns() + 5 * MS
    early: list[int] = []
    turns: list[int] = []

    def say(number: int, due_ns: int) -> None:
        if time.monotonic_ns() < due_ns:
            early.append(number)

    def reader() -> None:
        while not pacing.ready():
            turns.append(1)
            gevent.sleep(0)

    pacing = gevent.spawn(Sender([(Schedule(start_ns, 100_000, 100), say)], Histogram()).run)
    gevent.spawn(reader).join()
    pacing.get()
    assert early == []
    assert len(turns) > 1


def test_an_alarm_never_wakes_early_and_takes_the_past_as_now() -> None:
    alarm = Alarm()
    alarm.wait_until(0)
    due_ns = time.monotonic_ns() + 3 * MS
    alarm.wait_until(due_ns)
    assert time.monotonic_ns() >= due_ns
    alarm.close()
    alarm.close()


def test_the_canary_takes_a_sample_for_every_10_ms_however_long_the_loop_stalls() -> None:
    health = Health()
    start_ns = time.monotonic_ns()
    watching = gevent.spawn(health.watch, start_ns, start_ns + 100 * MS)
    gevent.sleep(0)
    while time.monotonic_ns() < start_ns + 60 * MS:
        pass  # the stall
    while health.machine is None:  # noted at the end
        gevent.sleep(0)
    watching.kill()
    assert health.loop_lag.count == 10
    assert health.cpu_percent() > 0
