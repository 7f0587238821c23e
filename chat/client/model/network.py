"""One network that one is on: its connection, its talks, own words on their way. Takes news, says what changed."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from chat.client.irc.news import News, Quit, Rename
from chat.client.irc.server_news import Listed, ListEnd
from chat.client.model.changes import Change, LineRemoved, RoomsListed, StageChanged, TalksChanged
from chat.client.model.client_tags import ClientTags, quoted
from chat.client.model.connection import Connection, Me, Reconnect
from chat.client.model.history import History
from chat.client.model.membership import Membership
from chat.client.model.outgoing import Outgoing
from chat.client.model.speech import Speech
from chat.client.model.talk import Delivery, Line, LineKind, Talk, TalkKind
from chat.client.model.talks import Attention, Talks
from chat.client.text.clean import redacted, room_for_text, split, write_action
from chat.wires.message import build

_ASK_FOR_NAME = 30.0  # s between two questions whether the name that we want is free

_MOST_ROOMS = 50_000  # of a server's list that are kept; the largest network has some 20,000
_ROOMS_AT_ONCE = 500  # that come before the list is drawn again


class Network:
    """For one thread. `take_output` has what is to be sent after any other call.

    `recall` gives what was said in a talk at an earlier start, before a time in seconds since the epoch.
    """

    def __init__(
        self,
        nick: str,
        room: str,
        server: str,
        clock: Callable[[], float] = time.time,
        reconnect: Reconnect | None = None,
        attention: Attention | None = None,
        recall: Callable[[str, float], list[Line]] = lambda talk, before: [],
    ) -> None:
        self.clock = clock
        self._output: list[bytes] = []
        self.me = Me(nick)
        self._recall = recall
        self.talks = Talks(server, attention or Attention(), lambda talk: self._recalled(talk, math.inf))
        self.outgoing = Outgoing()
        self.connection = Connection(self.me, self.talks, self.outgoing, reconnect or Reconnect(), self._output.append)
        self.membership = Membership(self.me, self.talks)
        self.tags = ClientTags(self.connection, self._output.append, clock)
        self.speech = Speech(self.me, self.talks, self.outgoing, self.tags, self._output.append, clock)
        self.history = History(
            self.me, self.talks, self.outgoing, self.connection, self.speech, self._output.append, self._recalled
        )
        self.room_list: list[Listed] = []
        self._handlers: dict[type, Callable[..., Iterable[Change]]] = {
            **self.connection.handlers,
            **self.membership.handlers,
            **self.speech.handlers,
            **self.history.handlers,
            Listed: self._listed,
            ListEnd: lambda news: [RoomsListed(complete=True)],
        }
        self._asked_at = 0.0
        self._waiting = 0  # lines that were waiting to be sent when somebody was last told
        if room:
            self.talks.show(self.talks.add(room, TalkKind.ROOM))

    @property
    def server(self) -> str:
        return self.talks.server.name

    @property
    def current(self) -> Talk:
        """The talk of this network that is shown, or was last."""
        return self.talks.current

    @property
    def online(self) -> bool:
        return self.connection.online

    @property
    def outside(self) -> str:
        """Why we are not in the room that is shown; empty when we are, or may yet be."""
        return self.current.reason if self.online and not self.current.joined else ""

    @property
    def status(self) -> str:
        """One line for the foot of the window."""
        if not self.online:
            return self.connection.status
        talk = self.current
        waiting = self.outgoing.waiting
        typing = self.tags.typing(talk)
        typed = f" · {_named(typing)} typing …" if typing else ""
        lines = f" · {waiting:,} {'lines' if waiting > 1 else 'line'} waiting to be sent" if waiting else ""
        if talk.kind is not TalkKind.ROOM or talk.joined:
            return f"{self.server} · you are {self.me.nick}{', away' if self.me.away else ''}{lines}{typed}"
        if not talk.reason:
            return f"Joining {talk.name} …"
        return f"{self.server} · you are {self.me.nick}, not in {talk.name}{lines}"

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that a new session is to join, each with its key if it has one."""
        return tuple(f"{talk.name} {talk.key}".strip() for talk in self.talks.rooms() if not talk.reason)

    def take(self, news: News) -> list[Change]:
        """Let it have happened."""
        if type(news) in self.membership.handlers and not self.online:
            return []  # a server that has not taken us in has no rooms for us
        handle = self._handlers.get(type(news))
        changes = list(handle(news)) if handle else []
        if isinstance(news, Quit | Rename):
            self.connection.take_name_back(news)
        self.history.note(news)
        return changes

    def tick(self, now: float) -> None:
        """Some time has passed; `now` is in seconds of a clock that only goes forward."""
        if now - self._asked_at >= _ASK_FOR_NAME:
            self._asked_at = now
            self.connection.ask_for_name()

    def take_output(self) -> list[bytes]:
        """Lines to be sent; they are given out once."""
        output = [*self._output, *self.outgoing.release()]
        self._output.clear()  # the same list stays: others put lines into it
        return output

    def taken(self, taken: bool) -> list[Change]:
        """Whether the session took what was given out last; if not, the words in it are UNSENT."""
        changes: list[Change] = []
        if taken:
            self.outgoing.taken()
        else:
            changes += self.outgoing.not_taken()
        if self.outgoing.waiting != self._waiting:
            self._waiting = self.outgoing.waiting
            changes.append(StageChanged())
        return changes

    def begin_again(self, nick: str = "") -> list[Change]:
        """A new connection begins, under this name if one is given; the transcripts stay."""
        self._output.clear()
        return self.connection.begin_again(nick)

    def open(self, talk: Talk) -> list[Change]:
        """Show this talk."""
        return self.talks.show(talk)

    def send(self, verb: str, *params: str) -> None:
        self._output.append(build(verb, *params))

    def send_raw(self, line: str) -> None:
        """A line as the person typed it, without its end."""
        self._output.append(f"{line}\r\n".encode())

    def say(self, text: str, kind: LineKind = LineKind.SAY, talk: Talk | None = None) -> list[Change]:
        """Say a line that the person wrote. Words that reach nobody now are UNSENT, to be sent again by `resend`."""
        talk = talk or self.current
        delivery = Delivery.PENDING if self.reaches(talk) else Delivery.UNSENT
        meant, talk.reply_to = talk.reply_to, None
        answered = meant if meant and meant.msgid and self.tags.understood else None
        self.tags.we_said(talk)
        limit = room_for_text(self.me.longest_mask, talk.name)
        changes: list[Change] = []
        for piece in split(text, limit - len(write_action("") if kind is LineKind.ACTION else "")):
            shown = redacted(talk.name, piece)
            line = Line(self.clock(), kind, shown, self.me.nick, mine=True, delivery=delivery)
            if answered:
                line = replace(line, reply=quoted(answered))
            changes += self.outgoing.add(talk, line, piece, answered.msgid if answered else "")
            answered = None
        return changes

    def resend(self, *lines: Line) -> list[Change]:
        """Say these lines that are UNSENT, or PERHAPS sent, once more, at the end of their talks."""
        changes: list[Change] = []
        for line in lines:
            talk = self.outgoing.find(line)
            if talk is None or not self.reaches(talk):
                continue
            words = self.outgoing.words(line)
            self.outgoing.forget(line)
            if talk.remove(line):
                changes.append(LineRemoved(talk, line))
            changes += self.say(words, line.kind, talk)
        return changes

    def stop_sending(self) -> list[Change]:
        """Lines that have not left yet stay here, UNSENT."""
        return [*self.outgoing.stop(), StageChanged()]

    def reaches(self, talk: Talk) -> bool:
        """Whether words to this talk would come to somebody now."""
        return self.online and (talk.joined or talk.kind is TalkKind.PERSON)

    def join(self, name: str = "", key: str = "") -> list[Change]:
        """Ask to be let into a room, or once more into the one that is shown.

        Without a connection the room is joined as soon as there is one.
        """
        talk = self.talks.add(name, TalkKind.ROOM) if name else self.current
        talk.reason = ""
        talk.key = key or talk.key
        if self.online and not talk.joined:
            self.send("JOIN", talk.name, *talk.key.split())
        return [*self.talks.show(talk), TalksChanged(), StageChanged()]

    def talk_with(self, nick: str) -> Iterable[Change]:
        """Have a talk with this person, without showing it yet."""
        if self.talks.find(nick) is None:
            self.talks.add(nick, TalkKind.PERSON)
            yield TalksChanged()

    def close(self, talk: Talk) -> list[Change]:
        """Leave the talk and forget it. The server's talk stays."""
        if talk is self.talks.server:
            return []
        on_their_way = self.outgoing.forget_talk(talk)
        if self.outgoing.echoes and talk.kind is TalkKind.PERSON:
            self.speech.expect_echoes(talk.name, on_their_way)
        if talk.joined and self.online:
            self.send("PART", talk.name)
        return self.talks.close(talk)

    def forget_room_list(self) -> list[Change]:
        """Another list of rooms is asked for."""
        self.room_list = []
        return [RoomsListed(complete=False)]

    def _listed(self, news: Listed) -> Iterable[Change]:
        if len(self.room_list) < _MOST_ROOMS:
            self.room_list.append(news)
        if len(self.room_list) % _ROOMS_AT_ONCE == 0:
            yield RoomsListed(complete=False)

    def _recalled(self, talk: str, before: float) -> list[Line]:
        """What the logs have; they do not tell whose name a line calls."""
        lines = []
        for line in self._recall(talk, before):
            mine = self.me.named(line.nick)
            mention = line.words and not mine and self.talks.attention.named(line.text, self.me.nick)
            lines.append(replace(line, mine=mine, mention=mention))
        return lines

    def hint(self, text: str) -> list[Change]:
        """This program's own words to the person, where they look."""
        return self.talks.append(self.current, Line(self.clock(), LineKind.HINT, text))

    def trouble(self, text: str) -> list[Change]:
        return self.talks.append(self.current, Line(self.clock(), LineKind.TROUBLE, text))


def _named(nicks: Sequence[str]) -> str:
    """`ben is`, `ben and zoe are`, `ben, zoe and 3 others are`."""
    if len(nicks) == 1:
        return f"{nicks[0]} is"
    if len(nicks) == 2:
        return f"{nicks[0]} and {nicks[1]} are"
    return f"{nicks[0]}, {nicks[1]} and {len(nicks) - 2} others are"
