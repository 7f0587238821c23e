"""One client's socket, with its phase, limits and deadlines. The loop's thread only."""

import errno
import fcntl
import os
import socket
import struct
import termios
from contextlib import suppress
from enum import Enum
from typing import Protocol

from chat.server.core.client import Client
from chat.server.core.fanout import FanOut
from chat.server.net.send_queue import SendQueue
from chat.server.net.throttle import Bucket, Throttle
from chat.server.net.transport import PLAIN, Arrival, Transport
from chat.settings import Settings
from chat.wires.wire import Command, Wire

LOOKS = 5  # at a slow reader's progress, within lag_age


class Phase(Enum):
    """The states of a connection. `Connections.move` makes the transitions."""

    OPEN = "is read, and its commands run"
    PAUSED = "a command waits, or its answers are not taken: it is not read"
    CLOSING = "its farewell is queued, and it closes when the socket has taken everything"
    LINGERING = "its output has ended, and the peer has time to read it and to close first"
    DEAD = "the peer or the network has ended it: what had come is run to its end, and only answers are sent"
    CLOSED = "its socket is closed"

    __hash__ = object.__hash__  # the enum's own is a call in Python, and each command tests `in RUNS`


RUNS = frozenset({Phase.OPEN, Phase.DEAD})  # its commands run
ENDS = frozenset({Phase.CLOSING, Phase.LINGERING})


class Owner(Protocol):
    """The owner of connections, as one of them uses it."""

    now: float  # s on the monotonic clock
    ready: dict["Connection", None]  # those whose waiting command or answer may continue

    def finish(self, connection: "Connection", reason: str) -> None: ...

    def is_exempt(self, connection: "Connection") -> bool: ...

    def count_speech(self, connection: "Connection", to: str, size: int) -> None: ...

    def newcomer_wait(self, connection: "Connection") -> float: ...


