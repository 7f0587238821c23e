"""The IRC wire: lines to messages, events to lines. Knows the grammar and its limits, no users.

Sources: https://modern.ircdocs.horse, https://ircv3.net/irc/ (message-tags, server-time, away-notify, setname).
"""

import time
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import lru_cache

from chat.errors import WireError
from chat.events import (
    Away,
    Event,
    Invite,
    Invited,
    Join,
    Kick,
    Kind,
    Leave,
    Login,
    Mode,
    ModeChange,
    NewRealname,
    Presence,
    Quit,
    Rename,
    Say,
    Topic,
    Wallops,
)
from chat.wires.foreign import refuse_foreign_verb
from chat.wires.message import parse
from chat.wires.numerics import ERR_INPUTTOOLONG, ERR_UNKNOWNERROR
from chat.wires.wire import BLANK, Command, Reject

LINE_BYTES = 512  # a line with its line end, without its tags; as old as IRC
TAG_BYTES = 4096  # what a client may send of tags, the `@` and the space after them included (message-tags)
ENDLESS_BYTES = 65_536  # of one line without an end, before the peer is cut off; no client sends that

_LONGEST = TAG_BYTES + LINE_BYTES  # a line with its line end
_TOO_LONG = Reject(ERR_INPUTTOOLONG, ERR_INPUTTOOLONG.text)
_UNREADABLE = Reject(ERR_UNKNOWNERROR, "A line may not hold NUL or a carriage return")

CAPABILITIES = (
    "account-notify",
    "account-tag",
    "away-notify",
    "batch",
    "cap-notify",
    "draft/read-marker",
    "echo-message",
    "extended-join",
    "extended-monitor",
    "invite-notify",
    "labeled-response",
    "message-tags",
    "multi-prefix",
    "sasl",
    "server-time",
    "setname",
    "standard-replies",
    "userhost-in-names",
)


MARKER_CAPABILITY = "draft/read-marker"
REGISTRATION_CAPABILITY = "draft/account-registration"  # of a server where people may register accounts
HISTORY_CAPABILITIES = ("draft/chathistory", "draft/event-playback")  # of a server whose log can be asked


# The capabilities that change how events look; the values are the events that nobody sees without them.
SHAPING: dict[str, type | None] = {
    "account-notify": Login,
    "account-tag": None,
    "away-notify": Away,
    "extended-join": None,
    "invite-notify": Invited,
    "message-tags": None,
    "server-time": None,
    "setname": NewRealname,
}
_SHAPING = frozenset(SHAPING)


class IrcDialect:
    """A set of the capabilities that change how events look. There is one object for each set: `of`."""

    __slots__ = ("_account", "_extended_join", "_hidden", "_tags", "_time")

    framed = True
    wrap: Callable[[bytes | memoryview], bytes] | None = None
    numerics = True
    echoes = False  # echo-message changes this for one user; the dialect stays shared
    sees_own_join = True

    def __init__(self, have: frozenset[str]) -> None:
        self._tags = "message-tags" in have
        self._time = "server-time" in have
        self._account = "account-tag" in have
        self._extended_join = "extended-join" in have
        self._hidden = frozenset(SHAPING[name] for name in _SHAPING - have)

    @staticmethod
    def of(capabilities: Iterable[str]) -> "IrcDialect":
        """The dialect that all clients with these capabilities share."""
        have = _SHAPING.intersection(capabilities)
        dialect = _DIALECTS.get(have)
        if dialect is None:
            dialect = _DIALECTS[have] = IrcDialect(have)
        return dialect

    with_capabilities = of  # of the same kind of connection: a WebSocket has dialects of its own

    def encode(self, event: Event) -> tuple[bytes, ...]:
        tags = f"time={timestamp(event.at)}" if self._time else ""
        if event.id and self._tags:
            tags += f";msgid={event.id:x}" if tags else f"msgid={event.id:x}"
        who, kind = event.who, type(event)
        if self._account and who.account and kind is not Presence:  # which the server says, not the user
            tags += f";account={who.account}" if tags else f"account={who.account}"
        if who.bot and self._tags and kind is not Presence:
            tags += ";bot" if tags else "bot"
        if isinstance(event, Say):
            if event.tags and self._tags:
                tags = f"{tags};{event.tags}" if tags else event.tags
            elif event.kind is Kind.TAGS and not self._tags:
                return ()
        elif kind in self._hidden:
            return ()
        body = _BODIES[kind](event)
        if isinstance(event, Join) and self._extended_join:
            body += f" {who.account or '*'} :{event.realname}"
        line = f"{body}\r\n".encode()
        if len(line) > LINE_BYTES:
            line = fit(line)
        return (f"@{tags} ".encode() + line if tags else line,)

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        return ()  # the numerics of registration do that

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        return (fit(f"ERROR :Closing link: {reason}\r\n".encode()),)

    def summary(self, count: int) -> tuple[bytes, ...]:
        return ()  # each join and departure is shown


