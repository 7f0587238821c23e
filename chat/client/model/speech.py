"""Messages: the talk they belong to, how they are shown, whose are ignored. Pure state."""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from fnmatch import translate
from functools import lru_cache

from chat.client.irc.news import Invited, Kind, Say
from chat.client.irc.reading import RANKS
from chat.client.irc.server_news import Acknowledged, Answered, Ponged, Refused, ServerSaid
from chat.client.model.changes import Change, StageChanged, TalksChanged
from chat.client.model.client_tags import ClientTags
from chat.client.model.connection import Me
from chat.client.model.outgoing import Outgoing
from chat.client.model.talk import Line, LineKind, Talk, TalkKind
from chat.client.model.talks import TALKS, Talks
from chat.client.text.clean import clean, read_action, redacted
from chat.wires.message import build
from chat.wires.names import fold

VERSION = "Fanfare client"
_CTCP_REPLIES = 3  # in a row; then one in _CTCP_PAUSE seconds, whoever asks
_CTCP_PAUSE = 10.0

# Numerics by which a server says that words did not reach the room or person that they name: no such nick, cannot
# send to the channel, not on it, an account is wanted, they take no private words from us.
_NOT_PASSED_ON = frozenset({"401", "403", "404", "407", "442", "477", "486", "489", "531", "716"})


