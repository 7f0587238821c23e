"""A worker: one thread, one selector loop, and the connections that it alone touches.

A pass: read what has arrived and run its commands, which post to inboxes; take the own inbox and hand its events to the
audiences; look at deadlines; send each connection what the pass has for it, in one send. What arrives while a pass runs
goes out together in the next one: the batch grows with the load by itself. A worker that is less than half busy shares
the sends of a large pass with its helpers: then it is time that counts, and under load it is how little is done.
"""

import logging
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from chat.errors import WireError
from chat.server.commands import run, run_unframed
from chat.server.connection import Connection, Gone
from chat.server.fanout import FanOut
from chat.server.gate import Gate
from chat.server.hub import Hub
from chat.server.inbox import Inbox
from chat.server.poller import HANGUP, READ, WRITE, EpollPoller, Poller, SelectorsPoller
from chat.server.posts import Hangup, Seat
from chat.server.roster import Roster
from chat.server.sending import Helpers
from chat.server.sends import Sends
from chat.wires.message import Message
from chat.wires.wire import Command, Reject, Wire

CONGESTED_WAIT = 0.001  # s that a worker leaves the processor to one whose inbox is full; about one pass of it

log = logging.getLogger(__name__)


class Adopt:
    """A new connection for a worker."""

    __slots__ = ("host", "sock", "wire")

    def __init__(self, sock: socket.socket, host: str, wire: Wire) -> None:
        self.sock = sock
        self.host = host
        self.wire = wire


class Stop:
    """Say farewell to everyone, spread over `drain` seconds, and end `deadline` seconds after that at the latest.

    A second one takes the place of the first, for those who are still there.
    """

    __slots__ = ("deadline", "drain", "reason")

    def __init__(self, reason: str, drain: float, deadline: float) -> None:
        self.reason = reason
        self.drain = drain
        self.deadline = deadline


