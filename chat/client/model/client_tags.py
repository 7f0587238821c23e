"""Typing, replies and reactions, which IRCv3 carries in client-only tags. Pure state.

Sources: https://ircv3.net/specs/client-tags/typing, reply, react
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from chat.client.irc.news import Say
from chat.client.model.changes import Change, LineChanged, TypingChanged
from chat.client.model.connection import Connection
from chat.client.model.talk import Line, Talk
from chat.client.text.clean import clean
from chat.wires.message import build, build_tags, parse_tags

ACTIVE = 6.0  # s after which somebody who says nothing more of it is no longer typing
_SAY_AGAIN = 3.0  # s between two notes to others that we are typing
_LOOKED_AT = 1_000  # of the newest lines of a talk, in which what is meant is looked for
_LONGEST_SIGN = 16  # characters of a reaction
_MOST_SIGNS = 8  # different reactions to one line that are shown
_QUOTED = 60  # characters of the line that is replied to


class ClientTags:
    """For one network; `enabled` says whether we tell others when we type."""

    def __init__(self, connection: Connection, send: Callable[[bytes], None], clock: Callable[[], float]) -> None:
        self._connection = connection
        self._send = send
        self._clock = clock
        self._told: dict[Talk, float] = {}  # when we last said that we are typing there
        self.enabled = True

    @property
    def understood(self) -> bool:
        """Whether the server passes them on."""
        return self._connection.online and "message-tags" in self._connection.capabilities

    def take(self, news: Say, talk: Talk, mine: bool) -> Iterable[Change]:
        """Tags that came without words."""
        tags = parse_tags(news.tags)
        nick = clean(news.who.nick)
        if "+typing" in tags and not mine:
            if tags["+typing"] == "active":
                talk.typing[nick] = news.at + ACTIVE
            else:
                talk.typing.pop(nick, None)
            yield TypingChanged(talk)
        sign = clean(tags.get("+draft/react", ""))[:_LONGEST_SIGN].strip()
        meant = find(talk, tags.get("+draft/reply", "") or tags.get("+reply", ""))
        if sign and meant:
            yield from _reacted(talk, meant, sign, nick)

    def said(self, news: Say, line: Line, talk: Talk) -> Line:
        """The line with what it replies to, if it says so. Its author has stopped typing."""
        talk.typing.pop(line.nick, None)
        if not news.tags:
            return line
        tags = parse_tags(news.tags)
        meant = find(talk, tags.get("+draft/reply", "") or tags.get("+reply", ""))
        return replace(line, reply=quoted(meant)) if meant else line

    def typing(self, talk: Talk) -> list[str]:
        """The nicknames of those who are typing there."""
        now = self._clock()
        return [nick for nick, until in talk.typing.items() if until > now]

    def we_type(self, talk: Talk, active: bool) -> None:
        """Tell the others in this talk, now and then, that we are typing; or that we are not."""
        if not (self.enabled and self.understood):
            return
        now = self._clock()
        if active and now - self._told.get(talk, 0.0) >= _SAY_AGAIN:
            self._told[talk] = now
            self._send(build("TAGMSG", talk.name, tags="+typing=active"))
        elif not active and self._told.pop(talk, None) is not None:
            self._send(build("TAGMSG", talk.name, tags="+typing=done"))

    def we_said(self, talk: Talk) -> None:
        """Our line is sent, which also ends our typing."""
        self._told.pop(talk, None)

    def react(self, talk: Talk, line: Line, sign: str) -> None:
        if self.understood and line.msgid:
            tags = build_tags((("+draft/react", sign), ("+draft/reply", line.msgid)))
            self._send(build("TAGMSG", talk.name, tags=tags))


def find(talk: Talk, msgid: str) -> Line | None:
    """The line with this id of the server's."""
    if not msgid:
        return None
    for back, line in enumerate(reversed(talk.lines)):
        if line.msgid == msgid:
            return line
        if back > _LOOKED_AT:
            break
    return None


def quoted(line: Line) -> str:
    """A line as it stands above a reply to it."""
    text = line.text if len(line.text) <= _QUOTED else f"{line.text[: _QUOTED - 1]}…"
    return f"{line.nick}: {text}"


def _reacted(talk: Talk, line: Line, sign: str, nick: str) -> Iterable[Change]:
    """Each person counts once for each sign."""
    signs = {one: list(nicks) for one, nicks in line.reactions}
    if sign in signs or len(signs) < _MOST_SIGNS:
        nicks = signs.setdefault(sign, [])
        if nick not in nicks:
            nicks.append(nick)
            changed = replace(line, reactions=tuple((one, tuple(who)) for one, who in signs.items()))
            if talk.change(changed):
                yield LineChanged(talk, changed)
