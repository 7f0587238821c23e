"""Which sockets can be read or written now, and which peers have hung up. Knows no connections: an item is anything.

Why not `selectors`: it does not tell a hang-up from input, and the loop must know which connections are dead before it
sends to all of them. Where the system has no epoll, `selectors` is used, and hang-ups are found by reading.
"""

import select
import selectors
from typing import Generic, Protocol, TypeVar

READ, WRITE = 0x1, 0x4  # EPOLLIN, EPOLLOUT
HANGUP = 0x2000 | 0x10 | 0x8  # EPOLLRDHUP: the peer has ended its output; EPOLLHUP, EPOLLERR: the connection has ended

Item = TypeVar("Item")


class Pollable(Protocol):
    def fileno(self) -> int: ...


class Poller(Protocol[Item]):
    """One thread only. A socket is watched for READ and WRITE as requested, and always for an error."""

    def watch(self, sock: Pollable, events: int, item: Item) -> None: ...

    def change(self, sock: Pollable, events: int, item: Item) -> None: ...

    def forget(self, sock: Pollable) -> None:
        """Stop watching the socket. Call it before closing."""

    def poll(self, timeout: float | None) -> list[tuple[Item, int]]:
        """Wait up to `timeout` seconds; the items that are ready. A hang-up is reported again until it is forgotten."""

    def close(self) -> None: ...


class EpollPoller(Generic[Item]):
    __slots__ = ("_epoll", "_items")

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._items: dict[int, Item] = {}

    def watch(self, sock: Pollable, events: int, item: Item) -> None:
        fd = sock.fileno()
        self._epoll.register(fd, events | _ask(events))
        self._items[fd] = item

    def change(self, sock: Pollable, events: int, item: Item) -> None:
        self._epoll.modify(sock.fileno(), events | _ask(events))

    def forget(self, sock: Pollable) -> None:
        fd = sock.fileno()
        del self._items[fd]
        self._epoll.unregister(fd)

    def poll(self, timeout: float | None) -> list[tuple[Item, int]]:
        items = self._items
        return [(items[fd], events) for fd, events in self._epoll.poll(timeout, len(items) or -1)]

    def close(self) -> None:
        self._epoll.close()


def _ask(events: int) -> int:
    """A connection that is not read is not watched for the end of input either: its input comes first."""
    return select.EPOLLRDHUP if events & READ else 0


class SelectorsPoller(Generic[Item]):
    """Never reports a hang-up, and nothing at all for a socket that is watched for no event."""

    __slots__ = ("_selector",)

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, sock: Pollable, events: int, item: Item) -> None:
        if events:
            self._selector.register(sock, _translated(events), item)

    def change(self, sock: Pollable, events: int, item: Item) -> None:
        self.forget(sock)
        self.watch(sock, events, item)

    def forget(self, sock: Pollable) -> None:
        if sock in self._selector.get_map():
            self._selector.unregister(sock)

    def poll(self, timeout: float | None) -> list[tuple[Item, int]]:
        ready = self._selector.select(timeout)
        return [
            (
                key.data,
                (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0),
            )
            for key, events in ready
        ]

    def close(self) -> None:
        self._selector.close()


def _translated(events: int) -> int:
    return (selectors.EVENT_READ if events & READ else 0) | (selectors.EVENT_WRITE if events & WRITE else 0)
