"""Check the generator itself: a load test that cannot keep up measures itself. Knows nothing of messages.

*Send lateness* is how long after its intended time a message leaves. *Loop lag* is how late a canary wakes that asks
for every 10 ms: about as long as a delivery may wait unread. *Receive backlog* is how long deliveries do wait, on a
sample of the connections. *CPU* is this process's share of a core.
"""

import time

from loadtest.alarm import Alarm
from loadtest.arrivals import Arrivals
from loadtest.histogram import Histogram

_CANARY_NS = 10_000_000  # 10 ms: 100 samples a second, at under 1 % of a core


class Health:
    """One process's figures over one stretch of time: a window, or what a scenario puts between windows."""

    def __init__(self) -> None:
        self.send_lateness = Histogram()
        self.loop_lag = Histogram()
        self.arrivals = Arrivals()
        self._began = (time.monotonic(), time.process_time())
        self._cpu_percent: float | None = None
        self._due_ns = self._end_ns = 0

    def watch(self, start_ns: int, end_ns: int) -> None:
        """Run the canary from start to end, or until `finish`. Meant for a greenlet of its own."""
        self._due_ns, self._end_ns = start_ns, end_ns
        alarm = Alarm()
        try:
            alarm.wait_until(start_ns)
            self.count_cpu()
            while self._due_ns < self._end_ns:
                alarm.wait_until(self._due_ns)
                self._look()
            self.finish()
        finally:
            alarm.close()

    def count_cpu(self) -> None:
        """From now on."""
        self._began = (time.monotonic(), time.process_time())

    def finish(self) -> None:
        """End here; a canary that should have woken counts as late as it is by now. Harmless when at its end."""
        self._look()
        self._end_ns = self._due_ns
        self._cpu_percent = self.cpu_percent()

    def cpu_percent(self) -> float:
        """Of one core, over the window or what there was of it."""
        if self._cpu_percent is not None:
            return self._cpu_percent
        wall, cpu = time.monotonic() - self._began[0], time.process_time() - self._began[1]
        return 100 * cpu / wall if wall > 0 else 0.0

    def _look(self) -> None:
        now_ns = time.monotonic_ns()
        while self._due_ns <= now_ns and self._due_ns < self._end_ns:  # a long stall is as many late samples as it took
            self.loop_lag.add((now_ns - self._due_ns) // 1000)
            self._due_ns += _CANARY_NS
