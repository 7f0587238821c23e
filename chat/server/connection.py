"""One client's socket, with what belongs to it. Touched by the owning worker's thread alone."""

import errno
import fcntl
import os
import socket
import struct
import termios
from collections.abc import Sequence
from contextlib import suppress

from chat.errors import FanfareError
from chat.server.inbox import Inbox
from chat.server.outbox import Outbox
from chat.server.sends import Sends
from chat.server.throttle import Throttle
from chat.server.user import User
from chat.settings import Settings
from chat.wires.wire import Command, Dialect, Wire

RECEIVE_BYTES = 65_536  # read at once; more would let one sender hold up the others of its worker
LOOKS = 5  # at a slow reader's progress, in the time that it has
PAUSE = 1.0  # s of silence that let a client of an unframed wire send `unframed_limit` anew


class Gone(FanfareError):
    """The peer or the network ended the connection; the text says how."""


class Connection:
    """A seat (see posts.py) with a socket behind it."""

    __slots__ = (
        "_looked",
        "_sends",
        "_unacknowledged",
        "_unpaused",
        "accepted",
        "backlog",
        "closed",
        "dialect",
        "finish_by",
        "half_closed",
        "heard",
        "host",
        "inbox",
        "leave_at",
        "outbox",
        "pinged",
        "resume_at",
        "sock",
        "throttle",
        "user",
        "watched",
        "wire",
    )

    user: User

    def __init__(
        self,
        sock: socket.socket,
        host: str,
        wire: Wire,
        inbox: Inbox,
        sends: Sends,
        settings: Settings,
        notice_limit: int,
        now: float,
    ) -> None:
        self.sock = sock
        self.host = host
        self.wire = wire
        self.inbox = inbox
        self.dialect: Dialect = wire.dialect
        self.outbox = Outbox(settings.outbox_limit, notice_limit, self.dialect.framed)
        self.throttle = Throttle(settings.rate_limit, settings.rate_burst, now)
        self.backlog: Sequence[Command] = ()  # read already, not yet allowed by the rate
        self.accepted = now  # s on the monotonic clock, as are all of these times
        self.heard = now
        self.pinged: float | None = None
        self.resume_at: float | None = None  # when the rate allows the backlog
        self.leave_at: float | None = None  # its turn, when the server drains
        self.finish_by: float | None = None  # the farewell is said; the socket closes by then
        self.half_closed = False  # nothing more will be sent
        self.closed = False
        self.watched: int | None = None  # what its poller waits for: READ, WRITE, both, neither; None: it knows it not
        self._sends = sends  # what the worker's pass has to send
        self._unpaused = 0  # bytes since the last pause, on unframed wires
        self._unacknowledged = 0  # bytes that the kernel held for the peer at the last look
        self._looked = now

    def push(self, data: bytes | memoryview, notices: int = 0) -> None:
        """Queue one send, of which `notices` bytes tell who came and went."""
        if not self.half_closed:
            self._sends.push(self, data, notices)

    def flush(self, now: float) -> bool:
        """Send what of the outbox the socket takes; True when that was all. Raises SlowReader or Gone."""
        try:
            done = self.outbox.flush(self.sock.send, now)
        except OSError as error:
            raise Gone(describe(error)) from None
        if not done and self.outbox.oldest == now:
            self._unacknowledged, self._looked = unacknowledged(self.sock), now
        return done

    def receive(self) -> bytes:
        """What has arrived; empty when nothing has after all. Raises Gone."""
        if self.resume_at is not None:  # what it said before is not heard yet: it is here because it is dead
            raise Gone(describe(OSError(self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "")))
        try:
            data = self.sock.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as error:
            raise Gone(describe(error)) from None
        if not data:
            raise Gone("Remote host closed the connection")
        return data

    def count(self, size: int, now: float) -> int:
        """Note `size` bytes from an unframed wire; how many have come since it last paused."""
        if now - self.heard >= PAUSE:
            self._unpaused = 0
        self._unpaused += size
        return self._unpaused

    def end_output(self) -> None:
        """Tell the peer that nothing more comes; what was sent still arrives."""
        self.half_closed = True
        with suppress(OSError):  # it is gone already, which is what closing wants
            self.sock.shutdown(socket.SHUT_WR)

    def deadline(self, settings: Settings) -> float | None:
        """When this connection next needs a look though nothing arrives."""
        if self.finish_by is not None:
            return self.finish_by
        oldest = self.outbox.oldest
        deadlines = [
            self.leave_at,
            self.resume_at,
            None if oldest is None else self._next_look(oldest, settings),
            self._silence_deadline(settings),
        ]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def _silence_deadline(self, settings: Settings) -> float | None:
        if self.user.closing:
            return None  # it has its reason already, and is about to be closed for that
        if not self.user.registered:
            return self.accepted + settings.registration_timeout if self.wire.hasty else None
        if not self.dialect.framed:
            return None  # these clients cannot answer a PING: the kernel's keepalive finds the dead ones
        if self.resume_at is not None:
            return None  # it has said more than we have heard; its answer to a PING would have to wait behind that
        if self.pinged is None:
            return self.heard + settings.ping_interval
        return self.pinged + settings.ping_timeout

    def overdue(self, settings: Settings, now: float) -> str | None:
        """Why the connection is to be dropped now; None when it is not."""
        oldest = self.outbox.oldest
        if oldest is not None and now >= self._next_look(oldest, settings):
            oldest = self._last_progress(oldest, now)
            if now >= oldest + settings.outbox_age:
                return f"Slow reader: nothing read for {now - oldest:.0f} s, the limit is {settings.outbox_age:g} s"
        deadline = self._silence_deadline(settings)
        if deadline is None or now < deadline:
            return None
        if not self.user.registered:
            return f"Registration timed out after {settings.registration_timeout:g} s"
        return None if self.pinged is None else f"Ping timeout: {settings.ping_timeout:g} seconds"

    def _next_look(self, oldest: float, settings: Settings) -> float:
        return min(oldest + settings.outbox_age, self._looked + settings.outbox_age / LOOKS)

    def _last_progress(self, oldest: float, now: float) -> float:
        """When bytes were last taken: by the outbox's account or by the kernel's, which frees its buffer in parts."""
        before, self._unacknowledged = self._unacknowledged, unacknowledged(self.sock)
        self._looked = now
        if self._unacknowledged < before:
            self.outbox.oldest = oldest = now
        return oldest

    def is_silent(self, settings: Settings, now: float) -> bool:
        """It is time to ask for a sign of life."""
        deadline = self._silence_deadline(settings)
        return self.user.registered and self.pinged is None and deadline is not None and now >= deadline


def unacknowledged(sock: socket.socket) -> int:
    """Bytes that the kernel holds because the peer has not acknowledged them; 0 where it does not say."""
    try:
        (size,) = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))
    except OSError:
        return 0
    return int(size)


def describe(error: OSError) -> str:
    """A socket error as the others in the room are told of it."""
    if error.errno == errno.ECONNRESET:
        return "Connection reset by peer"
    if error.errno == errno.ETIMEDOUT:
        return "Connection timed out"
    if error.errno in (errno.EPIPE, 0):
        return "Remote host closed the connection"
    return os.strerror(error.errno) if error.errno else "Connection lost"
