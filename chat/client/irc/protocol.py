"""Speak IRC as a client: bytes in, news and bytes out. Sans-IO: knows no socket, no thread and no Tk.

Sources: https://modern.ircdocs.horse, https://ircv3.net/specs/extensions/capability-negotiation, batch, chathistory
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from chat.client.irc.login import Login, Registration
from chat.client.irc.news import HistoryCame, Join, Member, Names, NamesEnd, News, Ranks, Rename, Say
from chat.client.irc.reading import READERS, SILENT, Modes, person, plain
from chat.client.irc.server_news import NickRefused, Problem, Refused, ServerSaid, Supports, Welcomed
from chat.errors import WireError
from chat.wires.message import Message, build, parse
from chat.wires.names import fold
from chat.wires.numerics import (
    ERR_ERRONEUSNICKNAME,
    ERR_NICKNAMEINUSE,
    ERR_PASSWDMISMATCH,
    RPL_ISUPPORT,
    RPL_NAMREPLY,
    RPL_WELCOME,
)

LINE_BYTES = 8191 + 512  # the most that a server may send: its tags (message-tags), then the rest of the line


class LineReader:
    """Feed it whatever arrived; it gives back whole lines. Holds at most LINE_BYTES between calls."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False
        self.overlong = 0  # lines that were left out since somebody last looked

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete now, without their line ends. An overlong one is left out, and counted."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines: list[str] = []
        for line in whole:
            if self._skipping:
                self._skipping = False  # the end of the line that was given up
            elif len(line) >= LINE_BYTES:
                self.overlong += 1
            else:
                lines.append(decode(line.removesuffix(b"\r")))
        if self._skipping:
            self._rest = b""
        elif len(self._rest) >= LINE_BYTES:
            self.overlong += 1
            self._skipping, self._rest = True, b""
        return lines