class Worker:
    """Any thread may use `inbox`, `adopt`, `stop` and `join`; all else belongs to the worker's thread."""

    def __init__(self, name: str, hub: Hub, gate: Gate, failed: Callable[[], None]) -> None:
        """`failed` is called from the worker's thread when a fault of ours has ended it."""
        self._hub = hub
        self._failed = failed
        self._settings = hub.settings
        self._poller: Poller[Connection | None] = EpollPoller() if hasattr(select, "epoll") else SelectorsPoller()
        self._alarm, self._bell = socket.socketpair()  # a byte into the bell ends the wait for the alarm
        self._alarm.setblocking(False)
        self._bell.setblocking(False)
        self._poller.watch(self._alarm, READ, None)
        self.inbox = Inbox(self._settings.inbox_limit, self._ring)
        self._inboxes: Sequence[Inbox] = ()  # of all workers
        self._others: Sequence[Inbox] = ()
        sends = Sends()
        self._helpers = Helpers(self._settings.helpers, name)
        self._roster = Roster(hub, gate, self.inbox, sends, self._helpers, self._poller, time.monotonic())
        self._fan_out = FanOut(self.inbox, sends.push_all)
        self._hangups: list[Hangup] = []
        self._rested = 0.0  # s that the last wait took
        self._sending = 0.0  # s that the last pass took to send
        self._stop: Stop | None = None
        self._stop_by = 0.0
        self._handlers: dict[type, Callable[[Any], None]] = {
            **self._fan_out.handlers,
            Hangup: self._hangups.append,
            Adopt: self._adopt,
            Stop: self._begin_stop,
        }
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # Any thread

    def start(self, inboxes: Sequence[Inbox]) -> None:
        """Begin; `inboxes` are those of all workers."""
        self._inboxes = inboxes
        self._others = [inbox for inbox in inboxes if inbox is not self.inbox]
        self._thread.start()
        self._helpers.start()

    def adopt(self, sock: socket.socket, host: str, wire: Wire) -> None:
        """Take over a connected, non-blocking socket that the gate has let in."""
        self.inbox.post(Adopt(sock, host, wire))
        self.inbox.notify()

    def stop(self, reason: str, drain: float, deadline: float) -> None:
        self.inbox.post(Stop(reason, drain, deadline))
        self.inbox.notify()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread's end; False when it has not come in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _ring(self) -> None:
        with suppress(OSError):  # it rings already, or nobody listens any more
            self._bell.send(b"!")

    # The loop

    def _run(self) -> None:
        try:
            while self._stop is None or (self._roster and time.monotonic() < self._stop_by):
                self._pass()
        except Exception:
            log.exception("%s ends after an internal error", self._thread.name)
            self._failed()
        finally:
            for connection in self._roster:
                self._roster.close(connection, "Server stopped")
            self._helpers.stop()
            self._poller.close()
            self._alarm.close()
            self._bell.close()

    def _pass(self) -> None:
        ready = self._wait()
        self._roster.now = time.monotonic()
        reading = not self._congested()
        for connection, events in ready:
            if connection is None:
                self._hush()
            elif events & HANGUP:
                self._roster.hang(connection)
            elif events & WRITE and not self._roster.flush(connection):
                pass
            elif events & READ and reading:
                self._read(connection)
                reading = not self._congested()
        if not self._congested():
            self._bury()
        self._notify()
        self._deliver()
        resumed = self._roster.look_at_due()
        for connection in resumed:
            backlog, connection.backlog = connection.backlog, ()
            self._execute(connection, backlog)
        if resumed:
            self._deliver()  # now: one that has closed its side is closed in the next pass
        self._send()
        self._notify()
        if any(inbox.full for inbox in self._others):
            time.sleep(CONGESTED_WAIT)

    def _bury(self) -> None:
        """Hear out those whose peer is gone, a bounded number a pass.

        When thousands die at once, those who live get their messages between two such portions; and the dead, whose
        sockets would take yet many bytes, get none.
        """
        for connection, reason in self._roster.take_hung():
            if reason:
                self._roster.drop(connection, reason, farewell=False)
            else:
                self._read(connection)
                self._roster.resume(connection)

    def _wait(self) -> list[tuple[Connection | None, int]]:
        """Wait for sockets, the inbox or a deadline."""
        timeout: float | None = 0.0
        if self.inbox.sleep() and not self._roster.hung:
            due = self._roster.next_deadline()
            if self._stop is not None:
                due = self._stop_by if due is None else min(due, self._stop_by)
            timeout = None if due is None else max(0.0, due - time.monotonic())
        began = time.monotonic()
        ready = self._poller.poll(timeout)
        self._rested = time.monotonic() - began
        self.inbox.awake()
        return ready

    def _congested(self) -> bool:
        """Some worker cannot keep up with what is said: whoever speaks waits in the kernel's buffers."""
        for inbox in self._inboxes:  # noqa: SIM110 - asked for each message, and any() takes thrice the time
            if inbox.full:
                return True
        return False

    def _notify(self) -> None:
        for inbox in self._others:
            inbox.notify()

    def _hush(self) -> None:
        with suppress(BlockingIOError):
            while self._alarm.recv(4096):
                pass

    # From socket to command

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.receive()
        except Gone as gone:
            self._roster.drop(connection, str(gone), farewell=False)
            return
        if not data or connection.finish_by is not None:
            return
        if not connection.dialect.framed:
            unpaused = connection.count(len(data), self._roster.now)
            if unpaused > self._settings.unframed_limit:
                limit = self._settings.unframed_limit
                self._roster.drop(connection, f"Flood: {unpaused:,} bytes without a pause, the limit is {limit:,}")
                return
        connection.heard = self._roster.now
        try:
            commands = connection.wire.feed(data)
        except WireError as error:
            self._roster.drop(connection, str(error))
            return
        registered = connection.user.registered
        self._execute(connection, commands)
        if connection.pinged is not None or registered is not connection.user.registered:
            connection.pinged = None
            self._roster.schedule(connection)  # its next deadline may come before the one that was set

    def _execute(self, connection: Connection, commands: Sequence[Command]) -> None:
        """Run the commands that the rate allows; keep the others until it does, and read nothing more until then."""
        for index, command in enumerate(commands):
            if connection.user.closing or connection.closed:
                return
            if not connection.throttle.take(self._roster.now):
                connection.backlog = commands[index:]
                connection.resume_at = self._roster.now + connection.throttle.wait()
                self._roster.watch(connection)
                self._roster.schedule(connection)
                return
            try:
                if isinstance(command, (Message, Reject)):
                    run(self._hub, connection.user, command)
                else:
                    run_unframed(self._hub, connection.user, command)
            except Exception:
                log.exception("a command of %s failed", connection.user.person.mask)
                self._roster.drop(connection, "Internal error")

    # From post to outbox

    def _deliver(self) -> None:
        """Turn what waits in the inbox into bytes in outboxes."""
        for post in self.inbox.take():
            self._handlers[type(post)](post)
        self._fan_out.flush()

    def _send(self) -> None:
        """Offer the sockets what this pass has pushed."""
        began = time.monotonic()
        self._roster.flush_all(share=self._rested >= self._sending)  # less than half busy
        self._sending = time.monotonic() - began
        hangups, self._hangups[:] = self._hangups[:], []
        for hangup in hangups:
            self._roster.finish(_connection(hangup.seat), hangup.reason)

    # Posts that are not for the rooms

    def _adopt(self, post: Adopt) -> None:
        connection = self._roster.adopt(post.sock, post.host, post.wire)
        self._execute(connection, connection.wire.opening)
        if self._stop is not None:
            self._roster.drop(connection, self._stop.reason)

    def _begin_stop(self, post: Stop) -> None:
        self._stop = post
        self._stop_by = self._roster.now + post.drain + post.deadline
        self._roster.leave(post.reason, post.drain)


def _connection(seat: Seat) -> Connection:
    assert isinstance(seat, Connection)
    return seat
