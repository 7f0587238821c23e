"""Transports: what carries a wire's bytes, behind the calls of a non-blocking socket."""

from typing import NamedTuple, Protocol


class Transport(Protocol):
    """A connected, non-blocking byte stream. "Not now" is BlockingIOError in both directions.

    A plain socket is its own transport, so nothing stands between the loop and the system call.
    """

    def recv(self, size: int, /) -> bytes: ...

    def send(self, data: bytes | memoryview, /) -> int:
        """Returns the number of bytes taken. The next call begins with the first byte that was not."""

    def shutdown(self, how: int, /) -> None: ...

    def close(self) -> None: ...

    def fileno(self) -> int: ...


class Arrival(NamedTuple):
    """Facts about a connection that the loop takes over, beside its address."""

    secure: bool = False  # by TLS
    fingerprint: str = ""  # of the client's certificate: SHA-256 in lower-case hexadecimal; empty for none
    received: bytes = b""  # what was read behind the handshake


PLAIN = Arrival()
