"""Membership of rooms: joins, leaves, names, ranks, topics, who is away. Pure state."""

from collections.abc import Callable, Iterable

from chat.client.irc.news import (
    Away,
    Join,
    Kick,
    Leave,
    Member,
    Names,
    NamesEnd,
    Quit,
    Ranks,
    Rename,
    Seen,
    Topic,
    TopicSetBy,
)
from chat.client.model.changes import Change, MembersChanged, StageChanged, TalksChanged, TopicChanged
from chat.client.model.connection import Me
from chat.client.model.talk import LineKind, Move, Moved, Talk, TalkKind
from chat.client.model.talks import Talks
from chat.client.text.clean import clean


class Membership:
    """Applies each kind of news to a network's talks and members."""

    def __init__(self, me: Me, talks: Talks) -> None:
        self._me = me
        self._talks = talks
        self.handlers: dict[type, Callable[..., Iterable[Change]]] = {
            Join: self._joined,
            Names: self._names,
            NamesEnd: self._names_end,
            Leave: self._left,
            Quit: self._quit,
            Kick: self._kicked,
            Rename: self._renamed,
            Topic: self._topic,
            TopicSetBy: self._topic_set_by,
            Away: self._away,
            Seen: self._seen,
            Ranks: self._ranks,
        }

    def _joined(self, news: Join) -> Iterable[Change]:
        talk = self._talks.room(news.room)
        if self._me.named(news.who.nick):
            talk = self._talks.add(news.room, TalkKind.ROOM)
            talk.name = clean(news.room)  # as the server writes it
            talk.enter()
            self._me.mask = news.who.mask if news.who.host else ""
            yield from self._talks.happened(talk, f"You joined {news.room}", news.at)
            yield StageChanged()
            yield TalksChanged()
            yield TopicChanged(talk)
        elif talk and not talk.joined:
            return  # others' doings in a room that we are not in
        elif talk:
            move = Move(clean(news.who.nick), Moved.JOINED)
            yield from self._talks.happened(talk, f"{news.who.nick} joined", news.at, move=move)
        if talk:
            talk.members.enter(Member(news.who.nick))
            yield MembersChanged(talk)

    def _names(self, news: Names) -> Iterable[Change]:
        talk = self._talks.room(news.room)
        if talk and talk.joined:
            talk.members.enter(*news.members)
        return ()

    def _names_end(self, news: NamesEnd) -> Iterable[Change]:
        talk = self._talks.room(news.room)
        if talk:
            yield MembersChanged(talk)

    def _left(self, news: Leave) -> Iterable[Change]:
        talk = self._talks.room(news.room)
        if talk and self._me.named(news.who.nick):
            yield from self._out(talk, "You left", news.reason, news.at)
        elif talk:
            yield from self._gone(talk, news.who.nick, "left", news.reason, news.at)

    def _quit(self, news: Quit) -> Iterable[Change]:
        reason = news.reason.removeprefix("Quit:").strip()  # many servers mark words of the person's own so
        for talk in self._talks.having(news.who.nick):
            yield from self._gone(talk, news.who.nick, "quit", reason, news.at)

    def _kicked(self, news: Kick) -> Iterable[Change]:
        talk = self._talks.room(news.room)
        if talk and self._me.named(news.whom.nick):
            yield from self._out(talk, f"{news.who.nick} removed you from", news.reason, news.at)
        elif talk:
            yield from self._gone(talk, news.whom.nick, f"was removed by {news.who.nick}", news.reason, news.at)

    def _gone(self, talk: Talk, nick: str, how: str, reason: str, at: float) -> Iterable[Change]:
        talk.members.leave(nick)
        move = Move(clean(nick), Moved.LEFT) if how in ("left", "quit") else None  # a removal stays a line of its own
        text = f"{nick} {how}" + (f" ({reason})" if reason else "")
        yield from self._talks.happened(talk, text, at, move=move)
        if talk.kind is TalkKind.ROOM:
            yield MembersChanged(talk)

    def _out(self, talk: Talk, how: str, reason: str, at: float) -> Iterable[Change]:
        text = clean(f"{how} {talk.name}" + (f" ({reason})" if reason else ""))
        talk.leave(text)
        yield from self._talks.happened(talk, text, at, LineKind.TROUBLE)
        yield MembersChanged(talk)
        yield StageChanged()
        yield TalksChanged()

    def _renamed(self, news: Rename) -> Iterable[Change]:
        old, new = news.who.nick, news.nick
        mine = self._me.named(old)
        if mine:
            self._me.nick = self._me.wanted = clean(new)
            self._me.mask = f"{new}!{news.who.user}@{news.who.host}" if news.who.host else ""
            yield StageChanged()
        talks = list(self._talks.having(old))
        text = f"You are now {new}" if mine else f"{old} is now {new}"
        move = None if mine else Move(clean(old), Moved.RENAMED, clean(new))
        for talk in talks or ([self._talks.server] if mine else []):
            yield from self._talks.happened(talk, text, news.at, move=move)
            if old in talk.members:
                talk.members.rename(old, new)
                yield MembersChanged(talk)
            elif talk.kind is TalkKind.PERSON:
                self._talks.rename(talk, new)
                yield TalksChanged()

    def _topic(self, news: Topic) -> Iterable[Change]:
        talk = self._talks.room(news.room)
        if talk is None:
            return
        known = clean(news.text) in (talk.topic, talk.topic_before)
        talk.topic, talk.topic_by, talk.topic_at = clean(news.text), clean(news.who.nick), news.at
        yield TopicChanged(talk)
        if news.who.nick:
            text = f"{news.who.nick} changed the topic to: {news.text}"
            yield from self._talks.happened(talk, text if news.text else f"{news.who.nick} removed the topic", news.at)
        elif not known and news.text:  # as it is told to whoever comes in, or comes back
            yield from self._talks.happened(talk, f"The topic is: {news.text}", news.at)

    def _topic_set_by(self, news: TopicSetBy) -> Iterable[Change]:
        talk = self._talks.room(news.room)
        if talk:
            talk.topic_by, talk.topic_at = clean(news.nick), news.at
            yield TopicChanged(talk)

    def _away(self, news: Away) -> Iterable[Change]:
        """In a talk with that person it is said too, once: the server tells it after each line that we write."""
        nick = news.who.nick
        text = None if news.text is None else clean(news.text)
        yield from self._seen(Seen(nick, text is not None))
        talk = self._talks.find(nick)
        if talk and talk.kind is TalkKind.PERSON and talk.away != text:
            talk.away = text
            said = f"{nick} is back" if text is None else f"{nick} is away ({text})"
            yield from self._talks.happened(talk, said, news.at)
            yield TalksChanged()

    def _seen(self, news: Seen) -> Iterable[Change]:
        for talk in self._talks.rooms():
            if talk.members.set_away(news.nick, news.away):
                yield MembersChanged(talk)

    def _ranks(self, news: Ranks) -> Iterable[Change]:
        talk = self._talks.room(news.room)
        if talk is None:
            return
        changed = [talk.members.set_rank(nick, sign, given) for nick, sign, given in news.given]
        who = news.who.nick or self._talks.server.name
        yield from self._talks.happened(talk, f"{who} set the mode {news.changes}", news.at)
        if any(changed):
            yield MembersChanged(talk)
