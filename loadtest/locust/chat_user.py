"""`ChatUser`, a Locust user that talks to a chat server over a raw socket; docs/write-your-own.md has one.

Locust's table has the rows `connect`, `join`, `send`, `receive` and `deliver`. What users of this host say is stamped,
so that each delivery is timed; but losses are accounted for in a scenario only, which knows who should have what.
"""

import hashlib
import itertools
import secrets
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from weakref import WeakKeyDictionary

import gevent
from gevent.event import AsyncResult, Event
from locust import User
from locust.exception import StopUser

from chat.errors import FanfareError
from loadtest.core import stamps
from loadtest.core.ledger import Ledger
from loadtest.core.receiver import Moment, Receiver, Sink
from loadtest.core.stamps import Stamp, Stamps
from loadtest.locust import seams
from loadtest.net.addresses import Sources, resolve
from loadtest.net.connection import Connection, Door
from loadtest.net.layers import layer_of
from loadtest.net.session import Session
from loadtest.run.clocks import boot_id
from loadtest.wires.irc import IrcWire
from loadtest.wires.wire import Login, Refused, Said, Step, Wire


def run_of_this_host() -> str:
    """A run id that all processes of this host agree on without talking, for users outside a scenario."""
    return hashlib.sha256(boot_id().encode()).hexdigest()[:8]


_STAMPS = Stamps(run_of_this_host(), 0)
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
    at_once = False  # without waiting for that
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
        self.ledger: Sink | None = None
        self.receiver = Receiver(self.room)
        self._wire = self.wire(self.nick)
        self._session = Session(self._wire)
        self._step_over: Any = None  # while a step is under way: who waits for its end
        self._waiting: dict[Any, str] = {}  # who waits for which words
        self._said = itertools.count()

    def on_start(self) -> None:
        self.ledger = meter_of(self.environment).ledger
        self.enter(self.room)

    def on_stop(self) -> None:
        self.leave(0)

    @property
    def granted(self) -> frozenset[str]:
        """The IRCv3 capabilities that the server has granted."""
        return self._wire.granted

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
        with nullcontext() if self.at_once else self.door.passing():
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
        self._session = Session(wire)
        address = resolve(self.host or "", wire.scheme, wire.port)
        layer = layer_of(self.host or "", self.wire, self.tls_ca)
        connection = Connection.open(address, self.connect_patience or self.patience, wire, self.sources, layer)
        self.connection = connection
        self.connected()
        connection.on_lines = self._answered
        connection.on_lost = self._lost
        connection.start()
        self._converse(wire.register())

    def _converse(self, step: Step) -> None:
        """Talk to the server until the step is done. Raises Refused or gevent's Timeout."""
        connection = self.connection
        assert connection
        self._step_over = AsyncResult()
        try:
            if data := self._session.begin(step):
                connection.send(data)
            if connection.on_lines == self._heard:  # a member, who enters one more room
                self._listen()
            if not self._session.steps_left:
                return
            with gevent.Timeout(self.patience, TimeoutError(f"no answer within {self.patience:g} s")):
                self._step_over.get()
        finally:
            self._step_over = None

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
        if self._step_over:
            self._step_over.set_exception(Refused(self.gone_why))
        for waiter in self._waiting:
            waiter.set(None)
        self.lost(reason)

    def _listen(self) -> None:
        """From now on what arrives goes to the ledger alone, unless somebody looks at it more closely."""
        if self.connection:
            self.connection.on_lines = self._overheard if self._looks_closely else self._heard

    @property
    def _looks_closely(self) -> bool:
        return bool(
            self._waiting
            or self._session.steps_left
            or type(self).on_message is not ChatUser.on_message
            or not set(self._wire.urgent) <= set(IrcWire.urgent)  # a ledger notices those by itself
        )

    def _answered(self, data: bytes, at: Moment) -> None:
        """Before membership: what may be an answer. In the hub, as all that is heard."""
        try:
            answer = self._session.take(data)
        except Refused as refusal:
            if self._step_over:
                self._step_over.set_exception(refusal)
            return
        if answer and self.connection:
            self.connection.send(answer)
        if self._step_over and not self._session.steps_left:
            self._step_over.set()

    def _heard(self, data: bytes, at: Moment) -> None:
        """As a member: stamps to the ledger; other messages only where one may need an answer."""
        ledger = self.ledger  # without one it is a flood of join notices, while others come in
        if ledger.receive(self.receiver, data, at) if ledger else b"PING" in data or b"ERROR" in data:
            self._answered(data, at)

    def _overheard(self, data: bytes, at: Moment) -> None:
        """The same where every message counts, as somebody waits for one or asked to see them all."""
        if self.ledger:
            self.ledger.receive(self.receiver, data, at)
        self._answered(data, at)
        for message in self._wire.messages(data):
            if said := self._wire.said(message):
                self._tell(Said(said.who, said.room, stamps.without(said.text)))

    def _tell(self, said: Said) -> None:
        for waiter, text in self._waiting.items():
            if text in said.text:
                waiter.set(said)
        self.on_message(said)


_SHOW_EVERY_S = 0.5


class Meter:
    """Everything stamped that users of this process hear from users of this host."""

    def __init__(self, environment: Any) -> None:
        self.ledger = Ledger(Stamps(run_of_this_host(), 0), late_after_ns=1_000_000_000)
        self._show_row = seams.new_row(environment.stats)("deliver", "stamped")
        environment.events.test_stopping.add_listener(lambda **_: self._show())
        gevent.spawn(self._keep_showing)

    def _show(self) -> None:
        self.ledger.flush()
        self._show_row(self.ledger.fanout)

    def _keep_showing(self) -> None:
        while True:
            gevent.sleep(_SHOW_EVERY_S)
            self._show()


_meters: "WeakKeyDictionary[Any, Meter]" = WeakKeyDictionary()


def meter_of(environment: Any) -> Meter:
    if environment not in _meters:
        _meters[environment] = Meter(environment)
    return _meters[environment]
