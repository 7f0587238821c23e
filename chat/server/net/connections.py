"""The loop's connections, from adoption to closing: polling, flushing, deadlines and farewells. Runs no commands."""

import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice

from chat.server.commands.limits import BYTES_A_TOKEN
from chat.server.core.node import Node
from chat.server.core.server_bans import Ban, ServerBans
from chat.server.core.state import BannedRefusal
from chat.server.net.connection import ENDS, Connection, Phase, describe
from chat.server.net.ends import ENDS_COUNTED, kind_of_end
from chat.server.net.gate import WIDE, Gate
from chat.server.net.pacing import Pacer
from chat.server.net.poller import READ, WRITE, Poller
from chat.server.net.sender import Sender, Short
from chat.server.net.throttle import Addresses, Bucket, Throttle
from chat.server.net.timers import Timers
from chat.server.net.transport import PLAIN, Arrival, Transport
from chat.server.net.writes import Writes
from chat.server.networks import shares
from chat.wires.message import build
from chat.wires.wire import Wire

BANS_AT_ONCE = 50  # connections that a new server ban is compared with; some 2 ms where it is a mask
AT_ONCE = 100  # connections that a pass times out or closes as dead; 50 µs each, 5 ms in all
CLOSING_WAIT = 1.0  # s for the peer to read the farewell and close, so that no reset overtakes it
MEMORY_LOOK = 1.0  # s between two checks of the memory that queues and inputs take
MEMORY_LOW = 0.8  # fraction of the ceiling at which dropping stops, so that it is not reached again at once


