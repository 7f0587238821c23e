"""The connections of one worker, from their adoption to their closing: watched, flushed, timed, told goodbye.

The owner's thread only. What their clients ask for is not looked at here.
"""

import socket
from collections.abc import Iterator
from itertools import islice

from chat.errors import SlowReader
from chat.server.connection import Connection, Gone, describe
from chat.server.gate import Gate
from chat.server.hub import Hub
from chat.server.inbox import Inbox
from chat.server.poller import READ, WRITE, Poller
from chat.server.sending import Helpers
from chat.server.sends import Sends
from chat.server.user import User
from chat.server.wheel import Wheel
from chat.wires.irc import LINE_BYTES
from chat.wires.message import build
from chat.wires.wire import Wire

AT_ONCE = 256  # connections that a pass times out or buries: with 50 µs for each, 13 ms until the others are served
CLOSING_WAIT = 1.0  # s for the peer to close after the farewell, so that no reset overtakes it


class Roster:
    """`now` is the time of the current pass, set by the worker; it is what every deadline is held against."""

    def __init__(
        self,
        hub: Hub,
        gate: Gate,
        inbox: Inbox,
        sends: Sends,
        helpers: Helpers,
        poller: Poller["Connection | None"],
        now: float,
    ) -> None:
        self.now = now
        self.leaving = ""  # why everybody goes, once the server stops
        self._hub = hub
        self._gate = gate
        self._inbox = inbox
        self._poller = poller
        self._settings = hub.settings
        self._notice_limit = gate.limit * LINE_BYTES  # everybody's coming or going at once, however long the line
        self._connections: set[Connection] = set()
        self._sends = sends
        self._helpers = helpers
        self.hung: dict[Connection, str] = {}  # whose peer is gone, not watched any more; how it went, if a send told
        self._wheel: Wheel[Connection] = Wheel()

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections))

    def adopt(self, sock: socket.socket, host: str, wire: Wire) -> Connection:
        connection = Connection(
            sock, host, wire, self._inbox, self._sends, self._settings, self._notice_limit, self.now
        )
        connection.user = User(connection, host, self._settings.name, self._hub.clock())
        self._connections.add(connection)
        self.watch(connection)
        self.schedule(connection)
        for data in wire.greeting:
            connection.push(data)
        return connection

    def flush_all(self, share: bool = False) -> None:
        """Offer the sockets what has been pushed since the last time, but for those whose peer is gone.

        With `share`, the helpers have a part in it, where that is much.
        """
        plan, unflushed = self._sends.take()
        for connection in unflushed:
            if not connection.closed and connection not in self.hung:
                self.flush(connection)
        for connection, (data, _, notices), outcome in self._helpers.send(plan, share):
            if isinstance(outcome, int):
                self._keep(connection, memoryview(data)[outcome:], notices)
            elif not connection.closed:  # or its rooms learn of its end in the next pass
                self.hang(connection, describe(outcome))

    def _keep(self, connection: Connection, rest: memoryview, notices: int) -> None:
        """A socket has not taken all: the rest waits in the outbox. How many of its bytes are notices is not known."""
        self._sends.set_apart(connection)
        connection.outbox.push(rest, min(notices, len(rest)))
        self.flush(connection)

    def flush(self, connection: Connection) -> bool:
        """Send what waits; False when that ended the connection."""
        self._sends.set_apart(connection)
        waited = connection.outbox.oldest is not None
        try:
            done = connection.flush(self.now)
        except SlowReader as slow:
            self.drop(connection, f"Slow reader: {slow}", farewell=False)
            return False
        except Gone as gone:
            self.hang(connection, str(gone))
            return False
        if done and connection.finish_by is not None and not connection.half_closed:
            connection.end_output()
            connection.finish_by = self.now + CLOSING_WAIT
            self.schedule(connection)
        if done and not connection.half_closed:
            self._sends.reunite(connection)
        if waited is done:  # it begins or ends to wait for the socket
            self.watch(connection)
            self.schedule(connection)
        return True

    def hang(self, connection: Connection, reason: str = "") -> None:
        """The peer is gone, or says no more: nothing is sent until its turn comes to be heard out and buried."""
        self.hung.setdefault(connection, reason)
        self._sends.set_apart(connection)
        self._unwatch(connection)

    def take_hung(self) -> list[tuple[Connection, str]]:
        """The first of those, a bounded number, and why each ended, if that is known."""
        taken = list(islice(self.hung.items(), AT_ONCE))
        for connection, _ in taken:
            del self.hung[connection]
        return taken

    def resume(self, connection: Connection) -> None:
        """It was hung, but has more to say, or waits until its rate allows what it has said."""
        if not connection.closed:
            self.watch(connection)
            self._sends.offer(connection)

    def watch(self, connection: Connection) -> None:
        """Have the poller wait for what this connection can do now."""
        events = 0 if connection.resume_at is not None else READ
        if connection.outbox.oldest is not None:
            events |= WRITE
        if events == connection.watched or connection.closed or connection in self.hung:
            return
        watch = self._poller.watch if connection.watched is None else self._poller.change
        watch(connection.sock, events, connection)
        connection.watched = events

    def _unwatch(self, connection: Connection) -> None:
        if connection.watched is not None:
            self._poller.forget(connection.sock)
            connection.watched = None

    def schedule(self, connection: Connection) -> None:
        """Look at the connection again when its next deadline comes."""
        deadline = connection.deadline(self._settings)
        if deadline is None or connection.closed:
            self._wheel.cancel(connection)
        else:
            self._wheel.set(connection, deadline)

    def next_deadline(self) -> float | None:
        return self._wheel.next()

    def look_at_due(self) -> list[Connection]:
        """See to deadlines that have come up, a bounded number; gives those whose rate allows their backlog again."""
        resumed = []
        for connection in self._wheel.due(self.now, AT_ONCE):
            self._look_at(connection)
            if connection.resume_at is not None and self.now >= connection.resume_at:
                connection.resume_at = None
                connection.heard = self.now  # its next words are
                self.watch(connection)
                resumed.append(connection)
            self.schedule(connection)
        return resumed

    def _look_at(self, connection: Connection) -> None:
        """A deadline has come up, or would have had nothing happened since it was set."""
        if connection.finish_by is not None:
            if self.now >= connection.finish_by:
                self.close(connection, "Closed")
        elif connection.leave_at is not None and self.now >= connection.leave_at:
            self.drop(connection, self.leaving)
        elif (overdue := connection.overdue(self._settings, self.now)) is not None:
            self.drop(connection, overdue, farewell=connection.outbox.oldest is None)
        elif connection.is_silent(self._settings, self.now):
            connection.pinged = self.now
            connection.push(build("PING", self._settings.name))

    def drop(self, connection: Connection, reason: str, farewell: bool = True) -> None:
        """End a connection from this side; the others learn the reason, and so does the client unless it is gone."""
        self._hub.quit(connection.user, reason)
        if farewell:
            self.finish(connection, reason)
        else:
            self.close(connection, reason)

    def finish(self, connection: Connection, reason: str) -> None:
        """Say farewell, and close once the socket has taken everything and the peer has had time to read it."""
        if connection.closed or connection.finish_by is not None:
            return
        for data in connection.dialect.farewell(reason):
            connection.push(data)
        connection.finish_by = self.now + self._settings.stop_deadline
        connection.resume_at = None
        connection.backlog = ()
        if self.flush(connection):
            self.watch(connection)
            self.schedule(connection)

    def close(self, connection: Connection, reason: str) -> None:
        """Close at once."""
        if connection.closed:
            return
        self._hub.quit(connection.user, reason)
        self._unwatch(connection)
        self.hung.pop(connection, None)
        connection.closed = True
        connection.half_closed = True  # takes no more bytes
        connection.sock.close()
        self._sends.forget(connection)
        self._connections.discard(connection)
        self._wheel.cancel(connection)
        self._gate.leave(connection.host)

    def leave(self, reason: str, drain: float) -> None:
        """The server stops: everybody goes, at once or spread over `drain` seconds."""
        self.leaving = reason
        connections = list(self._connections)
        for index, connection in enumerate(connections):
            if drain:
                connection.leave_at = self.now + drain * index / len(connections)
                self.schedule(connection)
            else:
                self.finish(connection, reason)
