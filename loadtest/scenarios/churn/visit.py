"""One visit of a guest, from connecting to the server's last byte. Knows no accounts."""

import time
from collections.abc import Callable

from gevent.event import Event

from chat.wires.message import build
from loadtest.core.receiver import Moment, Receiver
from loadtest.net.addresses import Address, Sources
from loadtest.net.connection import Connection
from loadtest.net.session import Session
from loadtest.wires.irc import IrcWire
from loadtest.wires.wire import Login, Refused


class Visit:
    """`enter` and `see_out` wait, one after the other; the rest does not. All of it in the hub's thread."""

    def __init__(self, nick: str, room: str, capabilities: tuple[str, ...] = (), login: Login | None = None) -> None:
        self.welcomed_ns = 0  # when the server had registered the guest
        self.joined_ns = 0  # when it was in the room; 0 means not yet
        self.quit_ns = 0  # when it said goodbye; 0 means not yet
        self.gone_why = ""  # how the connection ended, once it has
        self.on_joined: Callable[[int], None] = lambda now_ns: None  # given the time; it must not wait
        self.on_heard: Callable[[bytes, Moment], object] = lambda data, at: None  # whole lines, once in
        self.receiver = Receiver(room)  # of what others say meanwhile
        self._wire = IrcWire(nick, capabilities)
        self._wire.login = login or Login()
        self._session = Session(self._wire)
        self._connection: Connection | None = None
        self._settled = Event()  # in, or refused
        self._going = Event()  # has said goodbye, or lost the connection
        self._ended = Event()

    @property
    def is_in(self) -> bool:
        return bool(self.joined_ns) and not self._going.is_set()

    def enter(self, address: Address, seconds: float, sources: Sources) -> None:
        """Connect, register and join. Raises Refused or OSError; the connection is closed then."""
        until = time.monotonic() + seconds
        try:
            connection = self._connection = Connection.open(address, seconds, self._wire, sources)
            connection.on_lines, connection.on_lost = self._read, self._lost
            connection.start()
            connection.send(self._session.begin(self._wire.register(), self._wire.enter(self.receiver.room)))
            self._settled.wait(until - time.monotonic())
            if not self.joined_ns:
                raise Refused(self.gone_why or f"not in within {seconds:g} s")
        except BaseException:
            self.close()
            raise

    def say(self, data: bytes) -> bool:
        """Send it; False when the connection is gone."""
        return self._connection is not None and self._connection.send(data)

    def quit(self, text: str) -> bool:
        """Say goodbye; False when the connection is gone, or that was said before."""
        if not self.is_in or not self.say(build("QUIT", text)):
            return False
        self.quit_ns = time.monotonic_ns()
        self._going.set()
        return True

    def see_out(self, seconds: float) -> bool:
        """Wait for `quit`, and then for the server to close; False, having closed, when it did not within `seconds`.

        Returns as well when the connection ends before: `quit_ns` is 0 then.
        """
        self._going.wait()
        closed: bool = self._ended.wait(seconds)
        self.close()
        return closed

    def close(self) -> None:
        if self._connection:
            self._connection.close()

    def _read(self, data: bytes, at: Moment) -> None:
        """In the hub. Once in, only what the server asks for, and its last words, are looked at here."""
        try:
            answer = self._session.take(data)
        except Refused as refusal:
            self.gone_why = self.gone_why or str(refusal)
            self._settled.set()
            return
        if answer:
            self.say(answer)
        if not self.joined_ns:
            self._came_on(at[0])
        if self.joined_ns:  # perhaps by one of these lines, and others after it
            self.on_heard(data, at)

    def _came_on(self, now_ns: int) -> None:
        if self._session.steps_left < 2:
            self.welcomed_ns = self.welcomed_ns or now_ns
        if not self._session.steps_left:
            self.joined_ns = now_ns
            self._settled.set()
            self.on_joined(now_ns)

    def _lost(self, reason: str) -> None:
        self.gone_why = self.gone_why or self._wire.last_words or reason
        for event in (self._settled, self._going, self._ended):
            event.set()
