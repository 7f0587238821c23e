"""The loop: one thread that owns users, rooms and sockets.

A pass reads the sockets that are ready; runs callbacks that other threads have posted; runs commands, a bounded number
of each connection in turn; reads dead connections to their end; makes the next portion of long answers; handles
deadlines; has the fan-out encode the pass's events; and sends each connection its bytes in one send. What arrives
meanwhile goes out in the next pass, so batches grow with the load. A loop that is less than half busy shares the sends
of a large pass with its helpers: when idle it minimises latency; under load it minimises work.
"""

import logging
import math
import select
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter

from chat.errors import WireError
from chat.server.accounts.hashing import Hasher, HashingThread
from chat.server.commands import finish, is_word_to_room, run, run_unframed
from chat.server.core.node import Node
from chat.server.log.log import Log
from chat.server.log.memory import MemoryLog
from chat.server.net.connection import ENDS, RUNS, Connection, Phase, describe
from chat.server.net.connections import Connections
from chat.server.net.gate import Gate
from chat.server.net.mailbox import Mailbox
from chat.server.net.pacing import Pacer
from chat.server.net.poller import HANGUP, READ, WRITE, EpollPoller, Poller, SelectorsPoller
from chat.server.net.sender import Sender, SendLoop
from chat.server.net.transport import PLAIN, Arrival, Transport
from chat.server.net.writes import Writes
from chat.settings import Settings
from chat.wires.message import Message
from chat.wires.wire import Command, Reject, Wire

READ_BYTES = 16_384  # from one connection in a pass; the rest waits in the kernel
UNFRAMED_READ_BYTES = 4_096  # from an unframed one, whose reads are parsed whole
UNREAD_BYTES = 65_536  # input that waits in a connection without limits before it is read no further
CALLBACKS_A_PASS = 256  # from other threads; most are new connections, some 20 µs each
LINES_A_TURN = 64  # of one connection in a pass; fewer where many are active, so that each has a turn
WORDS_AHEAD = 16  # to rooms, of one connection, that may be on their way to a log that answers later
LINES_A_PASS = 512  # of all connections; some 5 ms of commands; fewer where they cost more than a token each
TRUSTED_LINES_A_PASS = 4_096  # with --rate-limit off: the larger the batch, the fewer sends a message takes
DEAD_LINES_A_PASS = 128  # of dead connections
ANSWERED_A_TURN = 65_536  # bytes of short answers; beyond them the connection's next commands wait for its next turn
ANSWERED_A_PASS = 4_194_304  # bytes of short answers; beyond them all further commands wait for the next pass
ANSWERS_A_PASS = 65_536  # bytes of long answers, of all connections; some 1 ms
BYTES_A_TOKEN = 25_000  # bytes of a long answer that take as long as the work of one token

# s; the bounds of how long passes take. A pass of commands may take 5 ms.
PASS_BOUNDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

IRC = (Message, Reject)  # what the IRC wire makes
_LAST_COST = attrgetter("last_cost")

log = logging.getLogger(__name__)


