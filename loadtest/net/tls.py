"""What may lie between a socket and a wire, and the first such layer: TLS. Bytes in, bytes out.

A `Layer` has no socket of its own, so that the time at which bytes arrived stays that of the kernel.
"""

import ssl
from functools import lru_cache
from typing import Any, Protocol

from chat.errors import SetupError

READ_BYTES = 65_536
CLOSED = "closed by the server"


class Layer(Protocol):
    """One connection's. `open` waits, the rest does not."""

    last_words: str  # how a connection ended that the server has closed

    def open(self, sock: Any) -> bytes:
        """Agree on it with the server, on a socket that has just connected. Gives what came behind that.

        Raises OSError.
        """

    def received(self, data: bytes) -> bytes:
        """What was read, as the wire has it; empty where more has to come. Raises OSError."""

    def sealed(self, data: bytes) -> bytes:
        """What is to be sent for these bytes."""

    def take_own(self) -> bytes:
        """What the layer itself has to send after a `received`: mostly nothing."""


@lru_cache(maxsize=8)
def context_of(ca_file: str) -> ssl.SSLContext:
    """Checks the server's certificate against these authorities, or the system's. Raises SetupError."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"--tls-ca {ca_file}: {error.strerror or error}") from None


class Tls:
    """See `Layer`."""

    last_words = CLOSED

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def open(self, sock: Any) -> bytes:
        while True:
            try:
                self._object.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush(sock)
                data = sock.recv(READ_BYTES)
                if not data:
                    raise ConnectionResetError(f"{CLOSED} during the TLS handshake") from None
                self._incoming.write(data)
        self._flush(sock)
        return self._read()

    def received(self, data: bytes) -> bytes:
        self._incoming.write(data)
        try:
            return self._read()
        except OSError as error:
            raise OSError(f"TLS: {error.strerror or error}") from None

    def sealed(self, data: bytes) -> bytes:
        self._object.write(data)
        return self._outgoing.read()

    def take_own(self) -> bytes:
        return self._outgoing.read()  # the answer to a change of keys

    def _read(self) -> bytes:
        parts = []
        try:
            while data := self._object.read(READ_BYTES):
                parts.append(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            pass  # the end of the stream follows
        return b"".join(parts)

    def _flush(self, sock: Any) -> None:
        if data := self._outgoing.read():
            sock.sendall(data)
