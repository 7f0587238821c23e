"""Send messages on an open-loop schedule: every intended time is fixed before the first message leaves.

A server that answers late, or a generator that runs late, moves no later message: the schedule does not wait. Knows
nothing of sockets.

libev's own timers round up to a whole millisecond, which is more than a small room's fan-out takes: a message sent on
them would be charged for the timer's error. A Linux timerfd is good to some 50 µs. Elsewhere an `Alarm` falls back to
libev.
"""

import ctypes
import heapq
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import gevent

from loadtest.core.histogram import Histogram
from loadtest.core.schedules import Schedule

_CLOCK_MONOTONIC = 1
_TFD_TIMER_ABSTIME = 1
_TFD_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
_HIGHEST = 2  # libev's priority: of several events that are ready together, this one comes first


class _Timespec(ctypes.Structure):
    _fields_ = (("sec", ctypes.c_long), ("nsec", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


_libc = ctypes.CDLL(None, use_errno=True)


class Alarm:
    """One sleeper's alarm. `first` has it woken before other sockets and timers that are ready at the same moment."""

    def __init__(self, first: bool = False) -> None:
        self._fd = -1
        self._watcher: Any = None
        if hasattr(_libc, "timerfd_create"):
            self._fd = _libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_FLAGS)
        if self._fd >= 0:
            self._watcher = gevent.get_hub().loop.io(self._fd, 1, priority=_HIGHEST if first else 0)

    def wait_until(self, due_ns: int) -> None:
        """Sleep until the monotonic clock shows `due_ns`; at once when it is past."""
        if due_ns <= time.monotonic_ns():
            return
        if self._watcher is None:
            gevent.sleep((due_ns - time.monotonic_ns()) / 1e9)
            return
        setting = _Setting(_Timespec(0, 0), _Timespec(*divmod(due_ns, 1_000_000_000)))
        _libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(setting), None)
        gevent.get_hub().wait(self._watcher)
        os.read(self._fd, 8)

    def close(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
            os.close(self._fd)


_BURST = 16  # overdue messages sent before the readers get a turn


Say = Callable[[int, int], None]  # number, intended time


class Sender:
    """All senders of one process, in one greenlet."""

    def __init__(self, messages: Sequence[tuple[Schedule, Say]], lateness: Histogram) -> None:
        """Of each sender its schedule, and what says one message: it must not wait."""
        self._messages = [(schedule, say) for schedule, say in messages if schedule.count]
        self._lateness = lateness

    def run(self) -> None:
        """Send everything; returns after the last message."""
        queue = [(schedule.at(0), i, 0) for i, (schedule, _) in enumerate(self._messages)]
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
                schedule, say = self._messages[i]
                say(number, due_ns)
                self._lateness.add((now_ns - due_ns) // 1000)
                if number + 1 < schedule.count:
                    heapq.heapreplace(queue, (schedule.at(number + 1), i, number + 1))
                else:
                    heapq.heappop(queue)
        finally:
            alarm.close()