class Loop:
    """Any thread may call `start`, `adopt`, `stop`, `join` and `mailbox.post`; all else is for the loop's thread."""

    def __init__(
        self,
        settings: Settings,
        gate: Gate,
        failed: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        make_log: Callable[[str, int, Callable[[], float]], Log] = MemoryLog,
        cloak: Callable[[str], str] = str,
        poller: Poller[Connection | None] | None = None,
        sender: Sender | None = None,
        hasher: Hasher | None = None,
    ) -> None:
        """`failed` is called from the loop's thread, with the reason, when a fault has ended it."""
        self._settings = settings
        self._failed = failed
        self._clock = clock
        self._pacer = Pacer(settings.notice_rate, settings.notice_burst)
        self.writes = writes = Writes(self._pacer)
        self._hasher = hasher or HashingThread()
        self.node = Node(settings, writes, wall_clock, make_log, cloak, self._hasher)  # first: a log may not be had
        self.mailbox = Mailbox()
        self._poller = poller or (EpollPoller() if hasattr(select, "epoll") else SelectorsPoller())
        self._poller.watch(self.mailbox.wakeup, READ, None)
        self._sender = sender or SendLoop(settings.helpers)
        self.node.log.start(self.mailbox.post, failed)
        self._hasher.start(self.mailbox.post)
        self.connections = Connections(
            self.node, gate, writes, self._pacer, self._sender, self._poller, clock(), self.mailbox.post
        )
        self._active: dict[Connection, None] = {}  # those whose input may hold a command to run
        self._extra = 0.0  # tokens that the pass's commands have cost beyond one each
        self.commands = 0  # that ran since the start, as are the next three
        self.received = 0  # bytes
        self.passes = [0] * (len(PASS_BOUNDS) + 1)  # by how long they took
        self.passing = 0.0  # s that they took
        self._rested = 0.0  # s; the length of the last wait
        self._sending = 0.0  # s; how long the last pass's sends took
        self._stop_by = math.inf
        self._stopping = ""  # the reason
        self._thread = threading.Thread(target=self._run, name="loop", daemon=True)

    # Any thread

    def start(self) -> None:
        self._thread.start()
        self._sender.start()

    def adopt(self, sock: Transport, host: str, wire: Wire, arrival: Arrival = PLAIN) -> None:
        """Take over a connected, non-blocking socket that the gate has let in."""
        self.mailbox.post(partial(self._adopt, sock, host, wire, arrival))

    def stop(self, reason: str, drain: float, deadline: float) -> None:
        """End all connections, spread over `drain` seconds, and the loop `deadline` seconds after that at the latest.

        A second call replaces the first, for the connections that are left.
        """
        self.mailbox.post(partial(self._begin_stop, reason, drain, deadline))

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end; False when it has not ended in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # The loop

    def _run(self) -> None:
        try:
            while self._stop_by == math.inf or (self.connections and self._clock() < self._stop_by):
                self.step()
        except Exception as fault:
            log.exception("the loop ends after an internal error")
            self._failed(f"the loop ended after an internal error: {fault!r}")
        finally:
            self.close()

    def close(self) -> None:
        for connection in self.connections:
            self.connections.close(connection, "Server stopped")
        self._sender.stop()
        self._hasher.close()
        self.node.log.close()
        self._poller.close()
        self.mailbox.close()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do until something arrives or a deadline comes."""
        runs = (self._active or self.connections.dead) and not self.node.held
        return not (self.mailbox.callbacks or runs or self.connections.ready)

    def step(self) -> None:
        """One pass."""
        ready = self._wait()
        connections = self.connections
        self._pacer.now = connections.now = self._clock()
        self._handle_events(ready)
        if self.mailbox.callbacks:
            for callback in self.mailbox.take(CALLBACKS_A_PASS):
                callback()
        if not self.node.held:
            if self._active:
                self._run_commands()
            if connections.dead:
                self._read_dead()
        if connections.ready:
            self._continue_waiting()
        if connections.now >= connections.look_at:
            for connection in connections.look_at_due():
                self._active[connection] = None
        self.node.fan_out.flush()
        if connections.farewells:
            connections.say_farewells()
        began = self._clock()
        connections.send(share=self._rested >= self._sending)  # less than half busy
        ended = self._clock()
        self._sending = ended - began
        took = ended - connections.now
        self.passes[bisect_left(PASS_BOUNDS, took)] += 1
        self.passing += took

    def _wait(self) -> list[tuple[Connection | None, int]]:
        """Wait for sockets, the mailbox or a deadline."""
        if self._sender.in_flight and self.idle:  # the sends go on while there is something to do
            if ready := self._poller.poll(0.0):
                self._rested = 0.0
                return ready
            self.connections.collect()
        timeout: float | None = 0.0
        if self.idle and self.mailbox.sleep():
            due = min(self.connections.next_deadline(), self._stop_by)
            timeout = None if due == math.inf else max(0.0, due - self._clock())
        began = self._clock()
        ready = self._poller.poll(timeout)
        self._rested = self._clock() - began
        self.mailbox.sleeping = False
        return ready

    # From socket to command

    def _handle_events(self, ready: Sequence[tuple[Connection | None, int]]) -> None:
        for connection, events in ready:
            if connection is None:
                self.mailbox.clear_wakeup()
            elif events & HANGUP:
                self.connections.mark_dead(connection)
            else:
                if events & WRITE:
                    self.connections.flush(connection)
                if events & READ:
                    self._read(connection)

    def _read(self, connection: Connection) -> bool:
        """Read once; False when the peer has ended its output or is cut off."""
        if connection in self._active and connection.throttle is None and connection.wire.waiting >= UNREAD_BYTES:
            return True  # the rest waits in the kernel
        try:
            data = connection.sock.recv(READ_BYTES if connection.dialect.framed else UNFRAMED_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError as error:
            return self._end(connection, describe(error))
        self.received += len(data)
        if not data:
            return self._end(connection)
        if connection.phase in ENDS:
            return True
        connection.last_read = self.connections.now
        if connection.pinged is not None:
            connection.pinged = None
            self.connections.schedule(connection)
        return self._feed(connection, data)

    def _end(self, connection: Connection, error: str = "") -> bool:
        """Nothing more can be read; False."""
        connection.ended = True
        connection.wire.end()
        self.connections.mark_dead(connection, error)
        return False

    def _feed(self, connection: Connection, data: bytes) -> bool:
        """Give the bytes to the connection's wire; False when the wire refuses them or the input limit is reached."""
        try:
            connection.wire.receive(data)
        except WireError as error:
            if connection.wire.wants_to_send:
                self.connections.push_own(connection)
            self.connections.drop(connection, str(error))
            return False
        if connection.wire.wants_to_send:
            self.connections.push_own(connection)
        if connection.throttle is not None and connection.wire.waiting > self._settings.input_limit:
            unread, limit = connection.wire.waiting, self._settings.input_limit
            self.connections.drop(connection, f"Excess flood: {unread:,} bytes unread, the limit is {limit:,}")
            return False
        if connection.resume_at is None:
            self._active[connection] = None
        return True

    def _run_commands(self) -> None:
        """Run commands of each connection in turn, within a pass's limits."""
        left, self._extra = LINES_A_PASS if self.node.charges else TRUSTED_LINES_A_PASS, 0.0
        fair = max(1, min(LINES_A_TURN, left // len(self._active)))
        active = list(self._active)
        if self.node.charges:
            active.sort(key=_LAST_COST)  # a pass ends when its commands have cost much: the modest come first
        for connection in active:
            del self._active[connection]
            turn = min(fair, left)
            ran = self._run_some(connection, turn)
            if ran == turn:
                self._active[connection] = None  # its next turn comes after all others
            self.commands += min(ran, turn)
            if connection.wire.wants_to_send and connection.phase is not Phase.CLOSED:
                self.connections.push_own(connection)
            left -= ran
            if left <= self._extra or self.node.fan_out.answered > ANSWERED_A_PASS:
                return

    def _run_some(self, connection: Connection, most: int) -> int:
        """Run up to `most` commands of one connection; returns their number, and `most` also when its turn is over."""
        throttle, wire = connection.throttle, connection.wire
        answered, extra = self.node.fan_out.answered + ANSWERED_A_TURN, self._extra + most
        for ran in range(most):
            if connection.phase not in RUNS or (connection.pending and not connection.may_go_on):
                return ran
            if throttle is not None and wire.waiting:
                wait = throttle.wait(self.connections.now)
                if wait:
                    self.connections.hold_back(connection, wait)
                    return ran
            try:
                command = connection.deferred or wire.next()
            except WireError as error:
                self.connections.drop(connection, str(error))
                return ran
            if command is None:
                return ran
            if connection.pending and not is_word_to_room(command):
                connection.deferred = command
                self.connections.pause(connection)
                return ran
            connection.deferred = None
            self._run_one(connection, command)
            if self._extra > extra or self.node.fan_out.answered > answered:
                return most
        return most

    def _run_one(self, connection: Connection, command: Command) -> None:
        registered = connection.user is not None
        try:
            if isinstance(command, IRC):
                run(self.node, connection, command)
            else:
                run_unframed(self.node, connection, command)
        except Exception:
            log.exception("a command of %s failed", connection.nick or connection.host)
            self.connections.drop(connection, "Internal error")
        if connection.throttle is not None:
            connection.throttle.spend(1.0 + connection.cost)
            self._extra += connection.cost
            connection.last_cost, connection.cost = connection.cost, 0.0
            if not registered:
                self._count_early(connection)
        if registered is (connection.user is None):
            self.connections.schedule(connection)  # its next deadline may be earlier than the one that is set
        if connection.pending:
            words = connection.reply is None and is_word_to_room(command)
            connection.may_go_on = words and connection.pending < WORDS_AHEAD
            if not connection.may_go_on:
                self.connections.pause(connection)
            if connection.cursor is not None:
                self.connections.ready[connection] = None

    def _count_early(self, connection: Connection) -> None:
        connection.early_lines += 1
        limit = self._settings.registration_lines
        if connection.user is None and connection.early_lines > limit:
            self.connections.drop(connection, f"Excess flood: more than {limit} lines before registration")

    def _read_dead(self) -> None:
        """Read dead connections to their end and close them, a bounded number a pass.

        When thousands hang up at once, the others get their messages between two such portions. Of the input of a peer
        that has gone, as much counts as its rate allows now; otherwise it would go on speaking for as long as its
        backlog lasts. One whose requests are on their way comes again when they are done.
        """
        taken = self.connections.take_dead()
        turn = max(1, min(LINES_A_TURN, DEAD_LINES_A_PASS // len(taken)))
        for connection in taken:
            self._active.pop(connection, None)
            more = self._read_rest(connection, turn)
            self._active.pop(connection, None)
            self.connections.dead.pop(connection, None)
            waits = connection.phase is Phase.DEAD and connection.pending and connection.cursor is None
            if more:
                self.connections.dead[connection] = None
            elif not waits and connection.phase is not Phase.CLOSED:
                told = connection.error or "Remote host closed the connection"
                self.connections.drop(connection, told, farewell=False)

    def _read_rest(self, connection: Connection, turn: int) -> bool:
        """Read, run and answer a portion of a dead connection's input; True when there is more to do now.

        A peer that has closed only its own half gets the answers, as fast as it takes them.
        """
        if connection.cursor is not None:
            self._advance(connection)
            if not connection.pending:
                finish(connection)
            self.connections.send_last_answers(connection)
            return not connection.queue
        if connection.phase is not Phase.DEAD:
            self.connections.send_last_answers(connection)
            return False
        if connection.pending and not connection.may_go_on:
            return False
        more = not connection.ended and self._read(connection)
        ran = self._run_some(connection, turn)
        if ran and connection.phase is Phase.DEAD:
            self.connections.send_last_answers(connection)
        return connection.phase is Phase.DEAD and (more or ran == turn or connection.cursor is not None)

    # Commands and answers that continue

    def _continue_waiting(self) -> None:
        """Continue what waited: make the next portion of an answer, end a command, let the next one run."""
        waiting, self.connections.ready = self.connections.ready, {}
        later: dict[Connection, None] = {}  # to be first in the next pass
        left = ANSWERS_A_PASS
        for connection in waiting:
            if connection.phase is Phase.DEAD:
                self._continue_dead(connection)
            elif left <= 0 and connection.cursor is not None:
                later[connection] = None
            elif connection.phase is not Phase.CLOSED:
                left -= self._continue(connection)
        if later:
            self.connections.ready = later | self.connections.ready

    def _continue(self, connection: Connection) -> int:
        """Continue one that waited; returns the work of a portion of a long answer."""
        work = 0
        if connection.cursor is not None:
            if connection.queue:
                return 0  # it is ready again when its socket has taken that
            work = self._advance(connection)
        if connection.cursor is not None:
            self.connections.ready[connection] = None
        elif not connection.pending:
            finish(connection)
            if self.connections.resume(connection):
                self._active[connection] = None
        return work

    def _continue_dead(self, connection: Connection) -> None:
        """What a dead connection's command waited for has come: send the answers, and read on."""
        if not connection.pending:
            finish(connection)
        self.connections.send_last_answers(connection)
        self.connections.mark_dead(connection)

    def _advance(self, connection: Connection) -> int:
        """Make a portion of the client's long answer; returns the work, in bytes or what took as long."""
        lines, size, work = [], 0, 0.0
        cost = connection.cost
        assert connection.cursor is not None
        for line in connection.cursor:
            if line:
                size += len(line)
                lines.append(line)
            work = max(size, (connection.cost - cost) * BYTES_A_TOKEN)
            if work >= self._settings.answer_limit:
                break
        else:
            connection.cursor = None
            connection.pending -= 1
        if lines:
            connection.send(*lines)
        if connection.throttle is not None:
            connection.throttle.spend(connection.cost)
            connection.cost = 0.0
        return int(work)

    # Callbacks

    def _adopt(self, sock: Transport, host: str, wire: Wire, arrival: Arrival) -> None:
        connection = self.connections.adopt(sock, host, wire, arrival)
        if self._stopping:
            self.connections.drop(connection, self._stopping)
        elif arrival.received:  # the poller does not report it
            self._feed(connection, arrival.received)

    def _begin_stop(self, reason: str, drain: float, deadline: float) -> None:
        self.node.silent = not drain
        self._stopping = reason
        self._stop_by = self.connections.now + drain + deadline
        self.connections.leave(reason, drain)