_DIALECTS: dict[frozenset[str], IrcDialect] = {}


class _State(Enum):
    """The states of a connection's input."""

    START = "nothing but blank lines has arrived: the peer may speak another protocol"
    LINES = "lines are cut as they are asked for"
    SKIPPING = "inside a line that was refused as too long"
    REFUSED = "all input is dropped"


class IrcWire:
    """One IRC connection's reader. It keeps bytes, and parses a line only when `next` asks for it."""

    __slots__ = ("_at", "_buffer", "_skipped", "_state")

    dialect = IrcDialect.of(())
    greeting: tuple[bytes, ...] = ()
    registers_at_once = True
    listens = False
    answers_ping = True
    has_commands = True
    wants_to_send = False
    has_ended = False

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0  # where in the buffer the next line begins
        self._state = _State.START
        self._skipped = 0  # bytes so far of the line that is being skipped

    @property
    def waiting(self) -> int:
        return len(self._buffer) - self._at

    def receive(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer[self._at :] + data
            self._at = 0
        self._buffer = data
        if self._state is not _LINES:
            self._look()

    def next(self) -> Command | None:
        buffer, at = self._buffer, self._at
        end = buffer.find(b"\n", at)
        if end < 0:
            return None if len(buffer) - at < _LONGEST else self._give_up()
        if end + 1 == len(buffer):
            self._buffer = b""  # frees the bytes of the last recv of every silent connection
            self._at = 0
        else:
            self._at = end + 1
        return _read(buffer[at:end])

    def end(self) -> None:
        """A line without its end is dropped."""
        self._buffer = self._buffer[self._at : self._buffer.rfind(b"\n") + 1]
        self._at = 0

    def data_to_send(self) -> bytes:
        return b""

    def _look(self) -> None:
        """Handle new bytes in every state but LINES."""
        if self._state is _State.REFUSED:
            self._buffer = b""
        elif self._state is _State.SKIPPING:
            rest = self._buffer.partition(b"\n")
            self._skipped += len(rest[0])
            self._buffer = rest[2]
            if rest[1]:
                self._state = _LINES
            else:
                self._refuse_endless()
        else:
            start = self._buffer.lstrip(b" \r\n")
            try:
                refuse_foreign_verb(start)
            except WireError:
                self._refuse()
                raise
            if b"\n" in start:
                self._state = _LINES

    def _give_up(self) -> Reject:
        """Refuse a line that is too long before it has ended, and skip the rest of it."""
        self._state = _State.SKIPPING
        self._skipped = self.waiting
        self._buffer = b""
        self._at = 0
        self._refuse_endless()
        return _TOO_LONG

    def _refuse_endless(self) -> None:
        if self._skipped > ENDLESS_BYTES:
            self._refuse()
            raise WireError(f"line has no end after {self._skipped:,} bytes, the limit is {LINE_BYTES}")

    def _refuse(self) -> None:
        self._state = _State.REFUSED
        self._buffer = b""
        self._at = 0


_LINES = _State.LINES


def _read(line: bytes) -> Command:
    """One line, without its line feed, as a command."""
    line = line.removesuffix(b"\r")
    if not line:
        return BLANK
    if len(line) > LINE_BYTES - 2:
        tags = line.find(b" ") + 1 if line.startswith(b"@") else 0
        if tags > TAG_BYTES or len(line) - tags > LINE_BYTES - 2:
            return _TOO_LONG
    if b"\0" in line or b"\r" in line:
        return _UNREADABLE
    try:
        return parse(line.decode("utf-8", "replace"))
    except WireError as error:
        return BLANK if line.isspace() else Reject(ERR_UNKNOWNERROR, str(error))


def fit(line: bytes) -> bytes:
    """The line, given without tags and with its end; cut between characters where it is too long for IRC."""
    if len(line) <= LINE_BYTES:
        return line
    return line[: LINE_BYTES - 2].decode("utf-8", "ignore").encode() + b"\r\n"


def packed(words: Iterable[str], size: int) -> Iterator[str]:
    """The words with spaces between, on as few lines of `size` bytes as hold them."""
    line: list[str] = []
    left = size + 1
    for word in words:
        length = (len(word) if word.isascii() else len(word.encode())) + 1
        if length > left and line:
            yield " ".join(line)
            line = []
            left = size + 1
        line.append(word)
        left -= length
    if line:
        yield " ".join(line)


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def timestamp(at: float) -> str:
    """server-time's ISO 8601 with milliseconds."""
    milliseconds = int(at * 1000 + 0.001)  # a float may be just short of its millisecond
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


def _say(event: Say) -> str:
    who = event.who  # `mask` is inlined: most events are of this kind
    head = f":{who.nick}!{who.user}@{who.host} " + event.kind
    return f"{head} {event.to}" if event.kind is Kind.TAGS else f"{head} {event.to} :{event.text}"


def _leave(event: Leave) -> str:
    return f":{event.who.mask} PART {event.room}" + (f" :{event.reason}" if event.reason else "")


def _away(event: Away) -> str:
    return f":{event.who.mask} AWAY" + (f" :{event.text}" if event.text is not None else "")


def _presence(event: Presence) -> str:
    """The same bytes for everybody who watches: hence the `*`."""
    return f":{event.server} 730 * :{event.who.mask}" if event.online else f":{event.server} 731 * :{event.who.nick}"


def spell_modes(changes: Iterable[ModeChange]) -> str:
    """The changes as IRC writes them: `+o-t ana`."""
    letters, sign = "", None
    for on, letter, _ in changes:
        if on is not sign:
            letters += "+" if on else "-"
            sign = on
        letters += letter
    return " ".join([letters, *(param for _, _, param in changes if param)])


_BODIES: dict[type, Callable[..., str]] = {
    Say: _say,
    Join: lambda event: f":{event.who.mask} JOIN {event.room}",
    Leave: _leave,
    Quit: lambda event: f":{event.who.mask} QUIT :{event.reason}",
    Kick: lambda event: f":{event.who.mask} KICK {event.room} {event.whom.nick} :{event.reason}",
    Invite: lambda event: f":{event.who.mask} INVITE {event.whom.nick} {event.room}",
    Rename: lambda event: f":{event.who.mask} NICK {event.nick}",
    Topic: lambda event: f":{event.who.mask} TOPIC {event.room} :{event.text}",
    Mode: lambda event: f":{event.who.mask} MODE {event.room} {spell_modes(event.changes)}",
    Away: _away,
    Wallops: lambda event: f":{event.who.mask} WALLOPS :{event.text}",
    NewRealname: lambda event: f":{event.who.mask} SETNAME :{event.realname}",
    Invited: lambda event: f":{event.who.mask} INVITE {event.nick} {event.room}",
    Presence: _presence,
    Login: lambda event: f":{event.who.mask} ACCOUNT {event.who.account or '*'}",
}
