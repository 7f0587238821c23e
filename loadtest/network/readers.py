"""Read all connections of a process: one epoll for all of them, one turn of the hub for many. Knows no messages.

libev calls back once for each socket that is ready, and asks for each again whether it still is: a good tenth of what a
delivery costs. Here the hub's loop watches one file, an epoll of the connections, and a turn reads those that it names.
It names a connection once for what has arrived (edge-triggered). So it is asked again where there may be more: a read
was filled, or the other end has closed behind its last bytes.

Where there is no epoll (not Linux), each connection has a watcher of libev's.
"""

import select
import time
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import gevent
from gevent import monkey

# Bytes in one read. Python allocates them all before it reads, and glibc maps 128 KiB or more anew each time: with
# 256 KiB a read of one message cost 18 µs, with 64 KiB it costs 4.6.
READ_BYTES = 65_536
_READ = 1  # libev's event bit
_TURN = 256  # connections in one turn, about a millisecond: who has to send at a given moment waits no longer


class Reader(Protocol):
    """What is needed of a connection."""

    fd: int
    read: Callable[[int, int], bytes]  # may raise OSError

    def arrived(self, data: bytes, now_ns: int) -> None:
        """Bytes, read at this moment of the monotonic clock; none at the end of the stream."""

    def broken(self, error: OSError) -> None: ...


class Readers:
    """One hub's."""

    def __init__(self, loop: Any, epoll: Callable[[], Any]) -> None:
        self._readers: dict[int, Reader] = {}
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

    def _turn(self) -> None:
        readers, clock, size, only_in = self._readers, time.monotonic_ns, READ_BYTES, select.EPOLLIN
        for fd, events in self._epoll.poll(0, _TURN):
            reader = readers.get(fd)
            if reader is None:
                continue  # closed by one before it in this turn
            try:
                data = reader.read(fd, size)
            except BlockingIOError:
                continue
            except OSError as error:
                reader.broken(error)
                continue
            reader.arrived(data, clock())
            if (events != only_in or len(data) == size) and readers.get(fd) is reader:
                self._epoll.modify(fd, self._events)


class Watchers:
    """The same, where there is no epoll."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._watchers: dict[int, Any] = {}

    def add(self, reader: Reader) -> None:
        watcher = self._watchers[reader.fd] = self._loop.io(reader.fd, _READ)
        watcher.start(take, reader)

    def remove(self, reader: Reader) -> None:
        if watcher := self._watchers.pop(reader.fd, None):
            watcher.stop()
            watcher.close()


def take(reader: Reader) -> None:
    """One read of what has arrived, if anything has."""
    try:
        data = reader.read(reader.fd, READ_BYTES)
    except BlockingIOError:
        return
    except OSError as error:
        reader.broken(error)
        return
    reader.arrived(data, time.monotonic_ns())


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
