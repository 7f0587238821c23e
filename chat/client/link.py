"""What the model makes of news of the connection itself: it begins, it holds, it is lost. Pure state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from chat.client.changes import Change, MembersChanged, StageChanged, TalksChanged
from chat.client.news import Connecting, Lost, NickRefused, OwnAway, Ponged, Refused, ServerSaid, Welcomed
from chat.client.problem import Problem
from chat.client.stage import Stage
from chat.client.talk import Look
from chat.client.target import allowed_name, other_names
from chat.client.text import clean

if TYPE_CHECKING:
    from chat.client.model import Model

# Numerics by which a server says that words did not reach the room or person that they name: no such nick, cannot
# send to the channel, not on it, an account is wanted, they take no private words from us.
_NOT_PASSED_ON = frozenset({"401", "403", "404", "407", "442", "477", "486", "489", "531", "716"})


def cut_off(model: Model) -> Iterable[Change]:
    """There is no connection now: we are in no room, and what is pending is unsent."""
    for talk in model.talks.rooms():
        if talk.joined:
            talk.leave()
            yield MembersChanged(talk)
    yield from model.outgoing.lost()


def _connecting(model: Model, news: Connecting) -> Iterable[Change]:
    yield from cut_off(model)
    yield model.enter_stage(Stage.CONNECTING)


def _welcomed(model: Model, news: Welcomed) -> Iterable[Change]:
    model.nick = clean(news.nick)
    model.capabilities = news.capabilities
    model.was_welcomed = True
    model.away = False
    model.reconnect.welcomed()
    yield model.enter_stage(Stage.ONLINE)


def _nick_refused(model: Model, news: NickRefused) -> Iterable[Change]:
    nick = clean(news.nick)
    why = "is already in use" if news.taken else f"is not allowed here ({clean(news.reason)})"
    if news.instead:
        text = f"The name {nick} {why}: you come in as {news.instead}. Later, ask for it again with /nick {nick}."
        yield from model.happened(model.talks.server, text, news.at, Look.TROUBLE)
        return
    other = other_names(nick)[0] if news.taken else allowed_name(nick)
    if model.stage is Stage.CONNECTING:
        yield model.enter_stage(Stage.NAMELESS, f"The name {nick} {why}. Please choose another, as {other}.")
        model.suggestion = other
        return
    text = f"The name {nick} {why}. You are still {model.nick}; try another, as /nick {other}."
    yield from model.happened(model.current, text, news.at, Look.TROUBLE)


def _refused(model: Model, news: Refused) -> Iterable[Change]:
    talk = model.talks.find(news.about)
    if talk and news.code in _NOT_PASSED_ON:
        yield from model.outgoing.refused(talk)
    if talk and talk in model.talks.rooms() and not talk.joined and not talk.reason:
        talk.reason = f"{talk.name} did not let you in: {clean(news.reason)}"
        yield from model.happened(talk, talk.reason, news.at, Look.TROUBLE)
        yield StageChanged()
        yield TalksChanged()
    else:
        about = f"{news.about}: " if news.about and not model.is_me(news.about) else ""
        yield from model.happened(talk or model.current, about + news.reason, news.at, Look.TROUBLE)


def _own_away(model: Model, news: OwnAway) -> Iterable[Change]:
    model.away = news.away
    yield StageChanged()
    yield from model.happened(model.current, news.text, news.at)
    for talk in model.talks.rooms():
        if talk.members.set_away(model.nick, news.away):
            yield MembersChanged(talk)


def _ponged(model: Model, news: Ponged) -> Iterable[Change]:
    yield from model.outgoing.answered(news.token)


def _server_said(model: Model, news: ServerSaid) -> Iterable[Change]:
    yield from model.happened(model.talks.server, news.text, news.at, Look.SERVER)


def _lost(model: Model, news: Lost) -> Iterable[Change]:
    """Every talk says when it was cut off; that a new attempt failed, only the server's does."""
    if model.stage is Stage.NAMELESS:
        return  # the person is asked for a name; that this connection ends is no news
    was_connected = model.connected
    reason = f"{'Connection lost' if was_connected else 'Could not connect'}: {clean(news.reason)}"
    for talk in list(model.talks) if was_connected else [model.talks.server]:
        yield from model.happened(talk, f"{reason}.", news.at, Look.TROUBLE)
    yield from cut_off(model)
    if news.problem.hopeless or (news.problem is Problem.UNKNOWN_HOST and not model.was_welcomed):
        model.reconnect.stop()
    else:
        model.reconnect.lost()
    yield model.enter_stage(Stage.LOST, reason)
    model.problem = news.problem
    yield TalksChanged()


HANDLERS: dict[type, Callable[..., Iterable[Change]]] = {
    Connecting: _connecting,
    Welcomed: _welcomed,
    NickRefused: _nick_refused,
    Refused: _refused,
    OwnAway: _own_away,
    Ponged: _ponged,
    ServerSaid: _server_said,
    Lost: _lost,
}
