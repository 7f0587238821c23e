"""Check the generator itself: a load test that cannot keep up measures itself. Knows nothing of messages.

*Send lateness* is how long after its intended time a message leaves. *Loop lag* is how late a canary wakes that asks
for every 10 ms: about as long as a delivery may wait unread. *CPU* is this process's share of a core.

Lag counts while the window lasts. The canary goes on until the accounts are closed: a process that stands still then
reads late what is under way, and is found out by the longest stall.
"""

import time

from loadtest.accounting.histogram import Histogram
from loadtest.accounting.slices import Slices
from loadtest.watch import machine
from loadtest.worker.alarm import Alarm

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
        self._machine_began = machine.read()
        self.machine: machine.Note | None = None  # from `count_cpu` to `finish`
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
        self._machine_began = machine.read()

    def finish(self) -> None:
        """End here; a canary that should have woken counts as late as it is by now. Harmless when at its end."""
        self._look()
        if self._cpu_percent is None:
            self._end_ns = min(self._end_ns, self._due_ns)
            self._cpu_percent = self.cpu_percent()
            self.machine = machine.between(self._machine_began, machine.read())

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
