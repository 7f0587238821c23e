"""TLS without a socket: bytes in, bytes out, so that the time at which they arrived stays that of the kernel."""

import ssl
from functools import lru_cache
from typing import Any

from chat.errors import SetupError

_READ_BYTES = 65_536


@lru_cache(maxsize=8)
def context_of(ca_file: str) -> ssl.SSLContext:
    """Checks the server's certificate against these authorities, or the system's. Raises SetupError."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"--tls-ca {ca_file}: {error.strerror or error}") from None


class Tls:
    """One connection's. `secure` waits, the rest does not."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def secure(self, sock: Any) -> bytes:
        """The handshake, on a socket that has just connected. Gives what the server said behind it. Raises OSError."""
        while True:
            try:
                self._object.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush(sock)
                data = sock.recv(_READ_BYTES)
                if not data:
                    raise ConnectionResetError("closed by the server during the TLS handshake") from None
                self._incoming.write(data)
        self._flush(sock)
        return self._read()

    def received(self, data: bytes) -> bytes:
        """What was read, in the clear; empty where more has to come. Raises OSError."""
        self._incoming.write(data)
        return self._read()

    def sealed(self, data: bytes) -> bytes:
        """What is to be sent for these bytes."""
        self._object.write(data)
        return self._outgoing.read()

    def _read(self) -> bytes:
        parts = []
        try:
            while data := self._object.read(_READ_BYTES):
                parts.append(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            pass  # the end of the stream follows
        return b"".join(parts)

    def _flush(self, sock: Any) -> None:
        if data := self._outgoing.read():
            sock.sendall(data)
