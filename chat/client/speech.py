"""What the model makes of words: whose talk they belong to, and how they are shown. Pure state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from chat.client.changes import Change, TalksChanged
from chat.client.members import RANKS
from chat.client.news import Invited
from chat.client.talk import Line, Look, Talk, TalkKind
from chat.client.talks import TALKS, mentions
from chat.client.text import clean, read_action
from chat.events import Kind, Say

if TYPE_CHECKING:
    from chat.client.model import Model


def _said(model: Model, news: Say) -> Iterable[Change]:
    action = read_action(news.text)
    if news.kind is Kind.TAGS or (action is None and news.text.startswith("\x01")):
        return  # no words; other CTCP are questions to the program, not words to the person
    if not news.who.user and news.kind is Kind.NOTICE:  # a server's name has no user part
        yield from model.happened(_room(model, news.to) or model.talks.server, news.text, news.at, Look.SERVER)
        return
    private = not model.is_me(news.who.nick) and model.is_me(news.to)
    talk = _room(model, news.to)
    if talk is None:
        if news.to[:1] in ("#", "&"):
            return  # a room that we are not in
        count = len(model.talks)
        talk = _private_talk(model, news)
        if len(model.talks) > count:
            yield TalksChanged()
    look = Look.NOTICE if news.kind is Kind.NOTICE else Look.SAY if action is None else Look.ACTION
    raw = news.text if action is None else action
    text = clean(raw)
    mine = model.is_me(news.who.nick)
    mention = not mine and mentions(text, model.nick)
    line = Line(news.at, look, text, clean(news.who.nick), mine, private, mention, raw="" if raw == text else raw)
    yield from model.outgoing.echoed(talk, line) if mine else model.append(talk, line)


def _room(model: Model, name: str) -> Talk | None:
    """The room that words are for; `@#room` are words for its operators."""
    talk = model.talks.find(name) or (model.talks.find(name[1:]) if name[:1] in RANKS else None)
    return talk if talk and talk.kind is TalkKind.ROOM else None


def _private_talk(model: Model, news: Say) -> Talk:
    """The talk with this person. What a program says to us alone opens none, nor does one stranger too many."""
    peer = news.to if model.is_me(news.who.nick) else news.who.nick
    known = model.talks.find(peer)
    if known:
        return known
    if news.kind is Kind.NOTICE or not news.who.user or len(model.talks) > TALKS:
        return model.talks.server
    return model.talks.add(peer, TalkKind.PERSON)


def _invited(model: Model, news: Invited) -> Iterable[Change]:
    if model.is_me(news.whom):
        yield from model.hint(f"{clean(news.who.nick)} invites you into {clean(news.room)}: /join {clean(news.room)}")


HANDLERS: dict[type, Callable[..., Iterable[Change]]] = {Say: _said, Invited: _invited}
