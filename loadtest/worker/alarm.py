"""Wake a greenlet at a given nanosecond. Knows nothing of what it is for.

libev's own timers round up to a whole millisecond, which is more than a small room's fan-out takes: a message sent on
them would be charged for the timer's error. A Linux timerfd is good to some 50 µs. Elsewhere it falls back to libev.
"""

import ctypes
import os
import time
from typing import Any

import gevent

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
