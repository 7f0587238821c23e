"""Read all connections of a process by one epoll, and note when the kernel had what is read. Knows no messages.

libev calls back once for each socket that is ready, and asks for each again whether it still is: a good tenth of what a
delivery costs. Here the hub's loop watches one file, an epoll of the connections, and a turn reads those that it names.
It names a connection once for what has arrived (edge-triggered). So it is asked again where there may be more: a read
was filled, or the other end has closed behind its last bytes. Where there is no epoll (not Linux), each connection has
a watcher of libev's.

A latency ends when the kernel had the bytes, not when Python came round to reading. Linux notes when they arrive
(SO_TIMESTAMPNS, socket(7)), and `recvmsg` gives the moment of the *last* byte that it read, by the wall clock. `Wall`
turns that into the monotonic clock's time. Where several messages were waiting, the earlier ones had come before; how
long before is bounded by `Pulse`, which knows when the loop last found nothing to read.
"""

import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import gevent
from gevent import monkey

from loadtest.core.receiver import Moment

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


# Bytes in one read. Python allocates them all before it reads, and glibc maps 128 KiB or more each time: with 256 KiB
# a read of one message cost 18 µs, with 64 KiB it costs 4.6.
READ_BYTES = 65_536
_READ = 1  # libev's event bit
_LAST = -2  # libev's priority: after all else that is done before a poll
_TURN = 256  # connections in one turn, about a millisecond: who has to send at a given moment waits no longer


class Reader(Protocol):
    """What is needed of a connection."""

    fd: int
    receive: Receive  # may raise OSError

    def arrived(self, data: bytes, at: Moment) -> None:
        """Bytes, and when they came and were read; none at the end of the stream."""

    def broken(self, error: OSError) -> None: ...


class Readers:
    """One hub's."""

    def __init__(self, loop: Any, epoll: Callable[[], Any]) -> None:
        self._readers: dict[int, Reader] = {}
        self._wall, self._pulse = Wall(), Pulse()
        self._beat = loop.prepare(priority=_LAST)
        self._beat.start(self._pulse.before)
        self._epoll = epoll()
        self._events = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
        self._watcher = loop.io(self._epoll.fileno(), _READ)
        self._watcher.start(self._turn)

    def add(self, reader: Reader) -> None:
        self._readers[reader.fd] = reader
        self._epoll.register(reader.fd, self._events)

    def remove(self, reader: Reader) -> None:
        """Before its file is closed. Harmless when it is not there."""
        if self._readers.pop(reader.fd, None):
            self._epoll.unregister(reader.fd)

    def take(self, reader: Reader) -> None:
        """One read of what has arrived, if anything has, without waiting for the loop's turn."""
        self._wall.look()
        _take(reader, self._wall, self._pulse.earliest(time.monotonic_ns()))

    def _turn(self) -> None:
        readers, clock, size, only_in = self._readers, time.monotonic_ns, READ_BYTES, select.EPOLLIN
        polled_ns = clock()
        earliest_ns = self._pulse.earliest(polled_ns)
        ready = self._epoll.poll(0, _TURN)
        wall, unpack = self._wall, TIMESPEC.unpack
        if polled_ns >= wall.look_again_ns:
            wall.look()
        ahead_ns, trusted_from_ns = wall.ahead_ns, wall.trusted_from_ns
        for fd, events in ready:
            reader = readers.get(fd)
            if reader is None:
                continue  # closed by one before it in this turn
            try:
                data, control, _, _ = reader.receive(size, CONTROL_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                reader.broken(error)
                continue
            now_ns = clock()
            if control and now_ns >= trusted_from_ns:  # as `Wall.arrival`: a call costs as much as the stamp
                seconds, ns = unpack(control[0][2])
                came_ns = seconds * 1_000_000_000 + ns - ahead_ns
                reader.arrived(data, (came_ns if came_ns < now_ns else now_ns, now_ns, earliest_ns))
            else:
                reader.arrived(data, (now_ns, now_ns, earliest_ns))
            if (events != only_in or len(data) == size) and readers.get(fd) is reader:
                self._epoll.modify(fd, self._events)
        if len(ready) < _TURN:
            self._pulse.emptied_ns = polled_ns


class Watchers:
    """The same, where there is no epoll."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._wall, self._pulse = Wall(), Pulse()
        self._watchers: dict[int, Any] = {}

    def add(self, reader: Reader) -> None:
        watcher = self._watchers[reader.fd] = self._loop.io(reader.fd, _READ)
        watcher.start(self.take, reader)

    def remove(self, reader: Reader) -> None:
        if watcher := self._watchers.pop(reader.fd, None):
            watcher.stop()
            watcher.close()

    def take(self, reader: Reader) -> None:
        """As `Readers.take`. How long the bytes have waited is not known: since the last read of any connection."""
        self._wall.look()
        _take(reader, self._wall, self._pulse.earliest(time.monotonic_ns()))
        self._pulse.before()


def _take(reader: Reader, wall: Wall, earliest_ns: int) -> None:
    try:
        data, control, _, _ = reader.receive(READ_BYTES, CONTROL_BYTES)
    except BlockingIOError:
        return
    except OSError as error:
        reader.broken(error)
        return
    now_ns = time.monotonic_ns()
    reader.arrived(data, (wall.arrival(control, now_ns), now_ns, min(now_ns, earliest_ns)))


_of_hub: "WeakKeyDictionary[Any, Readers | Watchers]" = WeakKeyDictionary()


def readers_here() -> Readers | Watchers:
    """This thread's hub's."""
    hub = gevent.get_hub()
    if hub not in _of_hub:
        epoll = _epoll()
        _of_hub[hub] = Readers(hub.loop, epoll) if epoll else Watchers(hub.loop)
    return _of_hub[hub]


def _epoll() -> Callable[[], Any] | None:
    """gevent's patching takes it out of `select`."""
    try:
        epoll: Callable[[], Any] = monkey.get_original("select", "epoll")
    except AttributeError:
        return None
    return epoll
