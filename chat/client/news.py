"""What the network tells the window: plain values on a queue.

What happened in a room is one of chat.events; here is the rest, which only a client can see. `at` is in seconds since
the epoch.
"""

from dataclasses import dataclass

from chat.client.members import Member
from chat.client.problem import Problem
from chat.events import Event, Person


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
class Ranks:
    """Somebody changed a room's modes: `changes` as `+o ana`, and in `given` whose rank was given or taken by it."""

    who: Person
    room: str
    changes: str
    given: tuple[tuple[str, str, bool], ...]  # nickname, sign of the rank, whether it is theirs now
    at: float


@dataclass(frozen=True, slots=True)
class Seen:
    """Whether somebody is away, from a list that we asked for."""

    nick: str
    away: bool


@dataclass(frozen=True, slots=True)
class OwnAway:
    """We are away now, or back, in the server's words."""

    away: bool
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class TopicSetBy:
    """Who set the topic, and when."""

    room: str
    nick: str
    at: float


@dataclass(frozen=True, slots=True)
class Invited:
    """`who` asks `whom` into a room."""

    who: Person
    whom: str
    room: str
    at: float


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


News = (
    Event
    | Connecting
    | Welcomed
    | Names
    | NamesEnd
    | NickRefused
    | Refused
    | Ponged
    | Ranks
    | Seen
    | OwnAway
    | TopicSetBy
    | Invited
    | ServerSaid
    | Lost
)
