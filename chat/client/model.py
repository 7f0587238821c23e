"""What the window shows, as pure state: takes news, says what changed. No Tk, no sockets, no threads."""

import time
from collections.abc import Callable, Iterable
from enum import Enum

from chat.client.changes import Appended, Change, MembersChanged, StageChanged
from chat.client.news import Connecting, Lost, Names, NamesEnd, News, NickRefused, Refused, ServerSaid, Welcomed
from chat.client.room import Line, Look, Room
from chat.client.text import clean, read_action, room_for_text, split, write_action
from chat.events import Join, Kick, Kind, Leave, Quit, Rename, Say, Topic
from chat.wires.message import build
from chat.wires.names import fold

_LONGEST_ADDRESS = "!" + "u" * 10 + "@" + "h" * 63  # what a server may put behind a nickname, until ours is known


class Stage(Enum):
    """How far we are."""

    CONNECTING = "connecting"
    ENTERING = "entering"  # the server took us in, the room has not yet
    INSIDE = "inside"
    OUTSIDE = "outside"  # removed from the room, or refused by it
    NAMELESS = "nameless"  # the server refused the name
    LOST = "lost"


class Model:
    """All that one window knows of its conversation. For one thread."""

    def __init__(self, nick: str, room: str, server: str, clock: Callable[[], float] = time.time) -> None:
        self.nick = nick
        self.server = server
        self.room = Room(room)
        self.stage = Stage.CONNECTING
        self.reason = ""  # why the stage is OUTSIDE, NAMELESS or LOST
        self._clock = clock
        self._echoes = False  # our own words come back from the server, in the room's order
        self._mask = ""

    @property
    def connected(self) -> bool:
        return self.stage in (Stage.ENTERING, Stage.INSIDE, Stage.OUTSIDE)

    @property
    def status(self) -> str:
        """One line for the foot of the window."""
        words = {
            Stage.CONNECTING: f"Connecting to {self.server} …",
            Stage.ENTERING: f"Joining {self.room.name} …",
            Stage.INSIDE: f"{self.server} · you are {self.nick}",
            Stage.OUTSIDE: f"{self.server} · you are {self.nick}, not in {self.room.name}",
            Stage.NAMELESS: self.reason,
            Stage.LOST: "Not connected",
        }
        return words[self.stage]

    def take(self, news: News) -> list[Change]:
        """Let it have happened."""
        handle = _HANDLERS.get(type(news))
        return list(handle(self, news)) if handle else []

    def begin_again(self) -> list[Change]:
        """A new connection begins; the transcript stays."""
        return [self._enter_stage(Stage.CONNECTING)]

    def say(self, text: str, action: bool = False) -> tuple[list[bytes], list[Change]]:
        """What to send for a line that the person wrote, and what to show for it."""
        mask = self._mask or self.nick + _LONGEST_ADDRESS
        limit = room_for_text(mask, self.room.name) - len(write_action("") if action else "")
        pieces = split(text, limit)
        sent = [write_action(piece) if action else piece for piece in pieces]
        look = Look.ACTION if action else Look.SAY
        shown = [] if self._echoes else [Line(self._clock(), look, clean(p), self.nick, mine=True) for p in pieces]
        return [build("PRIVMSG", self.room.name, piece) for piece in sent], [self._append(line) for line in shown]

    def join(self) -> tuple[list[bytes], list[Change]]:
        """Ask to be let into the room again: what to send, and what changes by it."""
        return [build("JOIN", self.room.name)], [self._enter_stage(Stage.ENTERING)]

    def hint(self, text: str) -> Change:
        """This program's own words to the person."""
        return self._append(Line(self._clock(), Look.HINT, text))

    def trouble(self, text: str) -> Change:
        return self._append(Line(self._clock(), Look.TROUBLE, text))

    def _append(self, line: Line) -> Change:
        return Appended(self.room, line, self.room.append(line))

    def _enter_stage(self, stage: Stage, reason: str = "") -> Change:
        self.stage = stage
        self.reason = clean(reason)
        return StageChanged()

    def _happened(self, text: str, at: float, look: Look = Look.HAPPENING) -> Change:
        return self._append(Line(at, look, clean(text)))

    def _is_me(self, nick: str) -> bool:
        return fold(nick) == fold(self.nick)

    def _is_here(self, room: str) -> bool:
        return fold(room) == fold(self.room.name)

    def _connecting(self, news: Connecting) -> Iterable[Change]:
        yield self._enter_stage(Stage.CONNECTING)

    def _welcomed(self, news: Welcomed) -> Iterable[Change]:
        self.nick = clean(news.nick)
        self._echoes = "echo-message" in news.capabilities
        yield self._enter_stage(Stage.ENTERING)

    def _names(self, news: Names) -> Iterable[Change]:
        if self._is_here(news.room):
            self.room.enter(*news.nicks)
        return ()

    def _names_end(self, news: NamesEnd) -> Iterable[Change]:
        if self._is_here(news.room):
            yield MembersChanged(self.room)

    def _nick_refused(self, news: NickRefused) -> Iterable[Change]:
        nick = clean(news.nick)
        why = "is already in use" if news.taken else f"is not allowed here ({clean(news.reason)})"
        if self.stage is Stage.CONNECTING:
            yield self._enter_stage(Stage.NAMELESS, f"The name {nick} {why}. Please choose another.")
        else:
            text = f"The name {nick} {why}. You are still {self.nick}; try another with /nick NAME."
            yield self._happened(text, news.at, Look.TROUBLE)

    def _refused(self, news: Refused) -> Iterable[Change]:
        if self.stage is Stage.ENTERING and self._is_here(news.about):
            reason = f"{self.room.name} did not let you in: {clean(news.reason)}"
            yield self._happened(reason, news.at, Look.TROUBLE)
            yield self._enter_stage(Stage.OUTSIDE, reason)
        else:
            about = f"{news.about}: " if news.about and not self._is_me(news.about) else ""
            yield self._happened(about + news.reason, news.at, Look.TROUBLE)

    def _server_said(self, news: ServerSaid) -> Iterable[Change]:
        yield self._happened(news.text, news.at, Look.SERVER)

    def _lost(self, news: Lost) -> Iterable[Change]:
        kind = "Connection lost" if self.connected else "Could not connect"
        reason = f"{kind}: {clean(news.reason)}"
        self.room.empty()
        yield self._happened(f"{reason}.", news.at, Look.TROUBLE)
        yield MembersChanged(self.room)
        yield self._enter_stage(Stage.LOST, reason)

    def _said(self, news: Say) -> Iterable[Change]:
        private = self._is_me(news.to)
        if news.kind is Kind.TAGS or not (private or self._is_here(news.to) or news.to == "*" or not news.who.user):
            return
        if not news.who.user and news.kind is Kind.NOTICE:  # a server's name has no user part
            yield self._happened(news.text, news.at, Look.SERVER)
            return
        action = read_action(news.text)
        if action is None and news.text.startswith("\x01"):
            return  # other CTCP: questions to the program, not words to the person
        look = Look.NOTICE if news.kind is Kind.NOTICE else Look.SAY if action is None else Look.ACTION
        text = clean(news.text if action is None else action)
        yield self._append(Line(news.at, look, text, clean(news.who.nick), self._is_me(news.who.nick), private))

    def _joined(self, news: Join) -> Iterable[Change]:
        if not self._is_here(news.room):
            return
        if self._is_me(news.who.nick):
            self.room.empty()  # the list of members follows
            self.room.name = clean(news.room)  # as the server writes it
            self._mask = news.who.mask if news.who.host else ""
            yield self._happened(f"You joined {news.room}", news.at)
            yield self._enter_stage(Stage.INSIDE)
        else:
            yield self._happened(f"{news.who.nick} joined", news.at)
        self.room.enter(news.who.nick)
        yield MembersChanged(self.room)

    def _left(self, news: Leave) -> Iterable[Change]:
        if not self._is_here(news.room):
            return
        if self._is_me(news.who.nick):
            yield from self._thrown_out("You left", news.reason, news.at)
        else:
            yield from self._gone(news.who.nick, "left", news.reason, news.at)

    def _quit(self, news: Quit) -> Iterable[Change]:
        if news.who.nick in self.room:
            reason = news.reason.removeprefix("Quit:").strip()  # many servers mark words of the person's own so
            yield from self._gone(news.who.nick, "quit", reason, news.at)

    def _kicked(self, news: Kick) -> Iterable[Change]:
        if not self._is_here(news.room):
            return
        if self._is_me(news.whom.nick):
            yield from self._thrown_out(f"{news.who.nick} removed you from", news.reason, news.at)
        else:
            yield from self._gone(news.whom.nick, f"was removed by {news.who.nick}", news.reason, news.at)

    def _gone(self, nick: str, how: str, reason: str, at: float) -> Iterable[Change]:
        self.room.leave(nick)
        yield self._happened(f"{nick} {how}" + (f" ({reason})" if reason else ""), at)
        yield MembersChanged(self.room)

    def _thrown_out(self, how: str, reason: str, at: float) -> Iterable[Change]:
        self.room.empty()
        text = f"{how} {self.room.name}" + (f" ({clean(reason)})" if reason else "")
        yield self._happened(text, at, Look.TROUBLE)
        yield MembersChanged(self.room)
        yield self._enter_stage(Stage.OUTSIDE, text)

    def _renamed(self, news: Rename) -> Iterable[Change]:
        old, new = news.who.nick, news.nick
        if self._is_me(old):
            self.nick = clean(new)
            self._mask = f"{new}!{news.who.user}@{news.who.host}" if news.who.host else ""
            yield self._happened(f"You are now {new}", news.at)
            yield StageChanged()
        elif old in self.room:
            yield self._happened(f"{old} is now {new}", news.at)
        if old in self.room:
            self.room.leave(old)
            self.room.enter(new)
            yield MembersChanged(self.room)

    def _topic(self, news: Topic) -> Iterable[Change]:
        if self._is_here(news.room):
            who = f"{news.who.nick} changed the topic to" if news.who.nick else "The topic is"
            yield self._happened(f"{who}: {news.text}", news.at)


_HANDLERS: dict[type, Callable[..., Iterable[Change]]] = {
    Connecting: Model._connecting,
    Welcomed: Model._welcomed,
    Names: Model._names,
    NamesEnd: Model._names_end,
    NickRefused: Model._nick_refused,
    Refused: Model._refused,
    ServerSaid: Model._server_said,
    Lost: Model._lost,
    Say: Model._said,
    Join: Model._joined,
    Leave: Model._left,
    Quit: Model._quit,
    Kick: Model._kicked,
    Rename: Model._renamed,
    Topic: Model._topic,
}
