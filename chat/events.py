"""Events: what happened, independent of any wire. Plain values that compare by value.

The server's rules make events, its log gives them their order, and each wire's dialect turns them into bytes. `at` is
the time of the event in seconds since the epoch. `id` is its entry's id in the log, and IRCv3's `msgid`; 0 for an event
that has no entry.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Person:
    """A user as others see it at one moment: `nick!user@host` (modern.ircdocs.horse, "Clients").

    `account` is the one that it is logged in to, empty for none; `bot` says that it called itself one (IRCv3 bot-mode).
    """

    nick: str
    user: str
    host: str
    account: str = ""
    bot: bool = False

    @property
    def mask(self) -> str:
        return f"{self.nick}!{self.user}@{self.host}" if self.user else self.nick  # a server has only a name


def person_of(source: str) -> Person:
    """The person that a line's source names: `nick!user@host`."""
    nick, _, rest = source.partition("!")
    user, _, host = rest.partition("@")
    return Person(nick, user, host)


class Kind(StrEnum):
    """The kind of a message; the value is the IRC verb."""

    MESSAGE = "PRIVMSG"
    NOTICE = "NOTICE"
    TAGS = "TAGMSG"  # no text, only client tags: "is typing", a reaction


@dataclass(frozen=True, slots=True)
class Say:
    """A message to a room, or to one user when `to` is a nickname. `tags` are client-only: `+typing=active`."""

    who: Person
    to: str
    text: str
    at: float
    kind: Kind = Kind.MESSAGE
    tags: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Join:
    """`rank` is what the new member has from the start: mode letters such as `o`, or empty."""

    who: Person
    room: str
    at: float
    rank: str = ""
    id: int = 0
    realname: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """A user left one room by its own decision."""

    who: Person
    room: str
    at: float
    reason: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Quit:
    """A user left the server, and so every room, for whatever reason."""

    who: Person
    at: float
    reason: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Kick:
    """`who` removed `whom` from the room."""

    who: Person
    room: str
    whom: Person
    at: float
    reason: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Invite:
    """`who` invited `whom` into the room."""

    who: Person
    room: str
    whom: Person
    at: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class Rename:
    """`who` has the old nickname, `nick` is the new one."""

    who: Person
    nick: str
    at: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class Topic:
    """`who` set the room's topic; an empty text removes it."""

    who: Person
    room: str
    text: str
    at: float
    id: int = 0


class ModeChange(NamedTuple):
    """One mode set (`on`) or unset. `param` is a nickname for a rank, a mask, a key or a limit; empty for a flag."""

    on: bool
    letter: str
    param: str = ""


@dataclass(frozen=True, slots=True)
class Mode:
    """`who` changed the room's modes, in this order."""

    who: Person
    room: str
    changes: tuple[ModeChange, ...]
    at: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class Away:
    """A user went away (`text` says why) or came back (`text` is None)."""

    who: Person
    text: str | None
    at: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class Wallops:
    """An operator of the server told something to all users who want to hear it."""

    who: Person
    text: str
    at: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class NewRealname:
    """A user changed its real name (IRCv3 setname)."""

    who: Person
    realname: str
    at: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class Login:
    """A user logged in to the account that `who` has now; an empty one: it logged out (IRCv3 account-notify)."""

    who: Person
    at: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class Invited:
    """`who` has invited somebody: for the other members of the room (IRCv3 invite-notify)."""

    who: Person
    room: str
    nick: str
    at: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class Marked:
    """`who` has read a room or a talk up to a time, `timestamp=…`: for the clients of their account alone."""

    who: Person
    target: str
    marker: str
    at: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class Presence:
    """`who` is there, or no longer: for those who watch the nickname (IRCv3 monitor). It comes from the server."""

    who: Person
    at: float
    server: str
    online: bool
    id: int = 0


Event = (
    Say
    | Join
    | Leave
    | Quit
    | Kick
    | Invite
    | Rename
    | Topic
    | Mode
    | Away
    | NewRealname
    | Invited
    | Login
    | Marked
    | Presence
    | Wallops
)
