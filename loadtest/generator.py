"""Check the generator itself: a load test that cannot keep up measures itself. Knows nothing of messages.

Three figures. *Send lateness* is how long after its intended time a message leaves. *Loop lag* is how late a canary
wakes that asks for every 10 ms: about as long as a delivery may wait unread. *CPU* is this process's share of a core.
"""

import time

from loadtest.alarm import Alarm
from loadtest.histogram import Histogram

_CANARY_NS = 10_000_000  # 10 ms: 100 samples a second, at under 1 % of a core


class Health:
    """One process's figures over one window."""

    def __init__(self) -> None:
        self.send_lateness = Histogram()
        self.loop_lag = Histogram()
        self._began = (time.monotonic(), time.process_time())
        self._cpu_percent: float | None = None

    def watch(self, start_ns: int, end_ns: int) -> None:
        """Run the canary from start to end. Meant for a greenlet of its own."""
        alarm = Alarm()
        try:
            alarm.wait_until(start_ns)
            self._began = (time.monotonic(), time.process_time())
            due_ns = start_ns
            while due_ns < end_ns:
                alarm.wait_until(due_ns)
                now_ns = time.monotonic_ns()
                while due_ns <= now_ns and due_ns < end_ns:  # one long stall is as many late samples as it swallowed
                    self.loop_lag.add((now_ns - due_ns) // 1000)
                    due_ns += _CANARY_NS
            self._cpu_percent = self.cpu_percent()
        finally:
            alarm.close()

    def cpu_percent(self) -> float:
        """Of one core, over the window or what there was of it."""
        if self._cpu_percent is not None:
            return self._cpu_percent
        wall, cpu = time.monotonic() - self._began[0], time.process_time() - self._began[1]
        return 100 * cpu / wall if wall > 0 else 0.0
