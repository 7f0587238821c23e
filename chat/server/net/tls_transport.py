"""A TLS connection as a transport, once its handshake is done. Knows no listeners and no certificates.

The TLS library never touches the socket: bytes go through memory (`ssl.MemoryBIO`). That costs no more than to let it
send (3.3 µs against 4.1 for a message, on TCP), and it bounds a read: of records that hold little or nothing, such as
requests for new keys, a `recv` handles those in some kilobytes. A socket given to the library is read on until there is
data.
"""

import errno
import os
import socket
import ssl
from contextlib import suppress

RECORD_BYTES = 8_192  # of what is sent, in one record; the buffer for it stays with the connection
PIECE_BYTES = 2_048  # of what is read, decrypted together; as above
RECORDS = 64  # after which a `recv` reads no further: one with a byte of data takes 2 µs, as one with a line does
OWN_BYTES = 65_536  # of the library's own answers that may wait for the socket; a peer that asks for more is cut off


class TlsTransport:
    """One thread at a time. `send` follows the rule of partial writes: see `Transport.send`."""

    __slots__ = ("_encrypted", "_ended", "_incoming", "_outgoing", "_sock", "_tls", "_unsent")

    def __init__(
        self, sock: socket.socket, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self._sock = sock
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self._unsent = b""  # encrypted bytes that the socket has not taken
        self._encrypted = 0  # how many bytes of the next `send` are among them already
        self._ended = False  # the peer has ended its output, by close_notify

    def recv(self, size: int, /) -> bytes:
        """Read and decrypt about `size` bytes, less where they are many small records; b"" at the end."""
        if self._ended:
            return b""
        records: list[bytes] = []
        for _ in range(max(1, size // PIECE_BYTES)):
            try:
                data = self._sock.recv(PIECE_BYTES)
            except BlockingIOError:
                break
            if not data and not records:
                return b""
            self._incoming.write(data)
            new = self._decrypt()
            records += new
            if len(data) < PIECE_BYTES or not new or len(records) >= RECORDS:
                break
        if self._outgoing.pending:
            self._send_own()
        if records:
            return b"".join(records)
        if self._ended:
            return b""
        raise BlockingIOError(errno.EAGAIN, "no whole record has arrived")

    def decrypted(self) -> bytes:
        """The decrypted part of the bytes that have arrived."""
        return b"".join(self._decrypt())

    def _decrypt(self) -> list[bytes]:
        """What the records hold that have arrived whole."""
        records = []
        try:
            while record := self._tls.read(RECORD_BYTES):
                records.append(record)
            self._end()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._end()
        except ssl.SSLError as error:
            raise _broken(error) from None
        return records

    def _end(self) -> None:
        self._ended = True
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)  # so that the poller reports the end

    def send(self, data: bytes | memoryview, /) -> int:
        if self._unsent:
            self._send_unsent()
        done, self._encrypted = self._encrypted, 0
        size = len(data)
        while done < size:
            record = data if size <= RECORD_BYTES and not done else memoryview(data)[done : done + RECORD_BYTES]
            try:
                self._tls.write(record)
            except ssl.SSLError as error:
                raise _broken(error) from None
            encrypted = self._outgoing.read()
            try:
                taken = self._sock.send(encrypted)
            except BlockingIOError:
                taken = 0
            if taken < len(encrypted):
                self._unsent, self._encrypted = encrypted[taken:], len(record)
                if not done:
                    raise BlockingIOError(errno.EAGAIN, "the socket takes nothing now")
                return done
            done += len(record)
        return done

    def _send_unsent(self) -> None:
        """Raises BlockingIOError while the socket does not take all of it."""
        taken = self._sock.send(self._unsent)
        self._unsent = self._unsent[taken:]
        if self._unsent:
            raise BlockingIOError(errno.EAGAIN, "the socket takes nothing now")

    def _send_own(self) -> None:
        """Send what the library itself has to say, behind what waits."""
        self._unsent += self._outgoing.read()
        if len(self._unsent) > OWN_BYTES:
            raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))
        with suppress(BlockingIOError):
            self._send_unsent()

    def shutdown(self, how: int, /) -> None:
        self._say_end()
        self._sock.shutdown(how)

    def close(self) -> None:
        self._say_end()
        self._sock.close()

    def _say_end(self) -> None:
        """Send a close_notify, once. The peer's is not awaited."""
        if not self._unsent:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            if self._outgoing.pending:
                with suppress(OSError):
                    self._sock.send(self._outgoing.read())

    def fileno(self) -> int:
        return self._sock.fileno()


def _broken(error: ssl.SSLError) -> OSError:
    """The peer's fault, as an error of the network: the library's numbers are no system errors."""
    return OSError(errno.EPROTO, f"TLS: {error.reason or 'error'}")