class Connection(Client):
    __slots__ = (
        "_looked",
        "_unacknowledged",
        "accepted",
        "deferred",
        "descriptor",
        "early_lines",
        "ended",
        "error",
        "finish_by",
        "lag_limit",
        "lagging_since",
        "last_cost",
        "last_read",
        "leave_at",
        "may_go_on",
        "merged",
        "notices",
        "owner",
        "phase",
        "pinged",
        "queue",
        "resume_at",
        "sent_at",
        "sock",
        "throttle",
        "watched",
        "wire",
    )

    def __init__(
        self,
        owner: Owner,
        sock: Transport,
        host: str,
        wire: Wire,
        fan_out: FanOut,
        settings: Settings,
        throttle: Throttle | None,
        now: float,
        arrival: Arrival = PLAIN,
    ) -> None:
        super().__init__(host, wire.dialect, fan_out, settings.name)
        self.secure, self.fingerprint = arrival.secure, arrival.fingerprint
        self.owner = owner
        self.sock = sock
        self.descriptor = sock.fileno() if type(sock) is socket.socket else -1  # -1: a transport between it and bytes
        self.wire = wire
        self.phase = Phase.OPEN
        self.queue = SendQueue(wire.dialect.framed)
        self.lag_limit = settings.lag_limit
        self.throttle = throttle  # None: no limits
        self.last_cost = 0.0  # tokens of its last command beyond one
        self.early_lines = 0  # before registration
        self.deferred: Command | None = None  # the next, cut from the wire: it waits until nothing is pending
        self.may_go_on = False  # what is pending are words to rooms: others may follow at once
        self.ended = False  # everything that the peer has sent is read
        self.error = ""  # how the network ended it, if a send or a read reported that
        self.accepted = now  # s on the monotonic clock, as are all of these times
        self.last_read = now
        self.pinged: float | None = None
        self.resume_at: float | None = None  # when its rate allows the next command; None: now
        self.leave_at: float | None = None  # when it closes, while the server drains
        self.finish_by: float | None = None  # when it is closed in any case
        self.lagging_since: float | None = None  # since when its lag is over the limit
        self.watched: int | None = None  # what the poller waits for: READ, WRITE, both, neither; None: unregistered
        self.sent_at = 0.0  # time of the last paced send
        self.notices: Bucket | None = None  # on an unframed wire: the notices that it may still get
        self.merged = 0  # notices held back, to be merged
        self._unacknowledged = 0  # bytes that the kernel held for the peer at the last look
        self._looked = now

    def count_speech(self, to: str, size: int) -> None:
        self.owner.count_speech(self, to, size)

    def newcomer_wait(self) -> float:
        return self.owner.newcomer_wait(self)

    def is_exempt(self) -> bool:
        return self.owner.is_exempt(self)

    def hang_up(self, reason: str) -> None:
        self.owner.finish(self, reason)

    def resume(self) -> None:
        self.owner.ready[self] = None
        if self.user is None:
            self.accepted = self.owner.now  # while it waited, it could not register

    def flush(self, now: float, most: int | None = None) -> bool:
        """Send what the socket takes of the queue, in `most` sends at most; True when it is empty. Raises OSError."""
        done = self.queue.flush(self.sock.send, now, most)
        if not done and self.queue.oldest == now:
            self._unacknowledged, self._looked = unacknowledged(self.sock), now
        if self.queue.lag <= self.lag_limit:
            self.lagging_since = None
        elif self.lagging_since is None:
            self.lagging_since = now
        return done

    def end_output(self) -> None:
        """End the output. Bytes sent before still arrive."""
        with suppress(OSError):  # the peer has closed already
            self.sock.shutdown(socket.SHUT_WR)

    def deadline(self, settings: Settings) -> float | None:
        """When this connection next needs attention though nothing arrives."""
        if self.finish_by is not None:
            return self.finish_by
        oldest = self.queue.oldest
        deadlines = [
            self.leave_at,
            self.resume_at,
            None if oldest is None else self._next_look(oldest, settings),
            None if self.lagging_since is None else self.lagging_since + settings.lag_time,
            self._silence_deadline(settings),
        ]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def _silence_deadline(self, settings: Settings) -> float | None:
        if self.user is None:
            if self.pending or not self.wire.registers_at_once:
                return None  # its password is being checked
            return self.accepted + settings.registration_timeout
        if not self.wire.answers_ping:
            return None  # the kernel's keepalive finds the dead ones
        if self.resume_at is not None or self.phase is not Phase.OPEN:
            return None  # its PONG may be queued behind its own commands, or its output has ended
        if self.pinged is None:
            return self.last_read + settings.ping_interval
        return self.pinged + settings.ping_timeout

    def overdue(self, settings: Settings, now: float) -> str | None:
        """The reason to drop the connection now, or None."""
        oldest = self.queue.oldest
        if oldest is not None and now >= self._next_look(oldest, settings):
            oldest = self._last_progress(oldest, now)
            if now >= oldest + settings.lag_age:
                return f"Slow reader: nothing read for {now - oldest:.0f} s, the limit is {settings.lag_age:g} s"
        if self.lagging_since is not None and now >= self.lagging_since + settings.lag_time:
            lag, limit = self.queue.lag, settings.lag_limit
            return f"Slow reader: {lag:,} bytes unread for {now - self.lagging_since:.0f} s, the limit is {limit:,}"
        deadline = self._silence_deadline(settings)
        if deadline is None or now < deadline:
            return None
        if self.user is None:
            return f"Registration timed out after {settings.registration_timeout:g} s"
        return None if self.pinged is None else f"Ping timeout: {settings.ping_timeout:g} seconds"

    def _next_look(self, oldest: float, settings: Settings) -> float:
        return min(oldest + settings.lag_age, self._looked + settings.lag_age / LOOKS)

    def _last_progress(self, oldest: float, now: float) -> float:
        """When bytes were last taken, by the socket or by the peer: the kernel frees its buffer only in large parts."""
        before, self._unacknowledged = self._unacknowledged, unacknowledged(self.sock)
        self._looked = now
        if self._unacknowledged < before:
            self.queue.oldest = oldest = now
        return oldest

    def is_silent(self, settings: Settings, now: float) -> bool:
        """Whether it is time to send a PING."""
        deadline = self._silence_deadline(settings)
        return self.user is not None and self.pinged is None and deadline is not None and now >= deadline


def unacknowledged(sock: Transport) -> int:
    """Bytes in the kernel that the peer has not acknowledged; 0 where the kernel does not say."""
    try:
        (size,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))
    except OSError:
        return 0
    return int(size)


def describe(error: OSError) -> str:
    """A socket error, as the other members of a room see it."""
    if error.errno == errno.ECONNRESET:
        return "Connection reset by peer"
    if error.errno == errno.ETIMEDOUT:
        return "Connection timed out"
    if error.errno in (errno.EPIPE, 0):
        return "Remote host closed the connection"
    return os.strerror(error.errno) if error.errno else "Connection lost"
