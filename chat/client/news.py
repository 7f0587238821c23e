"""What the network tells the window: plain values on a queue.

What happened in a room is one of chat.events; here is the rest, which only a client can see. `at` is in seconds since
the epoch.
"""

from dataclasses import dataclass

from chat.client.members import Member
from chat.client.problem import Problem
from chat.events import Event


@dataclass(frozen=True, slots=True)
class Connecting:
    """The name look-up and the connection are under way."""

    server: str


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The server took us in, as `nick`. `capabilities` are those that it granted."""

    nick: str
    capabilities: frozenset[str]
    at: float


@dataclass(frozen=True, slots=True)
class Names:
    """A part of a room's list of members."""

    room: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class NamesEnd:
    """The room's list of members is complete."""

    room: str


@dataclass(frozen=True, slots=True)
class NickRefused:
    """The server does not let us have `nick`. `taken` says that somebody else has it.

    `instead` is the name that we have asked for since, if the protocol had another.
    """

    nick: str
    reason: str
    taken: bool
    at: float
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server did not do something. `about` is the room, person or command that it names, or empty."""

    about: str
    reason: str
    at: float
    code: str = ""  # the numeric


@dataclass(frozen=True, slots=True)
class Ponged:
    """The server came by the PING with this token, and so by everything that was sent before it."""

    token: str


@dataclass(frozen=True, slots=True)
class ServerSaid:
    """Words of the server itself, for the person to read."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is over, or never came to be. Always the last of a session."""

    reason: str
    at: float
    problem: Problem = Problem.CUT


News = Event | Connecting | Welcomed | Names | NamesEnd | NickRefused | Refused | ServerSaid | Ponged | Lost
