"""What happened in a room, free of any wire: plain values that compare by value.

The server's rules make events, a room's log fixes their order, and each wire's dialect turns them into bytes.
`at` is when it happened, in seconds since the epoch.
"""

from dataclasses import dataclass
from enum import StrEnum


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
class Mode:
    """A room's modes changed: `changes` as `+o ana`."""

    who: Person
    room: str
    changes: str
    at: float


@dataclass(frozen=True, slots=True)
class Away:
    """Someone went away (`text` says why) or came back (`text` is None)."""

    who: Person
    text: str | None
    at: float


@dataclass(frozen=True, slots=True)
class NewRealname:
    """Someone changed their real name (IRCv3 setname)."""

    who: Person
    realname: str
    at: float


Event = Say | Join | Leave | Quit | Kick | Rename | Topic | Mode | Away | NewRealname
