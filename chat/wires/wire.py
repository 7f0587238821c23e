"""What every wire is made of: commands, which come out of bytes, and dialects, which make bytes of events.

A wire is sans-IO. `Wire` is one connection's reader and holds what that connection said so far; `Dialect` is shared by
all connections that must see the same bytes, so that an event is encoded once for all of them. Neither knows sockets,
nor who is online.
"""

from dataclasses import dataclass
from typing import Protocol

from chat.events import Event
from chat.wires.message import Message
from chat.wires.numerics import Numeric


@dataclass(frozen=True, slots=True)
class Enter:
    """Become a person and join the lobby, under this name or, with none, as a guest."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class TakeName:
    """Someone who is in the lobby already says their name."""

    name: str


@dataclass(frozen=True, slots=True)
class Speak:
    """One line of text to the lobby."""

    text: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Input that the wire could not read but survives: `numeric` is the answer, `reason` its words."""

    numeric: Numeric
    reason: str


Command = Enter | TakeName | Speak | Message | Reject


class Dialect(Protocol):
    """How events look to one kind of client. Immutable, shared between threads, hashable."""

    @property
    def framed(self) -> bool:
        """Messages carry their own end, so several may share a send."""

    @property
    def hears_itself(self) -> bool:
        """Their own words come back to the speaker, unless they negotiate otherwise."""

    @property
    def sees_own_join(self) -> bool:
        """The joiner gets the notice of their own join."""

    def encode(self, event: Event) -> tuple[bytes, ...]:
        """The sends that show `event`; none when this kind of client is not told of it."""

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        """What someone gets once they are in the lobby as `nick`."""

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        """What someone gets before the server closes their connection."""


class Wire(Protocol):
    """One connection's reader."""

    @property
    def dialect(self) -> Dialect:
        """The dialect that this connection starts with."""

    @property
    def hasty(self) -> bool:
        """Its programs name themselves at once: who has not done so by the registration deadline is none of them."""

    @property
    def greeting(self) -> tuple[bytes, ...]:
        """What the server sends on accept, before anything is read."""

    @property
    def opening(self) -> tuple[Command, ...]:
        """Commands that connecting alone stands for."""

    def feed(self, data: bytes) -> list[Command]:
        """The commands that `data` completes. Raises WireError when the peer must be cut off."""
