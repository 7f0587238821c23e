"""News from the network to the model: plain values on a queue, comparable by value. Here those of people and rooms.

`at` is in seconds since the epoch.
"""

from dataclasses import dataclass
from enum import StrEnum

from chat.client.irc.server_news import ServerNews


@dataclass(frozen=True, slots=True)
class Person:
    """Someone as the others see them at one moment: `nick!user@host` (modern.ircdocs.horse, "Clients")."""

    nick: str
    user: str
    host: str

    @property
    def mask(self) -> str:
        return f"{self.nick}!{self.user}@{self.host}"


class Kind(StrEnum):
    """How something is said; the value is the IRC verb."""

    MESSAGE = "PRIVMSG"
    NOTICE = "NOTICE"
    TAGS = "TAGMSG"  # no text at all, only client tags: "is typing", a reaction


@dataclass(frozen=True, slots=True)
class Say:
    """Words to a room, or to one person when `to` is a nickname. `tags` are client-only tags, as `+typing=active`."""

    who: Person
    to: str
    text: str
    at: float
    kind: Kind = Kind.MESSAGE
    tags: str = ""
    msgid: str = ""  # the server's own name for it, where it gives one
    label: str = ""  # ours, on an echo of what we sent with one


@dataclass(frozen=True, slots=True)
class Join:
    who: Person
    room: str
    at: float


@dataclass(frozen=True, slots=True)
class Leave:
    """Someone left one room by their own will."""

    who: Person
    room: str
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Quit:
    """Someone left the server, and so every room, for whatever reason."""

    who: Person
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Kick:
    """`who` removed `whom` from the room."""

    who: Person
    room: str
    whom: Person
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rename:
    """`who` is the person under the old nickname."""

    who: Person
    nick: str
    at: float


@dataclass(frozen=True, slots=True)
class Topic:
    who: Person
    room: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Away:
    """Someone went away (`text` says why) or came back (`text` is None)."""

    who: Person
    text: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a room. `ranks` are all the signs before the nickname that the server tells of, the highest first."""

    nick: str
    ranks: str = ""
    away: bool = False

    @property
    def rank(self) -> str:
        """The highest sign, or nothing."""
        return self.ranks[:1]


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
class TopicSetBy:
    """The topic's author and time."""

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
class HistoryCame:
    """Earlier lines of a room or a private talk, oldest first."""

    about: str
    lines: tuple[Say, ...]


News = (
    Say
    | Join
    | Leave
    | Quit
    | Kick
    | Rename
    | Topic
    | Away
    | Names
    | NamesEnd
    | HistoryCame
    | Ranks
    | Seen
    | TopicSetBy
    | Invited
    | ServerNews
)
