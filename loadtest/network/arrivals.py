"""When the kernel received what a read gives: a latency ends there, not when Python came round to reading.

Linux notes when the bytes of a TCP connection arrive (SO_TIMESTAMPNS, socket(7)) and `recvmsg` gives the moment of the
*last* byte that it read, by the wall clock. `Wall` turns that into the monotonic clock's time. Where several messages
were waiting, the earlier ones had come before; how long before is bounded by `Pulse`, which knows when the loop last
found nothing to read.
"""

import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the control message has the same number
TIMESPEC = struct.Struct("@ll")
CONTROL_BYTES = socket.CMSG_SPACE(TIMESPEC.size)
# If the wall clock was set between arrival and reading, the difference means nothing. It shows as a change against the
# monotonic clock that is more than slewing makes (500 ppm, adjtimex(2)) and a look takes.
_SLEW_PPM = 1_000
_LOOK_NS = 1_000_000
_LOOK_EVERY_NS = 1_000_000
_BETWEEN_NS = 100_000  # two readings of a clock take some 0.1 µs
_FIRST_LOOKS = 5  # an interruption makes the difference smaller
_DISTRUST_NS = 1_000_000_000  # after the wall clock was set: what had arrived before it has been read by then
_BLOCKED_NS = 300_000  # a poll that finds something ready at once takes some 10 µs
_LONGEST_SLEEP_NS = 11_000_000  # while a window is open the generator's canary wakes the loop every 10 ms

Receive = Callable[[int, int], tuple[bytes, list[Any], int, Any]]  # as socket.recvmsg


def ask_for_stamps(sock: Any) -> bool:
    """Have the kernel note arrivals; False where it does not. It begins to a moment later."""
    if sys.platform != "linux":
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


class Wall:
    """The wall clock against the monotonic one. `look` once in a turn, which costs something each millisecond only."""

    def __init__(self) -> None:
        self.ahead_ns = max(time.time_ns() - time.monotonic_ns() for _ in range(_FIRST_LOOKS))
        self._looked_ns = time.monotonic_ns()
        self.trusted_from_ns = 0
        self.look_again_ns = 0  # a turn of the loop may spare itself the call until then

    def look(self) -> None:
        """One that something else came between tells nothing, and is made again the next time."""
        before_ns = time.monotonic_ns()
        if before_ns < self.look_again_ns:
            return
        wall_ns, now_ns = time.time_ns(), time.monotonic_ns()
        if now_ns - before_ns > _BETWEEN_NS:
            return
        self.look_again_ns = now_ns + _LOOK_EVERY_NS
        ahead_ns = wall_ns - now_ns
        allowed_ns = _LOOK_NS + (now_ns - self._looked_ns) * _SLEW_PPM // 1_000_000
        if abs(ahead_ns - self.ahead_ns) > allowed_ns:
            self.trusted_from_ns = now_ns + _DISTRUST_NS
        self.ahead_ns, self._looked_ns = ahead_ns, now_ns

    def arrival(self, control: list[Any], now_ns: int) -> int:
        """The monotonic time of the stamp in a read's control messages; `now_ns` where there is none to trust."""
        if not control or now_ns < self.trusted_from_ns:
            return now_ns
        seconds, ns = TIMESPEC.unpack(control[0][2])
        return min(now_ns, seconds * 1_000_000_000 + ns - self.ahead_ns)  # type: ignore[no-any-return]


class Pulse:
    """When the loop polled, and whether it had to wait. `before` is called before each poll."""

    def __init__(self) -> None:
        self.before_ns = self._previous_ns = time.monotonic_ns()
        self.emptied_ns = self.before_ns  # all that had come by then is read; set by the reader

    def before(self) -> None:
        self._previous_ns, self.before_ns = self.before_ns, time.monotonic_ns()

    def earliest(self, now_ns: int) -> int:
        """No byte that is read in this turn of the loop came before that."""
        slept_ns = now_ns - self.before_ns
        if slept_ns > _BLOCKED_NS:  # what came woke the loop; unless it was kept from running
            return min(now_ns, self.before_ns + _LONGEST_SLEEP_NS)
        return max(self._previous_ns, self.emptied_ns)
