"""What the model makes of coming and going: joins, leaves, names, ranks, topics. Pure state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from chat.client.changes import Change, MembersChanged, StageChanged, TalksChanged, TopicChanged
from chat.client.members import Member
from chat.client.news import Names, NamesEnd, Ranks, Seen, TopicSetBy
from chat.client.talk import Look, Move, Moved, Talk, TalkKind
from chat.client.text import clean
from chat.events import Away, Join, Kick, Leave, Quit, Rename, Topic

if TYPE_CHECKING:
    from chat.client.model import Model


def _room(model: Model, name: str) -> Talk | None:
    talk = model.talks.find(name)
    return talk if talk and talk.kind is TalkKind.ROOM else None


def _with(model: Model, nick: str) -> Iterable[Talk]:
    """The rooms that this person is in, and the talk with them."""
    for talk in list(model.talks):
        if nick in talk.members or (talk.kind is TalkKind.PERSON and talk is model.talks.find(nick)):
            yield talk


def _joined(model: Model, news: Join) -> Iterable[Change]:
    talk = _room(model, news.room)
    if model.is_me(news.who.nick):
        talk = model.talks.add(news.room, TalkKind.ROOM)
        talk.name = clean(news.room)  # as the server writes it
        talk.enter()
        model.mask = news.who.mask if news.who.host else ""
        yield from model.happened(talk, f"You joined {news.room}", news.at)
        yield StageChanged()
        yield TalksChanged()
    elif talk and not talk.joined:
        return  # others' doings in a room that we are not in
    elif talk:
        move = Move(clean(news.who.nick), Moved.JOINED)
        yield from model.happened(talk, f"{news.who.nick} joined", news.at, move=move)
    if talk:
        talk.members.enter(Member(news.who.nick))
        yield MembersChanged(talk)


def _names(model: Model, news: Names) -> Iterable[Change]:
    talk = _room(model, news.room)
    if talk and talk.joined:
        talk.members.enter(*news.members)
    return ()


def _names_end(model: Model, news: NamesEnd) -> Iterable[Change]:
    talk = _room(model, news.room)
    if talk:
        yield MembersChanged(talk)


def _left(model: Model, news: Leave) -> Iterable[Change]:
    talk = _room(model, news.room)
    if talk and model.is_me(news.who.nick):
        yield from _out(model, talk, "You left", news.reason, news.at)
    elif talk:
        yield from _gone(model, talk, news.who.nick, "left", news.reason, news.at)


def _quit(model: Model, news: Quit) -> Iterable[Change]:
    reason = news.reason.removeprefix("Quit:").strip()  # many servers mark words of the person's own so
    for talk in _with(model, news.who.nick):
        yield from _gone(model, talk, news.who.nick, "quit", reason, news.at)


def _kicked(model: Model, news: Kick) -> Iterable[Change]:
    talk = _room(model, news.room)
    if talk and model.is_me(news.whom.nick):
        yield from _out(model, talk, f"{news.who.nick} removed you from", news.reason, news.at)
    elif talk:
        yield from _gone(model, talk, news.whom.nick, f"was removed by {news.who.nick}", news.reason, news.at)


def _gone(model: Model, talk: Talk, nick: str, how: str, reason: str, at: float) -> Iterable[Change]:
    talk.members.leave(nick)
    move = Move(clean(nick), Moved.LEFT) if how in ("left", "quit") else None  # a removal stays a line of its own
    yield from model.happened(talk, f"{nick} {how}" + (f" ({reason})" if reason else ""), at, move=move)
    if talk.kind is TalkKind.ROOM:
        yield MembersChanged(talk)


def _out(model: Model, talk: Talk, how: str, reason: str, at: float) -> Iterable[Change]:
    text = clean(f"{how} {talk.name}" + (f" ({reason})" if reason else ""))
    talk.leave(text)
    yield from model.happened(talk, text, at, Look.TROUBLE)
    yield MembersChanged(talk)
    yield StageChanged()
    yield TalksChanged()


def _renamed(model: Model, news: Rename) -> Iterable[Change]:
    old, new = news.who.nick, news.nick
    mine = model.is_me(old)
    if mine:
        model.nick = model.wanted = clean(new)
        model.mask = f"{new}!{news.who.user}@{news.who.host}" if news.who.host else ""
        yield StageChanged()
    talks = list(_with(model, old))
    text = f"You are now {new}" if mine else f"{old} is now {new}"
    move = None if mine else Move(clean(old), Moved.RENAMED, clean(new))
    for talk in talks or ([model.talks.server] if mine else []):
        yield from model.happened(talk, text, news.at, move=move)
        if old in talk.members:
            talk.members.rename(old, new)
            yield MembersChanged(talk)
        elif talk.kind is TalkKind.PERSON:
            model.talks.rename(talk, new)
            yield TalksChanged()


def _topic(model: Model, news: Topic) -> Iterable[Change]:
    talk = _room(model, news.room)
    if talk is None:
        return
    known = talk.topic == clean(news.text)
    talk.topic, talk.topic_by, talk.topic_at = clean(news.text), clean(news.who.nick), news.at
    yield TopicChanged(talk)
    if news.who.nick:
        text = f"{news.who.nick} changed the topic to: {news.text}"
        yield from model.happened(talk, text if news.text else f"{news.who.nick} removed the topic", news.at)
    elif not known:  # as it is told to whoever comes in, or comes back
        yield from model.happened(talk, f"The topic is: {news.text}", news.at)


def _topic_set_by(model: Model, news: TopicSetBy) -> Iterable[Change]:
    talk = _room(model, news.room)
    if talk:
        talk.topic_by, talk.topic_at = clean(news.nick), news.at
        yield TopicChanged(talk)


def _away(model: Model, news: Away) -> Iterable[Change]:
    """In a talk with that person it is said too, once: the server tells it after each line that we write."""
    nick = news.who.nick
    text = None if news.text is None else clean(news.text)
    yield from _seen(model, Seen(nick, text is not None))
    talk = model.talks.find(nick)
    if talk and talk.kind is TalkKind.PERSON and talk.away != text:
        talk.away = text
        yield from model.happened(talk, f"{nick} is back" if text is None else f"{nick} is away ({text})", news.at)
        yield TalksChanged()


def _seen(model: Model, news: Seen) -> Iterable[Change]:
    for talk in model.talks.rooms():
        if talk.members.set_away(news.nick, news.away):
            yield MembersChanged(talk)


def _ranks(model: Model, news: Ranks) -> Iterable[Change]:
    talk = _room(model, news.room)
    if talk is None:
        return
    changed = [talk.members.set_rank(nick, sign, given) for nick, sign, given in news.given]
    yield from model.happened(talk, f"{news.who.nick or model.server} set the mode {news.changes}", news.at)
    if any(changed):
        yield MembersChanged(talk)


HANDLERS: dict[type, Callable[..., Iterable[Change]]] = {
    Join: _joined,
    Names: _names,
    NamesEnd: _names_end,
    Leave: _left,
    Quit: _quit,
    Kick: _kicked,
    Rename: _renamed,
    Topic: _topic,
    TopicSetBy: _topic_set_by,
    Away: _away,
    Seen: _seen,
    Ranks: _ranks,
}