class Speech:
    """Puts what people and the server say into a network's transcripts."""

    def __init__(
        self,
        me: Me,
        talks: Talks,
        outgoing: Outgoing,
        tags: ClientTags,
        send: Callable[[bytes], None],
        clock: Callable[[], float],
    ) -> None:
        self._tags = tags
        self._me = me
        self._talks = talks
        self._outgoing = outgoing
        self._send = send
        self._clock = clock
        self._ctcp_at: list[float] = []  # when we answered last
        self._late: Counter[str] = Counter()  # echoes that are still to come for talks that are closed
        self.ignored: set[str] = set()  # masks of nick!user@host, folded
        self.handlers: dict[type, Callable[..., Iterable[Change]]] = {
            Say: self._said,
            Invited: self._invited,
            Refused: self._refused,
            Answered: self._answered,
            ServerSaid: self._server_said,
            Ponged: lambda news: self._outgoing.answered(news.token),
            Acknowledged: lambda news: self._outgoing.acknowledged(news.label),
        }

    def line(self, news: Say) -> Line | None:
        """The line to show for it; None if it has no words."""
        action = read_action(news.text)
        if news.kind is Kind.TAGS or (action is None and news.text.startswith("\x01")):
            return None
        kind = LineKind.NOTICE if news.kind is Kind.NOTICE else LineKind.SAY if action is None else LineKind.ACTION
        raw = news.text if action is None else action
        mine = self._me.named(news.who.nick)
        if mine:
            raw = redacted(news.to, raw)  # a server may echo a password
        text = clean(raw)
        nick = sys.intern(clean(news.who.nick))  # one string for all lines of a speaker: 5,000 a talk add up
        private = not mine and self._me.named(news.to)
        mention = not mine and self._talks.attention.named(text, self._me.nick)
        raw = "" if raw == text else raw
        return Line(news.at, kind, text, nick, mine, private, mention, raw=raw, msgid=news.msgid)

    def expect_echoes(self, nick: str, count: int) -> None:
        """So many echoes are to come of words to this person, whose talk is closed: they open it no more."""
        self._late[fold(nick)] = count

    def ignores(self, mask: str) -> bool:
        return any(_pattern(ignored).fullmatch(fold(mask)) for ignored in self.ignored)

    def _said(self, news: Say) -> Iterable[Change]:
        if self.ignored and not self._me.named(news.who.nick) and self.ignores(news.who.mask):
            return
        if news.kind is Kind.TAGS:
            yield from self._tagged(news)
            return
        line = self.line(news)
        if line is None:
            yield from self._ctcp(news)
            return
        if not news.who.user and news.kind is Kind.NOTICE:  # a server's name has no user part
            talk = self._room(news.to) or self._talks.server
            yield from self._talks.happened(talk, news.text, news.at, LineKind.SERVER)
            return
        room = self._room(news.to)
        if room is None and news.to[:1] in ("#", "&"):
            return  # a room that we are not in
        if line.mine and room is None and self._talks.find(news.to) is None and self._late[fold(news.to)] > 0:
            self._late[fold(news.to)] -= 1
            return
        count = len(self._talks)
        talk = room or self._private_talk(news)
        if len(self._talks) > count:
            yield TalksChanged()
        line = self._tags.said(news, line, talk)
        if line.mine:
            yield from self._outgoing.echoed(talk, line, news.label)
        else:
            yield from self._talks.append(talk, line)

    def _room(self, name: str) -> Talk | None:
        """The room that words are for; `@#room` are words for its operators."""
        return self._talks.room(name) or (self._talks.room(name[1:]) if name[:1] in RANKS else None)

    def _private_talk(self, news: Say) -> Talk:
        """The talk with this person. What a program says to us alone opens none, nor does one stranger too many."""
        peer = news.to if self._me.named(news.who.nick) else news.who.nick
        known = self._talks.find(peer)
        if known:
            return known
        if news.kind is Kind.NOTICE or not news.who.user or len(self._talks) > TALKS:
            return self._talks.server
        return self._talks.add(peer, TalkKind.PERSON)

    def _tagged(self, news: Say) -> Iterable[Change]:
        """Tags without words: they open no talk."""
        mine = self._me.named(news.who.nick)
        peer = news.to if mine else news.who.nick
        talk = self._room(news.to) or (self._talks.find(peer) if self._me.named(news.to) or mine else None)
        if talk:
            yield from self._tags.take(news, talk, mine)

    def _ctcp(self, news: Say) -> Iterable[Change]:
        """Questions to the program, and other programs' answers to our questions."""
        if self._me.named(news.who.nick):
            return
        verb, _, argument = news.text.strip("\x01").partition(" ")
        if news.kind is Kind.NOTICE:
            took = f" after {self._clock() - float(argument):.2f} s" if verb == "PING" and _is_time(argument) else ""
            text = f"{news.who.nick} answers {verb}{took or f': {argument}'}"
            yield from self._talks.happened(self._talks.current, text, news.at)
            return
        answers = {
            "VERSION": lambda: VERSION,
            "PING": lambda: argument[:100],
            "TIME": lambda: time.strftime("%a, %d %b %Y %H:%M:%S %z", time.localtime(self._clock())),
        }
        if verb in answers and self._may_answer():
            self._send(build("NOTICE", news.who.nick, f"\x01{verb} {answers[verb]()}\x01"))

    def _may_answer(self) -> bool:
        """A few answers in a row, then seldom: or anybody could have us flood the server."""
        now = self._clock()
        self._ctcp_at = [at for at in self._ctcp_at if 0 <= now - at < _CTCP_REPLIES * _CTCP_PAUSE]
        if len(self._ctcp_at) >= _CTCP_REPLIES:
            return False
        self._ctcp_at.append(now)
        return True

    def _invited(self, news: Invited) -> Iterable[Change]:
        if self._me.named(news.whom) and not self.ignores(news.who.mask):
            who, room = clean(news.who.nick), clean(news.room)
            text = f"{who} invites you into {room}: /join {room}"
            yield from self._talks.happened(self._talks.current, text, news.at, LineKind.HINT)

    def _refused(self, news: Refused) -> Iterable[Change]:
        talk = self._talks.find(news.about)
        if talk and (news.code in _NOT_PASSED_ON or news.label):
            yield from self._outgoing.refused(talk, news.label)
        if talk and talk.kind is TalkKind.ROOM and not talk.joined and not talk.reason:
            talk.reason = f"{talk.name} did not let you in: {clean(news.reason)}"
            yield from self._talks.happened(talk, talk.reason, news.at, LineKind.TROUBLE)
            yield StageChanged()
            yield TalksChanged()
        else:
            about = f"{news.about}: " if news.about and not self._me.named(news.about) else ""
            yield from self._talks.happened(talk or self._talks.current, about + news.reason, news.at, LineKind.TROUBLE)

    def _answered(self, news: Answered) -> Iterable[Change]:
        """Show an answer where the person looks."""
        yield from self._talks.happened(self._talks.current, news.text, news.at, LineKind.SERVER)

    def _server_said(self, news: ServerSaid) -> Iterable[Change]:
        yield from self._talks.happened(self._talks.server, news.text, news.at, LineKind.SERVER)


@lru_cache(maxsize=1000)
def _pattern(mask: str) -> re.Pattern[str]:
    """What a folded mask with `*` and `?` means."""
    return re.compile(translate(mask.replace("[", "[[]")))


def _is_time(text: str) -> bool:
    try:
        return 0 < float(text) < 1e11
    except ValueError:
        return False
