"""Transports: what carries a wire's bytes, behind the calls of a non-blocking socket."""

import socket
from collections.abc import Callable
from typing import Protocol


class Transport(Protocol):
    """A connected, non-blocking byte stream. "Not now" is BlockingIOError in both directions."""

    def recv(self, size: int, /) -> bytes: ...

    def send(self, data: bytes | memoryview, /) -> int: ...

    def shutdown(self, how: int, /) -> None: ...

    def close(self) -> None: ...

    def fileno(self) -> int: ...


def tcp(sock: socket.socket) -> Transport:
    """A socket is its own transport, so nothing stands between the loop and the system call."""
    return sock


TRANSPORTS: dict[str, Callable[[socket.socket], Transport]] = {"tcp": tcp}