class Connections:
    """`now` is the time of the current pass, set by the loop; all deadlines are compared with it."""

    def __init__(
        self,
        node: Node,
        gate: Gate,
        writes: Writes,
        pacer: Pacer,
        sender: Sender,
        poller: Poller["Connection | None"],
        now: float,
        post: Callable[[Callable[[], None]], None],
    ) -> None:
        self.now = now
        self.leaving = ""  # the reason, once the server stops
        self._node = node
        node.enforce = self.enforce
        self.post = post  # calls something later in the loop
        self._gate = gate
        self._poller = poller
        self._settings = settings = node.settings
        self.accepted = 0  # since the start, as are the next two
        self.flushes = 0  # of send queues
        self.drops = Counter(dict.fromkeys(ENDS_COUNTED, 0))  # by kind of reason
        self.by_kind: Counter[tuple[type, type]] = Counter()  # those there are, by wire and transport
        self._all: set[Connection] = set()
        self._writes = writes
        self._pacer = pacer
        self._sender = sender
        self.dead: dict[Connection, None] = {}  # to be read to their end, and closed
        self.throttled: set[Connection] = set()  # those that wait for a token
        self.ready: dict[Connection, None] = {}  # those whose waiting command or answer may continue
        self.farewells: dict[Connection, str] = {}  # reasons to send at the end of the pass
        self._timers: Timers[Connection] = Timers()
        self._addresses = Addresses(lambda now: Bucket(settings.address_rate, settings.address_burst, now))
        self._speech = Addresses(lambda now: Bucket(settings.speech_rate, settings.speech_burst, now))
        rate, burst = settings.newcomer_rate, settings.newcomer_burst
        self._newcomers = Addresses(lambda now: Bucket(rate, burst, now))
        self._wide_newcomers = Addresses(lambda now: Bucket(WIDE * rate, WIDE * burst, now))
        self._next_memory_look = now
        self.look_at = now  # the earliest time at which `look_at_due` has something to do

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._all))

    def adopt(self, sock: Transport, host: str, wire: Wire, arrival: Arrival = PLAIN) -> Connection:
        settings, throttle = self._settings, None
        if settings.limits_rates:
            own = Bucket(settings.rate_limit, settings.rate_burst, self.now)
            throttle = Throttle(own, self._addresses.bucket(host, self.now), self.now)
        connection = Connection(self, sock, host, wire, self._node.fan_out, settings, throttle, self.now, arrival)
        self._all.add(connection)
        self.accepted += 1
        self.by_kind[type(wire), type(sock)] += 1
        self._watch(connection)
        self.schedule(connection)
        bans = self._node.state.bans
        if bans.by_mask and (ban := bans.find_address(host, self._node.clock())) is not None:
            self._drop_banned(connection, ban)
            return connection
        for data in wire.greeting:
            self.push(connection, data)
        if wire.listens:
            self._node.listen(connection)
        return connection

    def enforce(self, ban: Ban) -> None:
        """Close those that the ban fits, a portion at a time."""
        self._enforce_some(ban, ServerBans.of(ban.mask), iter(list(self._all)))

    def _enforce_some(self, ban: Ban, only: ServerBans, waiting: Iterator[Connection]) -> None:
        looked = 0
        for connection in islice(waiting, BANS_AT_ONCE):
            looked += 1
            user = connection.user
            found = (
                only.find(user.person, user.account, user.address, ban.at)
                if user is not None
                else only.find_address(connection.host, ban.at)
            )
            if found is not None and connection.phase is not Phase.CLOSED:
                self._drop_banned(connection, ban)
        if looked:
            self.post(partial(self._enforce_some, ban, only, waiting))

    def _drop_banned(self, connection: Connection, ban: Ban) -> None:
        """By the numeric, programs know that they need not come again."""
        connection.refuse(BannedRefusal(ban))
        self.drop(connection, ban.told)

    def count_speech(self, connection: Connection, to: str, size: int) -> None:
        """What its address says in one place beyond its share is a debt that each speaker there pays in tokens."""
        bucket = self._speech.bucket(f"{connection.host} {to}", self.now)
        bucket.wait(self.now)
        bucket.spend(size)
        if bucket.tokens < 0.0:
            connection.cost -= bucket.tokens / BYTES_A_TOKEN

    def newcomer_wait(self, connection: Connection) -> float:
        """Seconds until the connection's address, and the network around it, may bring one more user; 0 counts one."""
        if connection.throttle is None or connection.host in self._gate.exempt:
            return 0.0
        address, wide = shares(connection.host)
        buckets = self._newcomers.bucket(address, self.now), self._wide_newcomers.bucket(wide, self.now)
        wait = max(bucket.wait(self.now) for bucket in buckets)
        if not wait:
            for bucket in buckets:
                bucket.spend(1.0)
        return wait

    def is_exempt(self, connection: Connection) -> bool:
        return connection.host in self._gate.exempt

    def push(self, connection: Connection, data: bytes) -> None:
        """Queue bytes for one connection that stand outside its stream of events."""
        if connection.dialect.framed:
            self._writes.push(connection, data)
        else:
            self._writes.push_separately(connection, (data,), False)

    def push_own(self, connection: Connection) -> None:
        """Queue what the wire itself has to send. Its dialect may have become another: the opening is done."""
        if connection.user is None and not connection.capabilities:
            connection.dialect = connection.wire.dialect
        self.push(connection, connection.wire.data_to_send())

    # Where a connection stands

    def move(self, connection: Connection, phase: Phase) -> None:
        """The one transition. What the poller watches and which deadlines hold follow from the phase."""
        if connection.phase is not Phase.CLOSED:
            connection.phase = phase
            self._watch(connection)
            self.schedule(connection)

    def pause(self, connection: Connection) -> None:
        if connection.phase is Phase.OPEN:
            self.move(connection, Phase.PAUSED)

    def resume(self, connection: Connection) -> bool:
        """Open a paused connection if nothing holds it back any longer; True when its commands may run."""
        if connection.phase is Phase.PAUSED and not connection.pending and not connection.queue.answers:
            self.move(connection, Phase.OPEN)
        return connection.phase is Phase.OPEN

    def hold_back(self, connection: Connection, wait: float) -> None:
        """Run none of its commands for `wait` seconds, until it has a token."""
        connection.resume_at = self.now + wait
        self.throttled.add(connection)
        self.schedule(connection)

    def mark_dead(self, connection: Connection, error: str = "") -> None:
        """The peer has hung up: queue the connection to be read to its end and closed, and send it no events."""
        if connection.phase is not Phase.CLOSED:
            self.dead[connection] = None
            if error and not connection.error:
                connection.error = error
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RD)  # a read never waits for more than what has arrived
            self._writes.use_queue(connection)
            if connection.phase not in ENDS:
                connection.phase = Phase.DEAD
            self._unwatch(connection)

    def take_dead(self) -> list[Connection]:
        """The first dead connections, a bounded number."""
        taken = list(islice(self.dead, AT_ONCE))
        for connection in taken:
            del self.dead[connection]
        return taken

    def _watch(self, connection: Connection) -> None:
        """Have the poller watch for the events that the phase and the queue need."""
        if connection.phase is Phase.DEAD or connection in self.dead:
            return
        events = 0 if connection.phase is Phase.PAUSED else READ
        if connection.queue.oldest is not None:
            events |= WRITE
        if events != connection.watched:
            watch = self._poller.watch if connection.watched is None else self._poller.change
            watch(connection.sock, events, connection)
            connection.watched = events

    def _unwatch(self, connection: Connection) -> None:
        if connection.watched is not None:
            self._poller.forget(connection.sock)
            connection.watched = None

    # Sending

    def send(self, share: bool = False) -> None:
        """Send each connection its bytes of the pass. With `share`, a large pass is sent in parallel."""
        if self._sender.in_flight:
            self.collect()
        plan, unflushed = self._writes.take()
        for connection in unflushed:
            if connection.phase is not Phase.CLOSED and connection not in self.dead:
                self.flush(connection)
        if self._pacer.waiting:
            for connection in self._pacer.due():
                if connection in self.dead:
                    self._pacer.forget(connection)  # a send would take the error that the read is to report
                else:
                    self.flush(connection)
        if shorts := self._sender.send(plan, share):
            self._handle(shorts)

    def collect(self) -> None:
        """Wait until the sends of the pass before are made. Nobody closes, or writes to, a socket before that."""
        self._handle(self._sender.collect())

    def _handle(self, shorts: Iterable[Short]) -> None:
        for connection, (data, _, answers), outcome in shorts:
            if isinstance(outcome, int):
                self._keep(connection, memoryview(data)[outcome:], answers)
            elif connection.phase is not Phase.CLOSED:  # its rooms get the quit in the next pass
                self.mark_dead(connection, describe(outcome))

    def _keep(self, connection: Connection, rest: memoryview, answers: int) -> None:
        """Queue the rest of a short write, before what came since. Which of its bytes are answers is not known."""
        self._writes.use_queue(connection)
        connection.queue.push_first(rest, min(answers, len(rest)))
        if connection not in self.dead:  # or a send would take the error that the read is to report
            self.flush(connection)

    def flush(self, connection: Connection) -> bool:
        """Flush the send queue; False when the socket reported the connection's end."""
        self._writes.use_queue(connection)
        self.flushes += 1
        waited, lagged = connection.queue.oldest is not None, connection.lagging_since is not None
        paced = not connection.dialect.framed
        try:
            done = connection.flush(self.now, self._pacer.sends(connection) if paced else None)
        except OSError as error:
            self.mark_dead(connection, describe(error))
            return False
        blocked = connection.queue.oldest is not None
        if paced:
            self._pacer.sent(connection, blocked)
        elif done and connection.phase is not Phase.LINGERING:
            self._writes.use_plan(connection)
        if done and connection.phase is Phase.CLOSING and connection not in self.farewells:
            connection.end_output()
            connection.finish_by = self.now + CLOSING_WAIT
            self.move(connection, Phase.LINGERING)
        elif connection.phase is Phase.OPEN and connection.queue.answers:
            self.move(connection, Phase.PAUSED)  # a client that does not take its answers is not read
        elif waited is not blocked or lagged is not (connection.lagging_since is not None):
            self._watch(connection)
            self.schedule(connection)
        if done and connection.phase is Phase.PAUSED:
            self.ready[connection] = None
        return True

    # Deadlines

    def schedule(self, connection: Connection) -> None:
        """Set the connection's timer to its next deadline."""
        deadline = connection.deadline(self._settings)
        if deadline is None or connection.phase is Phase.CLOSED:
            self._timers.cancel(connection)
        else:
            self._timers.set(connection, deadline)
            self.look_at = min(self.look_at, deadline)

    def next_deadline(self) -> float:
        """When the loop must wake though nothing arrives; infinite for never."""
        self.look_at = self._timers.next()
        return min(self.look_at, self._pacer.next()) if self._pacer.waiting else self.look_at

    def look_at_due(self) -> list[Connection]:
        """Handle deadlines that are due, a bounded number. Returns the connections that have a token again."""
        if self.now >= self._next_memory_look:
            self._next_memory_look = self.now + MEMORY_LOOK
            self._hold_memory()
        resumed = []
        for connection in self._timers.due(self.now, AT_ONCE):
            self._look_at(connection)
            if connection.resume_at is not None and self.now >= connection.resume_at:
                connection.resume_at = None
                self.throttled.discard(connection)
                connection.last_read = self.now  # its waiting commands count as read now
                resumed.append(connection)
            self.schedule(connection)
        self.look_at = self._timers.next()
        return resumed

    def _look_at(self, connection: Connection) -> None:
        """Handle one deadline. It may be out of date: nothing moves it when bytes are read."""
        if connection.finish_by is not None:
            if self.now >= connection.finish_by:
                self.close(connection, "Closed")
        elif connection.leave_at is not None and self.now >= connection.leave_at:
            self.drop(connection, self.leaving)
        elif (overdue := connection.overdue(self._settings, self.now)) is not None:
            self.drop(connection, overdue, farewell=connection.queue.oldest is None)
        elif connection.is_silent(self._settings, self.now):
            connection.pinged = self.now
            ping = build("PING", self._settings.name)
            self.push(connection, ping if connection.dialect.wrap is None else connection.dialect.wrap(ping))

    def _hold_memory(self) -> None:
        """When queues and unread input together pass the ceiling, drop the connections that hold the most."""
        limit = self._settings.memory_limit
        held = {connection: connection.queue.size for connection in self._writes.queued}
        for connection in self.throttled:
            held[connection] = held.get(connection, 0) + connection.wire.waiting
        total = sum(held.values())
        if total <= limit:
            return
        for connection in sorted(held, key=held.__getitem__, reverse=True):
            if total <= limit * MEMORY_LOW:
                break
            total -= held[connection]
            reason = f"{held[connection]:,} bytes wait for it while the server is short of memory"
            self.drop(connection, reason, farewell=False)

    # The end

    def drop(self, connection: Connection, reason: str, farewell: bool = True) -> None:
        """End a connection from this side. Its rooms get the reason, and so does the client with `farewell`."""
        self.drops[kind_of_end(reason)] += 1
        self._node.quit(connection, reason)
        if farewell:
            self.finish(connection, reason)
        else:
            self.close(connection, reason)

    def finish(self, connection: Connection, reason: str) -> None:
        """Run no further command, send the reason, and close once the peer has had time to read it."""
        if connection.phase is Phase.DEAD:
            self.send_last_answers(connection)
            self.close(connection, reason)
        elif connection.phase is not Phase.CLOSED and connection.phase not in ENDS:
            connection.finish_by = self.now + self._settings.stop_deadline
            connection.resume_at = None
            connection.cursor = None
            self.farewells[connection] = reason
            self.move(connection, Phase.CLOSING)

    def send_last_answers(self, connection: Connection) -> None:
        """Send a peer that has closed its half all up to the answers to its last commands. What does not fit waits."""
        self._node.fan_out.settle(connection)
        if connection.wire.wants_to_send:
            self.push_own(connection)
        if self._sender.in_flight:
            self.collect()
        with suppress(OSError):  # it has closed both halves
            connection.flush(self.now)

    def say_farewells(self) -> None:
        """Queue the farewells, behind the bytes of the pass: the fan-out has been flushed."""
        farewells, self.farewells = self.farewells, {}
        for connection, reason in farewells.items():
            if connection.phase is Phase.CLOSING:
                self._node.fan_out.forget(connection)
                connection.merged = 0  # no summary comes behind the farewell
                for data in () if connection.wire.has_ended else connection.dialect.farewell(reason):
                    self.push(connection, data)
                self._writes.use_queue(connection)
                self._writes.flush_later(connection)

    def close(self, connection: Connection, reason: str) -> None:
        """Close at once."""
        if connection.phase is Phase.CLOSED:
            return
        if self._sender.in_flight:
            self.collect()  # its descriptor may be another connection's next
        self._node.quit(connection, reason)
        self._unwatch(connection)
        self.dead.pop(connection, None)
        connection.phase = Phase.CLOSED
        connection.sock.close()
        self._node.fan_out.forget(connection)
        self._writes.forget(connection)
        self._pacer.forget(connection)
        self._all.discard(connection)
        self.by_kind[type(connection.wire), type(connection.sock)] -= 1
        self.throttled.discard(connection)
        self.ready.pop(connection, None)
        self.farewells.pop(connection, None)
        self._timers.cancel(connection)
        self._gate.leave(connection.host, not connection.wire.has_commands)

    def leave(self, reason: str, drain: float) -> None:
        """End all connections, at once or spread over `drain` seconds."""
        self.leaving = reason
        connections = list(self._all)
        for index, connection in enumerate(connections):
            if drain:
                connection.leave_at = self.now + drain * index / len(connections)
                self.schedule(connection)
            else:
                self.drop(connection, reason)
