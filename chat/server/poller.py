"""Which sockets can be read or written now, and whose peer has hung up. Knows no connections: an item is anything.

Why not `selectors`: it does not tell a hang-up from something to read, and a worker must know which of its members are
dead before it sends to all of them. Where the system has no epoll, `selectors` does, and hang-ups are found by reading.
"""

import select
import selectors
import socket
from typing import Generic, Protocol, TypeVar

READ, WRITE = 0x1, 0x4  # EPOLLIN, EPOLLOUT
HANGUP = 0x2000 | 0x10 | 0x8  # EPOLLRDHUP: no more words from there; EPOLLHUP, EPOLLERR: nothing either way

Item = TypeVar("Item")


class Poller(Protocol[Item]):
    """One thread only. A socket is watched for READ and WRITE as asked, for a dead connection always."""

    def watch(self, sock: socket.socket, events: int, item: Item) -> None: ...

    def change(self, sock: socket.socket, events: int, item: Item) -> None: ...

    def forget(self, sock: socket.socket) -> None:
        """Before it is closed."""

    def poll(self, timeout: float | None) -> list[tuple[Item, int]]:
        """What is ready, after `timeout` seconds at the latest. A hang-up is told again until it is forgotten."""

    def close(self) -> None: ...


class EpollPoller(Generic[Item]):
    __slots__ = ("_epoll", "_items")

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._items: dict[int, Item] = {}

    def watch(self, sock: socket.socket, events: int, item: Item) -> None:
        fd = sock.fileno()
        self._epoll.register(fd, events | _ask(events))
        self._items[fd] = item

    def change(self, sock: socket.socket, events: int, item: Item) -> None:
        self._epoll.modify(sock.fileno(), events | _ask(events))

    def forget(self, sock: socket.socket) -> None:
        fd = sock.fileno()
        del self._items[fd]
        self._epoll.unregister(fd)

    def poll(self, timeout: float | None) -> list[tuple[Item, int]]:
        items = self._items
        return [(items[fd], events) for fd, events in self._epoll.poll(timeout, len(items) or -1)]

    def close(self) -> None:
        self._epoll.close()


def _ask(events: int) -> int:
    """Who is not read is not asked whether it goes on: its words are still to be heard."""
    return select.EPOLLRDHUP if events & READ else 0


class SelectorsPoller(Generic[Item]):
    """Never tells a hang-up, and nothing at all of a socket that is watched for no event."""

    __slots__ = ("_selector",)

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, sock: socket.socket, events: int, item: Item) -> None:
        if events:
            self._selector.register(sock, _translated(events), item)

    def change(self, sock: socket.socket, events: int, item: Item) -> None:
        self.forget(sock)
        self.watch(sock, events, item)

    def forget(self, sock: socket.socket) -> None:
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
