"""`ChatUser`, a Locust user that talks IRC over a raw socket. Subclass it in any locustfile:

    from locust import constant, task
    from loadtest.users import ChatUser

    class Talker(ChatUser):
        room = "#lobby"
        wait_time = constant(1)

        @task
        def talk(self):
            self.say("hello, everyone")

Locust's table then has the rows `connect`, `join`, `send` and `deliver`. What users of this host say is stamped, so
that each delivery is timed, but losses are not accounted for: that takes a scenario, which knows who should have what.
"""

import itertools
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import gevent
from gevent.event import Event
from gevent.queue import Queue
from locust import User
from locust.exception import StopUser

from chat.errors import FanfareError
from chat.wires.lines import LineSplitter, Overlong
from chat.wires.message import Message, build, parse
from loadtest import stamps
from loadtest.accounts import Account, Receiver
from loadtest.connection import Connection, resolve
from loadtest.door import Door
from loadtest.handshake import Entry, Refused, Registration
from loadtest.rows import Row
from loadtest.stamps import Stamp

_LINE_LIMIT = 8_191 + 512  # bytes: IRCv3 tags and a message
# What a step of the way in may want: everything else, the list of names and who else comes above all, is not even
# parsed. With 1,000 who come at once, parsing it all was half of the generator's work. The line end in front and the
# groups that give nothing back (`++`) make it 6 times as fast as `^`.
_ANSWERS = re.compile(rb"\n((?:@[^ \n]*+ ++)?+(?::[^ \n]*+ ++)?+(?:PING|ERROR|CAP|001|366|[4-9][0-9][0-9]) [^\r\n]*)")
_SHOW_EVERY_S = 0.5
_HERE = secrets.randbits(24)  # tells this process's users from those of another in a stamp


class _Step(Protocol):
    done: bool

    def opening(self) -> bytes: ...
    def feed(self, message: Message) -> bytes: ...


class ChatUser(User):  # type: ignore[misc]  # Locust is untyped here
    """Connects, registers and joins `room` as it starts, leaves as it stops."""

    abstract = True
    room = "#lobby"
    capabilities: tuple[str, ...] = ()  # IRCv3, asked for where the server offers them
    door = Door(8)  # of the process: how many connect and register at a time
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
        self._answers: Any = Queue()
        self._said = itertools.count()

    def on_start(self) -> None:
        self.account = _meter(self.environment).account
        self.enter(self.room)

    def on_stop(self) -> None:
        self.leave()

    def enter(self, room: str) -> bool:
        """Connect, register, join. False when that fails; Locust's table has the reason.

        It raises nothing, as Locust prints a traceback for whatever `on_start` raises. `say` raises StopUser then.
        """
        self.receiver = Receiver(room)
        self.gone.clear()
        self.gone_why = ""
        self.failure = None
        self._answers = Queue()
        with self.door.passing():
            connected = self._timed("connect", self._connect)
        if connected and self._timed("join", lambda: self._converse(Entry(room))) and self.connection:
            self.connection.on_lines = self._heard
        return self.connection is not None

    def say(self, text: str, room: str = "") -> None:
        """Say it to the room, with a stamp before it. Never waits. Raises StopUser when the connection is gone."""
        intended_ns = time.monotonic_ns()
        stamp = Stamp(_HERE, next(self._said), intended_ns)
        words = stamps.text(stamps.run_of_this_host(), 0, stamp, 0) + text
        began = time.perf_counter()
        if not self.connection or not self.connection.send(build("PRIVMSG", room or self.receiver.room, words)):
            raise StopUser(self.gone_why)
        self._fire("send", began, length=len(words))

    def leave(self) -> None:
        """Say goodbye and close. Harmless without a connection."""
        connection, self.connection = self.connection, None
        if connection and connection.is_open:
            connection.send(build("QUIT", "done"))
            connection.close()

    def _connect(self) -> None:
        connection = Connection.open(resolve(self.host or ""), self.connect_patience or self.patience)
        self.connection = connection
        self.connected()
        connection.on_lines = self._answered
        connection.on_lost = self._lost
        connection.start()
        self._converse(Registration(self.nick, self.capabilities))

    def _converse(self, step: _Step) -> None:
        """Talk to the server until the step is done. Raises Refused or gevent's Timeout."""
        assert self.connection
        self.connection.send(step.opening())
        with gevent.Timeout(self.patience, TimeoutError(f"no answer within {self.patience:g} s")):
            while not step.done:
                message = self._answers.get()
                if message is None:
                    raise Refused(self.gone_why)
                self.connection.send(step.feed(message))

    def _timed(self, kind: str, work: Callable[[], None]) -> bool:
        began = time.perf_counter()
        try:
            work()
        except (OSError, FanfareError) as error:  # what a server or a network does; anything else is our own fault
            self.leave()
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
        self.gone_why = self.gone_why or reason
        self.gone.set()
        self._answers.put_nowait(None)
        self.lost(reason)

    def _answered(self, data: bytes, now_ns: int) -> None:
        """Before membership: what may be an answer, for the greenlet that waits."""
        for line in _ANSWERS.findall(b"\n" + data):
            for message in _messages(line + b"\n"):
                self._answers.put_nowait(message)

    def _heard(self, data: bytes, now_ns: int) -> None:
        """As a member: stamps to the account; other lines only where one may need an answer."""
        if self.account:
            urgent = self.account.receive(self.receiver, data, now_ns)
        else:  # a flood of join notices, while others come in
            urgent = b"PING" in data or b"ERROR" in data
        if urgent and self.connection:
            for message in _messages(data):
                if message.verb == "PING":
                    self.connection.send(build("PONG", *message.params[-1:]))
                elif message.verb == "ERROR":
                    self.gone_why = " ".join(message.params)  # the server's reason; the close follows


def _messages(data: bytes) -> list[Message]:
    """Whole lines as messages; a line that is no message is nothing to a user."""
    messages = []
    for line in LineSplitter(_LINE_LIMIT).feed(data):
        if not isinstance(line, Overlong):
            try:
                messages.append(parse(line.decode(errors="replace")))
            except FanfareError:
                continue
    return messages


class _Meter:
    """Deliveries of users outside a scenario, for Locust's table."""

    def __init__(self, environment: Any) -> None:
        self.account = Account(stamps.pattern(stamps.run_of_this_host(), 0), late_after_ns=1_000_000_000)
        self._stats = environment.stats
        self._row = Row(self._stats, "deliver", "stamped")
        environment.events.test_stopping.add_listener(lambda **_: self._show())
        gevent.spawn(self._keep_showing)

    def _show(self) -> None:
        self.account.flush()
        self._row.show(self.account.fanout)

    def _keep_showing(self) -> None:
        while True:
            gevent.sleep(_SHOW_EVERY_S)
            self._show()


_meters: "WeakKeyDictionary[Any, _Meter]" = WeakKeyDictionary()


def _meter(environment: Any) -> _Meter:
    if environment not in _meters:
        _meters[environment] = _Meter(environment)
    return _meters[environment]
