"""`ChatUser`, a Locust user that talks to a chat server over a raw socket. docs/loadtest.md has a locustfile with one.

Locust's table has the rows `connect`, `join`, `send`, `receive` and `deliver`. What users of this host say is stamped,
so that each delivery is timed; but losses are accounted for in a scenario only, which knows who should have what.
"""

import itertools
import secrets
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import AsyncResult, Event
from gevent.queue import Queue
from locust import User
from locust.exception import StopUser

from chat.errors import FanfareError
from loadtest.accounting import stamps
from loadtest.accounting.accounts import Account, Receiver
from loadtest.accounting.moment import Moment
from loadtest.accounting.stamps import Stamp, Stamps
from loadtest.network.connection import Connection, host_of, resolve
from loadtest.network.door import Door
from loadtest.network.handshake import Login
from loadtest.network.sources import Sources
from loadtest.network.tls import Tls, context_of
from loadtest.wires import IrcWire, Refused, Said, Step, Wire
from loadtest.worker.meter import meter_of

_STAMPS = Stamps(stamps.run_of_this_host(), 0)
_HERE = secrets.randbits(24)  # tells this process's users from those of another in a stamp


class ChatUser(User):  # type: ignore[misc]  # Locust is untyped here
    """Connects, registers and joins `room` as it starts, leaves as it stops.

    A task may `say` something, `wait_for` words, `leave`, `enter` again or another room; `on_message` sees what others
    say. `nick`, `host` and `receiver.room` are its name, the server's URL and the room that it is in.
    """

    abstract = True
    room = "#lobby"
    wire: type[Wire] = IrcWire  # the protocol; `host` begins with its scheme
    capabilities: tuple[str, ...] = ()  # IRCv3, asked for where the server offers them
    login = Login()  # a server's password, an account
    tls_ca = ""  # a file with the authorities that vouch for the server; the system's otherwise
    door = Door(8)  # of the process: how many connect and register at a time
    sources = Sources()  # of the process: the local addresses that connections come from
    patience = 60.0  # seconds for connecting and registering, and again for joining
    connect_patience: float | None = None  # seconds for the TCP connection alone, where that is less

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.nick = f"u{secrets.token_hex(4)}"  # 9 characters, the least that servers allow
        self.label = type(self).__name__  # the name in Locust's table
        self.connection: Connection | None = None
        self.gone = Event()  # set when the server or the network ended the connection; `gone_why` says how
        self.gone_why = ""
        self.failure: Exception | None = None  # what the last way in came to grief with
        self.account: Account | None = None
        self.receiver = Receiver(self.room)
        self._wire = self.wire(self.nick)
        self._answers: Any = Queue()
        self._conversing = False
        self._waiting: dict[Any, str] = {}  # who waits for which words
        self._said = itertools.count()

    def on_start(self) -> None:
        self.account = meter_of(self.environment).account
        self.enter(self.room)

    def on_stop(self) -> None:
        self.leave(0)

    def enter(self, room: str) -> bool:
        """Connect, register, join; only join, when connected. Waits for it: up to `patience` seconds for either.

        False when it fails; Locust's table has the reason. It raises nothing, as Locust prints a traceback for
        whatever `on_start` raises. `say` raises StopUser then.
        """
        if self.connection and self.connection.is_open:
            joined = self._timed("join", lambda: self._converse(self._wire.enter(room)))
            self._listen()
            return joined
        self.receiver = Receiver(room)
        self.gone.clear()
        self.gone_why = ""
        self.failure = None
        with self.door.passing():
            connected = self._timed("connect", self._connect)
        if connected and self._timed("join", lambda: self._converse(self._wire.enter(room))):
            self._listen()
        return self.connection is not None

    def say(self, text: str, room: str = "") -> None:
        """Say it to the room, or to another, with a stamp before it. Never waits.

        The row `send` of Locust's table. Raises StopUser, which ends this user, when the connection is gone.
        """
        intended_ns = time.monotonic_ns()
        stamp = Stamp(_HERE, next(self._said), intended_ns)
        words = f"{_STAMPS.head(stamp)} {text}"
        began = time.perf_counter()
        if not self.send_words(room or self.receiver.room, words):
            raise StopUser(self.gone_why)
        self._fire("send", began, length=len(words))

    def send_words(self, room: str, words: str) -> bool:
        """Send words as they are. Never waits. False when the connection is gone."""
        return self.connection is not None and self.connection.send(self._wire.say(room, words))

    def wait_for(self, text: str, seconds: float = 10.0) -> Said | None:
        """Wait until somebody says something with `text` in it, from now on; None when nobody does in time.

        The row `receive` of Locust's table; a failure there when it is None. Raises StopUser when the connection is, or
        goes, lost.
        """
        waiter: Any = AsyncResult()
        began = time.perf_counter()
        self._waiting[waiter] = text
        self._listen()
        try:
            said: Said | None = waiter.wait(seconds) if self.connection and self.connection.is_open else None
        finally:
            del self._waiting[waiter]
            self._listen()
        if said is None and not (self.connection and self.connection.is_open):
            raise StopUser(self.gone_why)
        late = None if said else TimeoutError(f"nobody said {text!r} within {seconds:g} s")
        self._fire("receive", began, length=len(said.text) if said else 0, error=late)
        return said

    def on_message(self, message: Said) -> None:
        """Called with what anybody says, without its stamp. For subclasses.

        In the hub: it must not wait, but may `say` something. Overriding it costs the generator time at every delivery.
        """

    def leave(self, seconds: float = 5.0) -> None:
        """Say goodbye, wait up to so many seconds until the server has closed, and close. Harmless when not connected.

        A user who does not wait may find its name still in use when it enters again.
        """
        connection, self.connection = self.connection, None
        if connection and connection.is_open:
            closed = Event()
            connection.on_lost = lambda reason: closed.set()
            goodbye = self._wire.goodbye()
            if goodbye and connection.send(goodbye) and seconds:
                closed.wait(seconds)
            connection.close()

    def _connect(self) -> None:
        wire = self._wire = self.wire(self.nick, self.capabilities)
        wire.login = self.login
        address = resolve(self.host or "", wire.scheme, wire.port)
        tls = Tls(context_of(self.tls_ca), host_of(self.host or "")) if wire.tls else None
        connection = Connection.open(address, self.connect_patience or self.patience, wire, self.sources, tls)
        self.connection = connection
        self.connected()
        connection.on_lines = self._answered
        connection.on_lost = self._lost
        connection.start()
        self._converse(wire.register())

    def _converse(self, step: Step) -> None:
        """Talk to the server until the step is done. Raises Refused or gevent's Timeout."""
        assert self.connection
        self._answers = Queue()
        self._conversing = True
        if self.connection.on_lines == self._heard:  # a member, who enters one more room
            self._listen()
        try:
            with gevent.Timeout(self.patience, TimeoutError(f"no answer within {self.patience:g} s")):
                data = next(step)
                while True:
                    if data:
                        self.connection.send(data)
                    message = self._answers.get()
                    if message is None:
                        raise Refused(self.gone_why)
                    data = step.send(message)
        except StopIteration as done:
            if done.value:
                self.connection.send(done.value)
        finally:
            self._conversing = False

    def _timed(self, kind: str, work: Callable[[], None]) -> bool:
        began = time.perf_counter()
        try:
            work()
        except (OSError, FanfareError) as error:  # what a server or a network does; anything else is our own fault
            self.leave(0)
            self.failure = error
            self._fire(kind, began, error=error)
            self.gone_why = f"{kind}: {error}"
            self.gone.set()
            self.refused(self.gone_why)
            return False
        self._fire(kind, began)
        return True

    def _fire(self, kind: str, began: float, length: int = 0, error: Exception | None = None) -> None:
        self.environment.events.request.fire(
            request_type=kind,
            name=self.label,
            response_time=(time.perf_counter() - began) * 1000,
            response_length=length,
            exception=error,
            context={},
        )

    def connected(self) -> None:
        """Called when the TCP connection stands; registering follows. It must not wait. For subclasses."""

    def refused(self, reason: str) -> None:
        """Called when the user did not get in. For subclasses."""

    def lost(self, reason: str) -> None:
        """Called in the hub when a user who was in lost the connection; it must not wait. For subclasses."""

    def _lost(self, reason: str) -> None:
        self.gone_why = self.gone_why or self._wire.last_words or reason
        self.gone.set()
        self._answers.put_nowait(None)
        for waiter in self._waiting:
            waiter.set(None)
        self.lost(reason)

    def _listen(self) -> None:
        """From now on what arrives goes to the account alone, unless somebody looks at it more closely."""
        if self.connection:
            self.connection.on_lines = self._overheard if self._looks_closely else self._heard

    @property
    def _looks_closely(self) -> bool:
        return bool(
            self._waiting
            or self._conversing
            or type(self).on_message is not ChatUser.on_message
            or not set(self._wire.urgent) <= set(IrcWire.urgent)  # an account notices those by itself
        )

    def _answered(self, data: bytes, at: Moment) -> None:
        """Before membership: what may be an answer, for the greenlet that waits."""
        for message in self._wire.answers(data):
            self._answers.put_nowait(message)

    def _heard(self, data: bytes, at: Moment) -> None:
        """As a member: stamps to the account; other messages only where one may need an answer."""
        account = self.account  # without one it is a flood of join notices, while others come in
        if account.receive(self.receiver, data, at) if account else b"PING" in data or b"ERROR" in data:
            self._heed(data)

    def _overheard(self, data: bytes, at: Moment) -> None:
        """The same where every message counts, as somebody waits for one or asked to see them all."""
        if self.account:
            self.account.receive(self.receiver, data, at)
        self._heed(data)
        if self._conversing:
            self._answered(data, at)
        for message in self._wire.messages(data):
            if said := self._wire.said(message):
                self._tell(Said(said.who, said.room, stamps.without(said.text)))

    def _tell(self, said: Said) -> None:
        for waiter, text in self._waiting.items():
            if text in said.text:
                waiter.set(said)
        self.on_message(said)

    def _heed(self, data: bytes) -> None:
        wire = self._wire
        for message in wire.messages(data):
            answer = wire.heed(message) if any(word in message for word in wire.urgent) else b""
            if answer and self.connection:
                self.connection.send(answer)
