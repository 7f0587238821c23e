"""TLS handshakes: one thread that makes them, and hands each finished connection on.

A handshake takes a millisecond of computing where the key is RSA, most of it without the interpreter's lock. So it has
a thread of its own, and the loop never waits for one: it goes on while a thousand are made.
"""

import hashlib
import logging
import selectors
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from chat.server.net.certificates import Certificates
from chat.server.net.listeners import Listener
from chat.server.net.mailbox import Mailbox
from chat.server.net.tls_transport import TlsTransport
from chat.server.net.transport import Arrival, Transport
from chat.server.ops.counted import CountedLog
from chat.wires.foreign import TLS_RECORD

READ_BYTES = 16_384
MOST_BYTES = 65_536  # that a peer may send before its handshake is done; a chain of certificates takes 10 KB
TURNS = 256  # new connections taken in between two looks at the others

Adopt = Callable[[Transport, str, Listener, Arrival], None]
Leave = Callable[[str, bool], None]  # gives a place back at the gate

log = logging.getLogger(__name__)


class Handshake:
    """One connection on its way."""

    __slots__ = ("deadline", "host", "incoming", "listener", "outgoing", "received", "sock", "tls")

    def __init__(self, sock: socket.socket, host: str, listener: Listener, context: ssl.SSLContext, by: float) -> None:
        self.sock = sock
        self.host = host
        self.listener = listener
        self.deadline = by
        self.received = 0
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def go_on(self) -> bool:
        """Read once and take a step; True when the handshake is done. Raises OSError, ssl.SSLError among them."""
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            raise ConnectionError("the peer has gone")
        if not self.received and not data.startswith(TLS_RECORD[: len(data)]):
            raise NotTls("this port speaks TLS")
        self.received += len(data)
        if self.received > MOST_BYTES:
            raise ConnectionError("it is too long")
        self.incoming.write(data)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._send()
        return True

    def _send(self) -> None:
        """A new socket takes all that a handshake has to send; one that does not is no client's."""
        if self.outgoing.pending:
            data = self.outgoing.read()
            if self.sock.send(data) < len(data):
                raise ConnectionError("the peer takes nothing")

    def arrived(self) -> tuple[Transport, Arrival]:
        """The connection, once the handshake is done, with what the peer has sent behind it."""
        transport = TlsTransport(self.sock, self.tls, self.incoming, self.outgoing)
        certificate = self.tls.getpeercert(binary_form=True)
        fingerprint = hashlib.sha256(certificate).hexdigest() if certificate else ""
        return transport, Arrival(True, fingerprint, transport.decrypted())


class NotTls(ConnectionError):
    """The peer speaks something else."""


class Handshakes:
    """Any thread may call `start`, `begin` and `stop`, and read the counts."""

    def __init__(
        self, certificates: Certificates, adopt: Adopt, leave: Leave, timeout: float, failed: Callable[[str], None]
    ) -> None:
        """`timeout` is in seconds. `failed` is called with the reason when a fault has ended the thread."""
        self.made = 0  # since the start
        self.refused: Counter[str] = Counter()  # by kind
        self._certificates = certificates
        self._adopt = adopt
        self._leave = leave
        self._timeout = timeout
        self._failed = failed
        self._failures = CountedLog(log.info, "a TLS handshake failed", "{:,} TLS handshakes failed")
        self._mailbox = Mailbox()
        self._going: dict[Handshake, None] = {}  # the oldest first, which is also the first to time out
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._mailbox.wakeup, selectors.EVENT_READ)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="tls", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def begin(self, sock: socket.socket, host: str, listener: Listener) -> None:
        """Take over a connected, non-blocking socket that the gate has let in."""
        self._mailbox.post(partial(self._begin, sock, host, listener))

    def stop(self) -> None:
        """Close the connections whose handshakes are not done."""
        if self._thread.ident is None:
            self._close()
            return
        self._mailbox.post(self._end)
        self._thread.join()

    @property
    def going(self) -> int:
        return len(self._going)

    # The thread

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._step()
        except Exception as error:
            log.exception("TLS handshakes end after an internal error")
            self._failed(f"the handshakes' thread failed: {type(error).__name__}: {error}")
        finally:
            self._close()

    def _step(self) -> None:
        timeout = 0.0
        if self._mailbox.sleep():
            timeout = max(0.0, next(iter(self._going)).deadline - time.monotonic()) if self._going else 3600.0
            due = self._failures.due_in(time.monotonic())
            timeout = timeout if due is None else min(timeout, due)
        ready = self._selector.select(timeout)
        self._mailbox.sleeping = False
        for key, _ in ready:
            if key.data is None:
                self._mailbox.clear_wakeup()
            else:
                self._go_on(key.data)
        for callback in self._mailbox.take(TURNS):
            callback()
        now = time.monotonic()
        while self._going and (oldest := next(iter(self._going))).deadline <= now:
            self._refuse(oldest, "timeout", f"it is not done after {self._timeout:g} s")
        self._failures.report(now)

    def _begin(self, sock: socket.socket, host: str, listener: Listener) -> None:
        context = self._certificates.context(listener.is_web)
        handshake = Handshake(sock, host, listener, context, time.monotonic() + self._timeout)
        self._going[handshake] = None
        self._selector.register(sock, selectors.EVENT_READ, handshake)
        self._go_on(handshake)

    def _go_on(self, handshake: Handshake) -> None:
        try:
            if handshake.go_on():
                transport, arrival = handshake.arrived()
                self._forget(handshake)
                self.made += 1
                self._adopt(transport, handshake.host, handshake.listener, arrival)
        except NotTls as error:
            farewell = handshake.listener.wire().dialect.farewell(str(error))
            self._refuse(handshake, "not TLS", "the peer does not speak TLS", farewell)
        except ssl.SSLError as error:
            self._refuse(handshake, "TLS", (error.reason or "error").replace("_", " ").lower())
        except OSError as error:
            self._refuse(handshake, "network", error.strerror or str(error))

    def _refuse(self, handshake: Handshake, kind: str, reason: str, farewell: Iterable[bytes] = ()) -> None:
        self._forget(handshake)
        self.refused[kind] += 1  # before the peer hears of it
        with suppress(OSError):
            for data in farewell:
                handshake.sock.send(data)
            handshake.sock.shutdown(socket.SHUT_WR)
        handshake.sock.close()
        self._failures.add(kind, f"{handshake.host}: {reason}", time.monotonic())
        self._leave(handshake.host, handshake.listener.is_unframed)

    def _forget(self, handshake: Handshake) -> None:
        del self._going[handshake]
        self._selector.unregister(handshake.sock)

    def _end(self) -> None:
        self._stopping = True

    def _close(self) -> None:
        for handshake in self._going:
            handshake.sock.close()
        self._selector.close()
        self._mailbox.close()
        self._failures.close(time.monotonic())
