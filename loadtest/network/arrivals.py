"""How long what the kernel has received waited to be read: our own delay, which the server would be blamed for.

Linux notes when the bytes of a TCP connection arrive (SO_TIMESTAMPNS, socket(7)) and `recvmsg` gives the moment of the
*last* byte that it read. Where several messages were waiting, the earlier ones had waited longer than is counted here.
"""

import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from loadtest.accounting.histogram import Histogram

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the control message has the same number
_TIMESPEC = struct.Struct("@ll")
_CONTROL_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_EVERY = 16  # connections for one that is watched: it costs 1 µs a read, and they all wait for the same loop
_LEAST = 4
# The arrival is on the wall clock. If that was set between arrival and reading, the difference means nothing. It shows
# as a change against the monotonic clock that is more than slewing makes (500 ppm, adjtimex(2)) and a look takes.
_SLEW_PPM = 1_000
_LOOK_NS = 1_000_000

T = TypeVar("T")


def sample(connections: Sequence[T]) -> Sequence[T]:
    """Those to watch: every 16th, but 4 where there are so many."""
    return connections[:: max(1, min(_EVERY, len(connections) // _LEAST))]


class Arrivals:
    """What the watched connections of one process have waited."""

    def __init__(self) -> None:
        self.waits = Histogram()
        self._looked_ns = time.monotonic_ns()
        self._ahead_ns = time.time_ns() - self._looked_ns

    def reader(self, sock: Any) -> Callable[[int, int], bytes] | None:
        """What to read this socket by, in place of `os.read`; None where the kernel notes no arrivals."""
        if sys.platform != "linux":
            return None
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        except OSError:
            return None
        sock.settimeout(0)  # or gevent's own `recvmsg` would wait, which the hub must not

        def read(_: int, size: int) -> bytes:
            data: bytes
            data, control, _, _ = sock.recvmsg(size, _CONTROL_BYTES)
            for level, kind, words in control:
                if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                    seconds, ns = _TIMESPEC.unpack(words)
                    self.note(seconds * 1_000_000_000 + ns, time.time_ns(), time.monotonic_ns())
            return data

        return read

    def note(self, arrived_ns: int, wall_ns: int, monotonic_ns: int) -> None:
        """Bytes of then are read now; both clocks' now, read one right after the other."""
        ahead_ns = wall_ns - monotonic_ns
        allowed_ns = _LOOK_NS + (monotonic_ns - self._looked_ns) * _SLEW_PPM // 1_000_000
        was_set = abs(ahead_ns - self._ahead_ns) > allowed_ns
        self._ahead_ns, self._looked_ns = ahead_ns, monotonic_ns
        if not was_set:
            self.waits.add((wall_ns - arrived_ns) // 1000)
