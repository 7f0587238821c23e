"""News of a connection and of the server itself: its answers, refusals and lists. Those of people and rooms: news.

`at` is in seconds since the epoch.
"""

from dataclasses import dataclass
from enum import Enum


class Problem(Enum):
    """Kinds of ends."""

    CUT = "cut"  # the connection was open, and ended
    REFUSED = "refused"  # nothing listens there
    UNKNOWN_HOST = "unknown host"
    UNREACHABLE = "unreachable"  # no way there, or no answer
    FULL = "full"  # the server has no place for us now
    PASSWORD = "password"  # it wants one, or another
    BANNED = "banned"
    LOGIN = "login"  # the account or its password is not right
    CERTIFICATE = "certificate"  # the server's cannot be verified: somebody has to decide
    SETTINGS = "settings"  # what was asked for cannot be done from here
    FAULT = "fault"  # of this program

    @property
    def hopeless(self) -> bool:
        """Trying again mends nothing: the person has to do something."""
        return self in _HOPELESS


_HOPELESS = frozenset(
    {Problem.PASSWORD, Problem.BANNED, Problem.LOGIN, Problem.CERTIFICATE, Problem.SETTINGS, Problem.FAULT}
)


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
    label: str = ""  # of the line that is refused, where we gave it one


@dataclass(frozen=True, slots=True)
class HistoryRefused:
    """The server does not tell what was said in the room, or with the person, that `about` names."""

    about: str
    reason: str
    at: float
    code: str  # INVALID_TARGET where it tells us nothing of that at all


@dataclass(frozen=True, slots=True)
class Ponged:
    """The server came by the PING with this token, and so by everything that was sent before it."""

    token: str


@dataclass(frozen=True, slots=True)
class OwnAway:
    """We are away now, or back, in the server's words."""

    away: bool
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class ServerSaid:
    """Words of the server itself, for the person to read."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server has done what the line with this label asked for, and has nothing to say about it."""

    label: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A numeric that answers a question: who somebody is, a ban, a mode. `about` is the nick or room, or empty."""

    code: str
    about: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Listed:
    """One room of the server's list."""

    room: str
    members: int
    topic: str


@dataclass(frozen=True, slots=True)
class ListEnd:
    """The list of rooms is complete."""


@dataclass(frozen=True, slots=True)
class NickFree:
    """Nobody has this nickname now."""

    nick: str


@dataclass(frozen=True, slots=True)
class Online:
    """Those of the nicknames we asked about that somebody has."""

    nicks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Supports:
    """What RPL_ISUPPORT tells that the model acts on."""

    tokens: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is over, or never came to be. Always the last of a session."""

    reason: str
    at: float
    problem: Problem = Problem.CUT
    fingerprint: str = ""  # of the certificate that could not be verified


ServerNews = (
    Connecting
    | Welcomed
    | NickRefused
    | Refused
    | HistoryRefused
    | Ponged
    | OwnAway
    | ServerSaid
    | Acknowledged
    | Answered
    | Listed
    | ListEnd
    | NickFree
    | Online
    | Supports
    | Lost
)
