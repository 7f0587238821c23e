"""The two halves of a wire: commands come out of bytes, and a dialect turns events into bytes.

Both are sans-IO. A `Wire` reads one connection and keeps the bytes that it has not yet cut into commands. A `Dialect`
is shared by all connections that see the same bytes, so that an event is encoded once for all of them. Neither knows
sockets, nor who is online.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chat.events import Event
from chat.wires.message import Message
from chat.wires.numerics import Numeric


@dataclass(frozen=True, slots=True)
class Enter:
    """Become a user and join the lobby, under this name or, without one, as a guest."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class TakeName:
    """A guest in the lobby takes a name."""

    name: str


@dataclass(frozen=True, slots=True)
class Speak:
    """One line of text to the lobby."""

    text: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Input that the wire could not read; the connection goes on. `numeric` is the answer, `reason` its text."""

    numeric: Numeric
    reason: str


@dataclass(frozen=True, slots=True)
class Blank:
    """Input that does nothing, such as an empty line. It costs as much as any other line."""


BLANK = Blank()

Command = Enter | TakeName | Speak | Message | Reject | Blank


class Dialect(Protocol):
    """How events look to one kind of client. Immutable, shared by many connections, hashable."""

    @property
    def framed(self) -> bool:
        """Each message carries its own end, so several may share a send."""

    @property
    def numerics(self) -> bool:
        """Answers and numerics can be shown. Clients of the other dialects are sent nothing but events."""

    @property
    def echoes(self) -> bool:
        """Users get a copy of their own messages, unless they negotiate otherwise."""

    @property
    def sees_own_join(self) -> bool:
        """Users get the notice of their own join."""

    @property
    def wrap(self) -> Callable[[bytes | memoryview], bytes] | None:
        """What turns whole lines into the bytes to send; None where they are sent as they are. Farewells, and what a
        wire itself sends, are not wrapped."""

    def encode(self, event: Event) -> tuple[bytes, ...]:
        """The sends for `event`; none when clients of this kind do not show it."""

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        """The sends to a user that has entered the lobby as `nick`."""

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        """The sends for a sentence from the server, before it closes a connection or, on a wire without numerics, to
        say why it did not do something."""

    def summary(self, count: int) -> tuple[bytes, ...]:
        """One notice in place of `count` joins and departures; none for a dialect that merges no notices."""


class Wire(Protocol):
    """One connection's reader.

    Both `receive` and `next` raise WireError when the peer must be cut off. After that the wire drops all that it
    has and all that it is given.
    """

    @property
    def dialect(self) -> Dialect:
        """The dialect that this connection starts with."""

    @property
    def greeting(self) -> tuple[bytes, ...]:
        """The sends on accept, before anything is read."""

    @property
    def registers_at_once(self) -> bool:
        """Clients of this wire register at once; disconnect those that miss the registration deadline."""

    @property
    def listens(self) -> bool:
        """A connection gets the lobby's events from the start, before its user has entered."""

    @property
    def answers_ping(self) -> bool:
        """A client answers PING, so a silent connection can be asked whether it is alive."""

    @property
    def has_commands(self) -> bool:
        """A user of this wire can use an operator's rights."""

    def receive(self, data: bytes) -> None:
        """Take the bytes of one `recv`."""

    def next(self) -> Command | None:
        """Cut the next command out of the waiting bytes; None when there is no whole one."""

    @property
    def waiting(self) -> int:
        """Bytes received and not yet cut into commands."""

    def end(self) -> None:
        """The peer has ended its output, so an incomplete command will stay incomplete. Whole ones still count."""

    @property
    def wants_to_send(self) -> bool:
        """`data_to_send` has something."""

    @property
    def has_ended(self) -> bool:
        """The connection ends, and the wire has told the peer so in its own protocol."""

    def data_to_send(self) -> bytes:
        """Take the bytes that the wire itself has to send, such as an answer of its own protocol."""
