"""Lines missed while away, or from before the join: requested, and inserted without duplicates. Pure.

Sources: https://ircv3.net/specs/extensions/chathistory, https://wiki.znc.in/Playback
"""

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from chat.client.irc.news import HistoryCame, Join
from chat.client.irc.server_news import HistoryRefused, Supports, Welcomed
from chat.client.model.changes import Change, Refilled, TalksChanged
from chat.client.model.connection import Connection, Me
from chat.client.model.outgoing import Outgoing
from chat.client.model.speech import Speech
from chat.client.model.talk import SCROLLBACK, Delivery, Line, LineKind, Talk, TalkKind
from chat.client.model.talks import Talks
from chat.wires.message import build

_AT_ONCE = 200  # lines asked for at a time; servers allow from 50 to some thousands
_NEAR = 120.0  # s that the server's clock and ours may differ


class History:
    """`recall` gives older lines of a talk that are kept on this machine, where the server has none."""

    def __init__(
        self,
        me: Me,
        talks: Talks,
        outgoing: Outgoing,
        connection: Connection,
        speech: Speech,
        send: Callable[[bytes], None],
        recall: Callable[[str, float], list[Line]],
    ) -> None:
        self._me = me
        self._talks = talks
        self._outgoing = outgoing
        self._connection = connection
        self._speech = speech
        self._send = send
        self._recall = recall
        self._asked: dict[Talk, str] = {}  # what was asked for, LATEST or BEFORE, and has not come yet
        self._exhausted: set[Talk] = set()  # talks of whose past the server has no more
        self.handlers: dict[type, Callable[..., Iterable[Change]]] = {
            HistoryCame: self._came,
            HistoryRefused: self._refused,
        }

    @property
    def _limit(self) -> int:
        """Lines that may be asked for at a time; 0 where the server keeps none."""
        if "draft/chathistory" not in self._connection.capabilities:
            return 0
        most = self._connection.supported.get("CHATHISTORY", "")
        return min(_AT_ONCE, int(most) or _AT_ONCE) if most.isdecimal() else _AT_ONCE

    def note(self, news: object) -> None:
        """After this has happened: ask for what was missed."""
        if isinstance(news, Welcomed):
            self._asked.clear()
            last = max((_last(talk) for talk in self._talks), default=0.0)
            if "znc.in/playback" in self._connection.capabilities and last:
                self._send(build("PRIVMSG", "*playback", f"PLAY * {last:.3f}"))
        elif isinstance(news, Join) and self._me.named(news.who.nick):
            talk = self._talks.room(news.room)
            if talk:
                self._ask_latest(talk)
        elif isinstance(news, Supports) and any(name == "CHATHISTORY" for name, _ in news.tokens):
            for talk in self._talks:
                if talk.kind is TalkKind.PERSON:
                    self._ask_latest(talk)

    def load_more(self, talk: Talk) -> list[Change]:
        """Ask for what was said before the oldest line that is known."""
        oldest = next((line.at for line in talk.lines if line.words), None)
        if oldest and (not self._limit or talk in self._exhausted) and len(talk.lines) < SCROLLBACK:
            older = self._recall(talk.name, math.floor(talk.lines[0].at))
            return [*self._insert(talk, older, missed=False)] if older else []
        if self._limit and oldest and talk not in self._asked and talk not in self._exhausted:
            self._asked[talk] = "BEFORE"
            self._send(build("CHATHISTORY", "BEFORE", talk.name, _stamp(oldest), str(self._limit)))
        return []

    def _ask_latest(self, talk: Talk) -> None:
        if self._limit:
            self._asked[talk] = "LATEST"
            last = _last(talk)
            since = _stamp(last - _NEAR) if last else "*"
            self._send(build("CHATHISTORY", "LATEST", talk.name, since, str(self._limit)))

    def _came(self, news: HistoryCame) -> Iterable[Change]:
        talk = self._talks.find(news.about)
        if talk is None:
            return
        asked = self._asked.pop(talk, "")
        if asked == "BEFORE" and not news.lines:
            self._exhausted.add(talk)
        heard = [said for said in news.lines if not self._speech.ignores(said.who.mask)]
        lines = [line for line in map(self._speech.line, heard) if line is not None]
        if asked == "LATEST":
            yield from self._find_out(talk, lines, complete=len(news.lines) < self._limit)
        known = {line.msgid for line in talk.lines if line.msgid}
        same = {(int(line.at) + off, line.nick, line.text) for line in talk.lines for off in (-1, 0, 1)}
        mine = [line for line in talk.lines if line.mine]
        new = [
            line
            for line in lines
            if line.msgid not in known
            and (int(line.at), line.nick, line.text) not in same
            and not (line.mine and any(one.text == line.text and abs(one.at - line.at) < _NEAR for one in mine))
        ]
        if asked == "BEFORE":
            new = new[-max(0, SCROLLBACK - len(talk.lines)) :] if len(talk.lines) < SCROLLBACK else []
        if new:
            yield from self._insert(talk, new, missed=asked != "BEFORE")

    def _refused(self, news: HistoryRefused) -> Iterable[Change]:
        """The person asked for nothing, so they are told only of what should have worked.

        Servers keep private talks for accounts, if at all: those of others have what this machine keeps.
        """
        talk = self._talks.find(news.about)
        if talk and self._asked.pop(talk, "") and news.code == "INVALID_TARGET":
            self._exhausted.add(talk)
            return
        text = f"{news.about}: {news.reason}"
        yield from self._talks.happened(talk or self._talks.current, text, news.at, LineKind.TROUBLE)

    def _insert(self, talk: Talk, new: list[Line], missed: bool) -> Iterable[Change]:
        """Put them into their place; what was missed is unread, if there was anything before it."""
        place = next((at for at, line in enumerate(talk.lines) if line.at > new[0].at), len(talk.lines))
        first = place > 0
        moved = talk.insert(place, new)
        self._outgoing.renumbered(talk, moved)
        if missed and first:
            others = [line for line in list(talk.lines)[place : place + len(new)] if line.words and not line.mine]
            if others:
                talk.missed(others, unread=not self._talks.attention.on(talk))
        yield Refilled(talk, tuple(list(talk.lines)[place : place + len(new)]) if missed else (), moved)
        yield TalksChanged()

    def _find_out(self, talk: Talk, lines: list[Line], complete: bool) -> Iterable[Change]:
        """Which of our lines arrived whose fate was unknown when the connection ended."""
        left = [line for line in lines if line.mine]
        for sent in (line for line in talk.lines if line.mine and line.delivery is Delivery.SENT):
            again = next((line for line in left if _same(sent, line)), None)
            if again:
                left.remove(again)  # it is the echo of words that we know of
        oldest = min((line.at for line in lines), default=0.0)
        arrived: list[int] = []
        missing: list[int] = []
        for own in self._outgoing.uncertain(talk):
            echo = next((line for line in left if line.text == own.text and line.at >= own.at - _NEAR), None)
            if echo:
                left.remove(echo)
                arrived.append(own.id)
            elif complete or oldest < own.at - _NEAR:
                missing.append(own.id)
        yield from self._outgoing.found(arrived, missing)


def _same(ours: Line, line: Line) -> bool:
    """Whether a line of the history is this sent line."""
    if ours.msgid and line.msgid:
        return ours.msgid == line.msgid
    return ours.text == line.text and abs(ours.at - line.at) < _NEAR


def _last(talk: Talk) -> float:
    """When the last words came that the server had, in seconds since the epoch; 0 for none."""
    return next((line.at for line in reversed(talk.lines) if line.words and not line.mine), 0.0)


def _stamp(at: float) -> str:
    when = datetime.fromtimestamp(at, UTC)
    return f"timestamp={when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
