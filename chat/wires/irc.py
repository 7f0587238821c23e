"""The IRC wire: lines to messages, events to lines. Knows the grammar and its limits, not who is online.

Sources: https://modern.ircdocs.horse, https://ircv3.net/irc/ (message-tags, server-time, away-notify, setname).
"""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import product

from chat.errors import WireError
from chat.events import Away, Event, Join, Kick, Kind, Leave, Mode, NewRealname, Quit, Rename, Say, Topic
from chat.wires.lines import LineSplitter, Overlong
from chat.wires.message import parse
from chat.wires.numerics import ERR_INPUTTOOLONG, ERR_UNKNOWNERROR
from chat.wires.wire import Command, Reject

LINE_BYTES = 512  # a line with its line end, without its tags; as old as IRC
TAG_BYTES = 4096  # what a client may send of tags, the `@` and the space after them included (message-tags)
ENDLESS_BYTES = 65_536  # of one line without an end, before the peer is cut off: nobody types that

CAPABILITIES = (
    "away-notify",
    "batch",
    "cap-notify",
    "echo-message",
    "labeled-response",
    "message-tags",
    "multi-prefix",
    "server-time",
    "setname",
    "userhost-in-names",
)


class IrcDialect:
    """One set of the capabilities that change what others' events look like. There is one object a set: `of`."""

    __slots__ = ("_away", "_setname", "_tags", "_time")

    framed = True
    hears_itself = False  # changed by echo-message, which belongs to the user, not to what everybody gets
    sees_own_join = True

    def __init__(self, tags: bool, time: bool, away: bool, setname: bool) -> None:
        self._tags = tags
        self._time = time
        self._away = away
        self._setname = setname

    @staticmethod
    def of(capabilities: Iterable[str]) -> "IrcDialect":
        """The dialect that all clients with these capabilities share."""
        have = set(capabilities)
        return _DIALECTS["message-tags" in have, "server-time" in have, "away-notify" in have, "setname" in have]

    def encode(self, event: Event) -> tuple[bytes, ...]:
        tags = f"time={_timestamp(event.at)}" if self._time else ""
        if isinstance(event, Say):
            if event.tags and self._tags:
                tags = f"{tags};{event.tags}" if tags else event.tags
            elif event.kind is Kind.TAGS and not self._tags:
                return ()
        elif (isinstance(event, Away) and not self._away) or (isinstance(event, NewRealname) and not self._setname):
            return ()
        line = f"{_BODIES[type(event)](event)}\r\n".encode()
        if len(line) > LINE_BYTES:
            line = fit(line)
        return (f"@{tags} ".encode() + line if tags else line,)

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        return ()  # the registration burst says it

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        return (fit(f"ERROR :Closing link: {reason}\r\n".encode()),)


_DIALECTS = {flags: IrcDialect(*flags) for flags in product((False, True), repeat=4)}


class IrcWire:
    """One IRC connection's reader."""

    __slots__ = ("_lines",)

    dialect = IrcDialect.of(())
    hasty = True
    greeting: tuple[bytes, ...] = ()
    opening: tuple[Command, ...] = ()

    def __init__(self) -> None:
        self._lines = LineSplitter(TAG_BYTES + LINE_BYTES)

    def feed(self, data: bytes) -> list[Command]:
        commands: list[Command] = []
        for line in self._lines.feed(data):
            command = _read(line)
            if command is not None:
                commands.append(command)
        if self._lines.skipped > ENDLESS_BYTES:
            raise WireError(f"line has no end after {self._lines.skipped:,} bytes, the limit is {LINE_BYTES}")
        return commands


def _read(line: bytes | Overlong) -> Command | None:
    """One line as a command; None when it is empty, which IRC ignores."""
    if isinstance(line, Overlong):
        return Reject(ERR_INPUTTOOLONG, ERR_INPUTTOOLONG.text)
    if len(line) > LINE_BYTES - 2:
        tags = line.find(b" ") + 1 if line.startswith(b"@") else 0
        if tags > TAG_BYTES or len(line) - tags > LINE_BYTES - 2:
            return Reject(ERR_INPUTTOOLONG, ERR_INPUTTOOLONG.text)
    if b"\0" in line or b"\r" in line:
        return Reject(ERR_UNKNOWNERROR, "A line may not hold NUL or a carriage return")
    if not line.strip(b" "):
        return None
    try:
        return parse(line.decode("utf-8", "replace"))
    except WireError as error:
        return Reject(ERR_UNKNOWNERROR, str(error))


def fit(line: bytes) -> bytes:
    """The line, without tags and with its end; cut at a character's edge where it is too long for IRC."""
    if len(line) <= LINE_BYTES:
        return line
    return line[: LINE_BYTES - 2].decode("utf-8", "ignore").encode() + b"\r\n"


def packed(words: Iterable[str], size: int) -> Iterator[str]:
    """The words with spaces between, over as few lines as hold them in `size` bytes each."""
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


def _timestamp(at: float) -> str:
    """server-time's ISO 8601 with milliseconds."""
    milliseconds = int(at * 1000)
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


def _say(event: Say) -> str:
    if event.kind is Kind.TAGS:
        return f":{event.who.mask} TAGMSG {event.to}"
    return f":{event.who.mask} {event.kind} {event.to} :{event.text}"


def _leave(event: Leave) -> str:
    return f":{event.who.mask} PART {event.room}" + (f" :{event.reason}" if event.reason else "")


def _away(event: Away) -> str:
    return f":{event.who.mask} AWAY" + (f" :{event.text}" if event.text is not None else "")


_BODIES: dict[type, Callable[..., str]] = {
    Say: _say,
    Join: lambda event: f":{event.who.mask} JOIN {event.room}",
    Leave: _leave,
    Quit: lambda event: f":{event.who.mask} QUIT :{event.reason}",
    Kick: lambda event: f":{event.who.mask} KICK {event.room} {event.whom.nick} :{event.reason}",
    Rename: lambda event: f":{event.who.mask} NICK {event.nick}",
    Topic: lambda event: f":{event.who.mask} TOPIC {event.room} :{event.text}",
    Mode: lambda event: f":{event.who.mask} MODE {event.room} {event.changes}",
    Away: _away,
    NewRealname: lambda event: f":{event.who.mask} SETNAME :{event.realname}",
}