def decode(line: bytes) -> str:
    """The line as text. Bytes that CP1252 has no character for become replacement characters."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


_ASKED_ABOUT = 500  # members of a room that we ask of who is away; the answer has a line for each
_MOST_HISTORY = 1_000  # lines of a batch that are kept
_NICK_COLLISION = "436"  # 433's sister on networks of several servers
_NICK_UNAVAILABLE = "437"  # somebody had it until a moment ago
_HOPELESS = {ERR_PASSWDMISMATCH.code: Problem.PASSWORD, "463": Problem.BANNED, "465": Problem.BANNED}
_HISTORY_BATCHES = ("chathistory", "draft/chathistory", "znc.in/playback")
_TOLD = ("CHATHISTORY", "MONITOR", "MODES")  # tokens of RPL_ISUPPORT that the model acts on


class Protocol:
    """One connection's side of the conversation, from the first byte to the last. Owned by one thread.

    `rooms` are joined when the server has taken us in, each given as its name, and after a space its key if it has one.
    The names `instead` are asked for one after the other when somebody else has `nick`.
    """

    def __init__(
        self,
        nick: str,
        rooms: Sequence[str],
        clock: Callable[[], float] = time.time,
        login: Login | None = None,
        instead: Sequence[str] = (),
    ) -> None:
        self._rooms = rooms
        self._clock = clock  # for lines that carry no time of their own
        self._lines = LineReader()
        self._instead = list(instead)
        self._nick = nick
        self._modes = Modes()
        self._coming_in: dict[str, int] = {}  # rooms that we have just joined: how many members were named so far
        self._batches: dict[str, tuple[str, list[Say]]] = {}  # of history: what it is about, and its lines so far
        self._registration = Registration(login or Login())
        self._output = [*self._registration.begin(nick)]
        self.welcomed = False
        self.farewell = ""  # the server's own words on why it closes the connection
        self.problem: Problem | None = None  # what kind of end that is going to be, where a numeric told

    def take_output(self) -> bytes:
        """The bytes to send; each is given out once."""
        data = b"".join(self._output)
        self._output.clear()
        return data

    def ping(self) -> None:
        """Ask the server for a sign of life: any line it sends is one."""
        self._output.append(build("PING", "fanfare"))

    def feed(self, data: bytes) -> list[News]:
        """The news in these bytes. An unreadable line is skipped: one bad line is no reason to leave."""
        found: list[News] = []
        for line in self._lines.feed(data):
            try:
                message = parse(line)
            except WireError:
                continue
            news = self._read(message)
            if news is not None:
                found.append(news)
        if self._lines.overlong:
            self._lines.overlong = 0
            text = f"A line from the server was left out: it has over {LINE_BYTES:,} bytes, which is the limit."
            found.append(ServerSaid(text, self._clock()))
        return found

    def _read(self, message: Message) -> News | None:
        stateful = _HANDLERS.get(message.verb)
        if stateful:
            least, handle = stateful
            return handle(self, message, self._at(message)) if len(message.params) >= least else None
        reader = READERS.get(message.verb)
        if reader is None:
            return self._unread(message)
        if len(message.params) < reader[0]:
            return None
        news = reader[1](message, self._at(message))
        batch = message.tag("batch") if message.tags else None
        if batch in self._batches:
            if isinstance(news, Say) and len(self._batches[batch][1]) < _MOST_HISTORY:
                self._batches[batch][1].append(news)
            return None  # joins and the like of the past are no news
        if news is not None:
            self._note(news)
        return news

    def _note(self, news: News) -> None:
        """Remember what later lines depend on; ask who is away in a room that we came into."""
        match news:
            case Rename(who, nick) if fold(who.nick) == fold(self._nick):
                self._nick = nick
            case Join(who, room) if fold(who.nick) == fold(self._nick):
                self._coming_in[fold(room)] = 0
            case NamesEnd(room):
                count = self._coming_in.pop(fold(room), _ASKED_ABOUT)
                if count < _ASKED_ABOUT and "away-notify" in self._registration.granted:
                    self._output.append(build("WHO", room))

    def _at(self, message: Message) -> float:
        stamp = message.tag("time")
        if stamp:
            try:
                when = datetime.fromisoformat(stamp)
                if 1970 < when.year < 9999:  # what every machine's clock functions can show
                    return when.timestamp()
            except ValueError:
                pass
        return self._clock()

    def _unread(self, message: Message) -> News | None:
        """A line that nothing else reads. Numerics are shown as they are, errors say what they are about."""
        if not (message.verb.isdigit() and message.verb.isascii()) or message.verb in SILENT:
            return None
        if message.verb[0] in "45":
            return self._complaint(message)
        text = " ".join(message.params[1:]) or message.verb
        return plain(message.verb, message.params, text, self._at(message))

    def _complaint(self, message: Message) -> News | None:
        """An error numeric: its last parameter says what, the one before it about what."""
        if not self.welcomed and "CAP" in message.params:
            return None  # a server older than capabilities; it goes on with NICK and USER
        if not self.welcomed and message.verb in _HOPELESS:
            self.problem = _HOPELESS[message.verb]
        about = message.params[-2] if len(message.params) > 2 else ""
        reason = message.params[-1] if message.params else message.verb
        return Refused(about, reason, self._at(message), message.verb, message.tag("label") or "")

    def _ping(self, message: Message, at: float) -> None:
        self._output.append(build("PONG", *message.params))

    def _error(self, message: Message, at: float) -> None:
        if not self._registration.failure:  # else this is the answer to our QUIT, and says less
            self.farewell = message.params[-1]

    def _register(self, message: Message, at: float) -> News | None:
        """CAP, AUTHENTICATE and their answers."""
        said = self._registration.read(message, self.welcomed)
        self._output += self._registration.take_output()
        if self._registration.failure:
            self.problem, self.farewell = Problem.LOGIN, self._registration.failure
        return ServerSaid(said, at) if said else None

    def _batch(self, message: Message, at: float) -> News | None:
        name = message.params[0][1:]
        if message.params[0].startswith("+") and len(message.params) > 1:
            if message.params[1] in _HISTORY_BATCHES:
                self._batches[name] = (message.params[2] if len(message.params) > 2 else "", [])
            return None
        about, lines = self._batches.pop(name, ("", []))
        return HistoryCame(about, tuple(lines)) if about else None

    def _welcome(self, message: Message, at: float) -> News:
        self.welcomed = True
        self._nick = message.params[0]
        self._output += [build("JOIN", *room.split()) for room in self._rooms]
        return Welcomed(message.params[0], self._registration.granted, at)

    def _nick_refused(self, message: Message, at: float) -> News | None:
        if message.params[1][:1] in ("#", "&"):
            return self._complaint(message)  # 437 is also said of rooms
        taken = message.verb != ERR_ERRONEUSNICKNAME.code
        instead = self._instead.pop(0) if self._instead and not self.welcomed else ""
        if instead:
            self._output.append(build("NICK", instead))
        return NickRefused(message.params[1], message.params[-1], taken, at, instead)

    def _names(self, message: Message, at: float) -> News:
        room = message.params[-2]
        members = tuple(member for member in map(self._member, message.params[-1].split()) if member.nick)
        if fold(room) in self._coming_in:
            self._coming_in[fold(room)] += len(members)
        return Names(room, members)

    def _member(self, word: str) -> Member:
        nick = word.lstrip(self._modes.signs)
        return Member(nick, word[: len(word) - len(nick)])

    def _supports(self, message: Message, at: float) -> News | None:
        self._modes.learn(message.params[1:-1])
        pairs = (word.partition("=")[::2] for word in message.params[1:-1])
        told = tuple((key, value) for key, value in pairs if key in _TOLD)
        return Supports(told) if told else None

    def _mode(self, message: Message, at: float) -> News | None:
        room, *changes = message.params
        if room[:1] not in ("#", "&"):
            return None  # a mode of our own, which nobody asked about
        return Ranks(person(message), room, " ".join(changes), tuple(self._modes.ranks(changes)), at)


# Lines that change what later ones mean, or want an answer; the others are READERS'.
_Handler = Callable[[Protocol, Message, float], News | None]
_HANDLERS: dict[str, tuple[int, _Handler]] = {
    "PING": (0, Protocol._ping),
    "ERROR": (1, Protocol._error),
    "CAP": (3, Protocol._register),
    "AUTHENTICATE": (1, Protocol._register),
    **dict.fromkeys(("902", "903", "904", "905", "906", "907", "908"), (1, Protocol._register)),
    "BATCH": (1, Protocol._batch),
    "MODE": (2, Protocol._mode),
    RPL_WELCOME.code: (1, Protocol._welcome),
    RPL_ISUPPORT.code: (2, Protocol._supports),
    RPL_NAMREPLY.code: (3, Protocol._names),
    ERR_ERRONEUSNICKNAME.code: (3, Protocol._nick_refused),
    ERR_NICKNAMEINUSE.code: (3, Protocol._nick_refused),
    _NICK_COLLISION: (3, Protocol._nick_refused),
    _NICK_UNAVAILABLE: (3, Protocol._nick_refused),
}
