"""Check the generator itself: a load test that cannot keep up measures itself. Knows nothing of messages.

*Send lateness* is how long after its intended time a message leaves. *Loop lag* is how late a canary wakes that asks
for every 10 ms: about as long as a delivery may wait unread. *CPU* is this process's share of a core.

Lag counts while the window lasts. The canary goes on until the accounts are closed: a process that stands still then
reads late what is under way, and is found out by the longest stall.

Python's search for garbage stops everything for as long as it looks at all objects. Once all users are in, what is
there stays: `settle` takes it out of the search. Reading makes many small values that live for milliseconds and refer
to nothing, so a search after each 700 of them, as is usual, finds nothing either.
"""

import gc
import time
from typing import Any

from loadtest.core.histogram import Histogram
from loadtest.core.slices import Slices
from loadtest.core.statement import Note
from loadtest.run.machine import note_between, read_ticks
from loadtest.run.sender import Alarm

_CANARY_NS = 10_000_000  # 10 ms: 100 samples a second, at under 1 % of a core


class Health:
    """One process's figures over one stretch of time: a window, or what a scenario puts between windows."""

    def __init__(self, lags: Slices | None = None) -> None:
        """`lags` takes the loop lag over the window's time as well."""
        self.lags = lags
        self.send_lateness = Histogram()
        self.loop_lag = Histogram()
        self.stood_still_us = 0  # the longest time without the loop, after the window too
        self._began = (time.monotonic(), time.process_time())
        self._cpu_percent: float | None = None
        self._machine_began = read_ticks()
        self.machine: Note | None = None  # from `count_cpu` to `finish`
        self._due_ns = self._end_ns = 0

    def watch(self, start_ns: int, end_ns: int) -> None:
        """Run the canary from start to end, or until `finish`, and on until killed. For a greenlet of its own."""
        self._due_ns, self._end_ns = start_ns, end_ns
        alarm = Alarm()
        try:
            alarm.wait_until(start_ns)
            self.count_cpu()
            while self._due_ns < self._end_ns:
                alarm.wait_until(self._due_ns)
                self._look()
            self.finish()
            while True:
                alarm.wait_until(self._due_ns)
                self._look()
        finally:
            alarm.close()

    def count_cpu(self) -> None:
        """From now on, and the machine too."""
        self._began = (time.monotonic(), time.process_time())
        self._machine_began = read_ticks()

    def finish(self) -> None:
        """End here; a canary that should have woken counts as late as it is by now. Harmless when at its end."""
        self._look()
        if self._cpu_percent is None:
            self._end_ns = min(self._end_ns, self._due_ns)
            self._cpu_percent = self.cpu_percent()
            self.machine = note_between(self._machine_began, read_ticks())

    def cpu_percent(self) -> float:
        """Of one core, over the window or what there was of it."""
        if self._cpu_percent is not None:
            return self._cpu_percent
        wall, cpu = time.monotonic() - self._began[0], time.process_time() - self._began[1]
        return 100 * cpu / wall if wall > 0 else 0.0

    def _look(self) -> None:
        now_ns = time.monotonic_ns()
        if not self._due_ns:
            return  # it has not begun
        self.stood_still_us = max(self.stood_still_us, (now_ns - self._due_ns) // 1000)
        while self._due_ns <= now_ns:  # a long stall is as many late samples as it took
            if self._due_ns < self._end_ns:
                lag_us = (now_ns - self._due_ns) // 1000
                self.loop_lag.add(lag_us)
                if self.lags is not None:
                    self.lags.at(self._due_ns).add(lag_us)
            self._due_ns += _CANARY_NS


_YOUNG = 50_000  # new objects before the youngest are searched: some hundred times a second at a million deliveries


def settle() -> None:
    """Nothing that exists now is looked at again."""
    gc.set_threshold(_YOUNG, 10, 10)
    gc.collect()
    gc.freeze()


class Collections:
    """Count them, and how long each took, from `watch` to `stop`."""

    def __init__(self) -> None:
        self.times = Histogram()
        self._began_ns = 0

    def watch(self) -> None:
        gc.callbacks.append(self._note)

    def stop(self) -> None:
        """Harmless when stopped."""
        if self._note in gc.callbacks:
            gc.callbacks.remove(self._note)

    def _note(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began_ns = time.monotonic_ns()
        elif self._began_ns:
            self.times.add((time.monotonic_ns() - self._began_ns) // 1000)
