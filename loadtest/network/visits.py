"""One visit of a guest, from connecting to the server's last byte, and the timetable of many. Knows no accounts.

When guests come and when they go is fixed before the first one comes: an open-loop Poisson process. So a server that is
slow meets no fewer guests for it, and what they wait counts from the time at which they were meant to come.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from gevent.event import Event

from chat.errors import FanfareError
from chat.wires.lines import LineSplitter, Overlong
from chat.wires.message import Message, build, parse
from loadtest.accounting.accounts import Receiver
from loadtest.accounting.moment import Moment
from loadtest.accounting.reasons import printable
from loadtest.network.connection import Connection
from loadtest.network.framing import LINES
from loadtest.network.handshake import Entry, Login, Refused, Registration
from loadtest.network.sources import Address, Sources

_LINE_LIMIT = 8_191 + 512  # bytes: IRCv3 tags and a message
_MOST_CLOSING = 1 / 3  # of a window, in which nobody comes any more and the last ones go


@dataclass(frozen=True, slots=True)
class Times:
    """When a guest is to come and to go, in nanoseconds after the window's start."""

    come_ns: int
    go_ns: int


def closing_s(stay_s: float, length_s: float) -> float:
    """The end of a window, in which nobody comes: a mean stay, as the last go at about the rate of all others then."""
    return min(stay_s, length_s * _MOST_CLOSING)


def timetable(seed: str, rate: float, stay_s: float, length_s: float) -> list[Times]:
    """Arrivals at `rate` a second, who stay `stay_s` on average, and all go within the window.

    Both waits are exponential. Whoever would still be there at the window's end goes at some moment of its closing
    time, so that no crowd leaves at once.
    """
    random = Random(seed)
    closing = length_s - closing_s(stay_s, length_s)
    times = []
    come = random.expovariate(rate)
    while come < closing:
        go = come + random.expovariate(1 / stay_s)
        if go > length_s:
            go = random.uniform(closing, length_s)
        times.append(Times(round(come * 1e9), round(go * 1e9)))
        come += random.expovariate(rate)
    return times


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
        self._steps: list[Registration | Entry] = [Registration(nick, capabilities, login or Login()), Entry(room)]
        self._splitter = LineSplitter(_LINE_LIMIT)
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
            connection = self._connection = Connection.open(address, seconds, LINES, sources)
            connection.on_lines, connection.on_lost = self._read, self._lost
            connection.start()
            connection.send(self._steps[0].opening())
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
        if not self.joined_ns or b"PING" in data or b"ERROR" in data:
            for line in self._splitter.feed(data):
                with suppress(FanfareError):  # no message: nothing to a guest
                    if not isinstance(line, Overlong):
                        self._heed(parse(line.decode(errors="replace")), at[0])
        if self.joined_ns:  # perhaps by one of these lines, and others after it
            self.on_heard(data, at)

    def _heed(self, message: Message, now_ns: int) -> None:
        if self.joined_ns:
            if message.verb == "PING":
                self.say(build("PONG", *message.params[-1:]))
            elif message.verb == "ERROR":
                self.gone_why = self.gone_why or printable(" ".join(message.params))
        elif not self._settled.is_set():
            self._step(message, now_ns)

    def _step(self, message: Message, now_ns: int) -> None:
        step = self._steps[0]
        try:
            answer = step.feed(message)
        except Refused as refusal:
            self.gone_why = str(refusal)
            self._settled.set()
            return
        if answer:
            self.say(answer)
        if not step.done:
            return
        del self._steps[0]
        if self._steps:
            self.welcomed_ns = now_ns
            self.say(self._steps[0].opening())
        else:
            self.joined_ns = now_ns
            self._settled.set()
            self.on_joined(now_ns)

    def _lost(self, reason: str) -> None:
        self.gone_why = self.gone_why or reason
        for event in (self._settled, self._going, self._ended):
            event.set()
