"""Send messages on an open-loop schedule: every intended time is fixed before the first message leaves.

A server that answers late, or a generator that runs late, moves no later message: the schedule does not wait. Knows
nothing of sockets; a voice's `say` must not wait either.
"""

import heapq
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gevent

from loadtest.accounting.histogram import Histogram
from loadtest.worker.alarm import Alarm

_BURST = 16  # overdue messages sent before the readers get a turn


@dataclass(frozen=True, slots=True)
class Voice:
    """A sender's schedule: message k is due `first_ns + k * interval_ns` after the start, for k below `count`."""

    first_ns: int
    interval_ns: int
    count: int
    say: Callable[[int, int], None]  # number, intended time
    times_ns: tuple[int, ...] = ()  # after the start, of each message, where they are not even

    def after_ns(self, number: int) -> int:
        """When a message is due, after the start."""
        return self.times_ns[number] if self.times_ns else self.first_ns + number * self.interval_ns


class Pacer:
    """All voices of one process, in one greenlet."""

    def __init__(self, voices: Sequence[Voice], start_ns: int, lateness: Histogram) -> None:
        self._voices = voices
        self._start_ns = start_ns
        self._lateness = lateness

    def run(self) -> None:
        """Send everything; returns after the last message."""
        queue = [(self._start_ns + voice.after_ns(0), i, 0) for i, voice in enumerate(self._voices) if voice.count]
        heapq.heapify(queue)
        alarm = Alarm(first=True)
        burst = 0
        try:
            while queue:
                due_ns, i, number = queue[0]
                now_ns = time.monotonic_ns()
                if now_ns < due_ns:
                    alarm.wait_until(due_ns)
                    burst = 0
                    continue
                if burst == _BURST:
                    gevent.sleep(0)
                    burst = 0
                    continue
                burst += 1
                voice = self._voices[i]
                voice.say(number, due_ns)
                self._lateness.add((now_ns - due_ns) // 1000)
                if number + 1 < voice.count:
                    heapq.heapreplace(queue, (self._start_ns + voice.after_ns(number + 1), i, number + 1))
                else:
                    heapq.heappop(queue)
        finally:
            alarm.close()
