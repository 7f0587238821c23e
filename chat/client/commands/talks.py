"""The commands for talks: going in and out, saying things, who is there. Pure: they act on a network."""

import time

from chat.client.commands.answer import Answer, Command, ask, refuse, say
from chat.client.irc.address import nickname, room_name
from chat.client.model.changes import Cleared, StageChanged
from chat.client.model.network import Network
from chat.client.model.talk import Delivery, LineKind, Talk, TalkKind
from chat.client.text.clean import room_for_text
from chat.errors import SetupError

_NAMED = 100  # members that /names writes out; the list beside the transcript has them all


def _join(network: Network, argument: str) -> Answer | None:
    name, _, key = argument.partition(" ")
    if not name and network.current.kind is not TalkKind.ROOM:
        return None
    try:
        return Answer(network.join(room_name(name) if name else "", key.strip()), remember=True)
    except SetupError as error:
        return refuse(network, str(error))


def _part(network: Network, argument: str) -> Answer | None:
    talk = network.current
    if argument[:1] in ("#", "&"):
        name, _, argument = argument.partition(" ")
        found = network.talks.find(name)
        if found is None:
            return refuse(network, f"You are not in {name}.")
        talk = found
    if talk.kind is not TalkKind.ROOM:
        return None
    if not talk.joined:
        return refuse(network, f"You are not in {talk.name}. /close takes it from the list.")
    return ask(network, "PART", talk.name, *([argument] if argument else []))


def _close(network: Network, argument: str) -> Answer:
    if network.current is network.talks.server:
        return refuse(network, "The server's own words stay. /quit disconnects.")
    return Answer(network.close(network.current), remember=True)


def _me(network: Network, argument: str) -> Answer | None:
    return say(network, argument, LineKind.ACTION) if argument else None


def _msg(network: Network, argument: str) -> Answer | None:
    name, _, text = argument.partition(" ")
    return _to(network, name, text.strip()) if text.strip() else None


def _notice(network: Network, argument: str) -> Answer | None:
    name, _, text = argument.partition(" ")
    return _to(network, name, text.strip(), kind=LineKind.NOTICE) if text.strip() else None


def _query(network: Network, argument: str) -> Answer | None:
    name, _, text = argument.partition(" ")
    return _to(network, name, text.strip(), show=True) if name else None


def _to(network: Network, name: str, text: str, show: bool = False, kind: LineKind = LineKind.SAY) -> Answer:
    """Say something to a room or person, and show that talk if wanted."""
    talk = network.talks.find(name)
    if talk is None and name[0] in "#&":
        return refuse(network, f"You are not in {name}. /join {name} goes there.")
    try:
        changes = [] if talk else list(network.talk_with(nickname(name)))
    except SetupError as error:
        return refuse(network, str(error))
    talk = talk or network.talks.find(name)
    assert talk
    whole = say(network, text, kind, talk) if text else Answer()
    whole.changes[:0] = [*changes, *(network.open(talk) if show else [])]
    return whole


def _topic(network: Network, argument: str) -> Answer | None:
    talk = network.current
    if talk.kind is not TalkKind.ROOM:
        return refuse(network, "Only a room has a topic.")
    if not argument:
        return Answer(network.hint(_topic_of(talk)))
    limit = room_for_text(network.me.longest_mask, talk.name)
    if len(argument.encode()) > limit:
        return refuse(network, f"This topic has {len(argument.encode()):,} bytes, the limit is {limit:,}.")
    return ask(network, "TOPIC", talk.name, argument)


def _topic_of(talk: Talk) -> str:
    if not talk.topic:
        return f"{talk.name} has no topic."
    when = time.strftime("%d %B %Y", time.localtime(talk.topic_at))
    return f"The topic is: {talk.topic}" + (f" (set by {talk.topic_by}, {when})" if talk.topic_by else "")


def _names(network: Network, argument: str) -> Answer:
    talk = network.current
    if talk.kind is not TalkKind.ROOM or not talk.joined:
        return refuse(network, "You are in no room here whose members could be named.")
    members = talk.members.listed()
    named = ", ".join(f"{member.rank}{member.nick}{' (away)' if member.away else ''}" for member in members[:_NAMED])
    more = f" and {len(members) - _NAMED:,} others" if len(members) > _NAMED else ""
    return Answer(network.hint(f"In {talk.name}: {named}{more}"))


def _invite(network: Network, argument: str) -> Answer | None:
    nick, _, room = argument.partition(" ")
    room = room.strip() or (network.current.name if network.current.kind is TalkKind.ROOM else "")
    return ask(network, "INVITE", nick, room) if nick and room else None


def _clear(network: Network, argument: str) -> Answer:
    """Own lines that are not sent stay: they are still to come to their place, or to be sent again."""
    talk = network.current
    kept = [line for line in talk.lines if line.delivery is not Delivery.SENT]
    talk.lines.clear()
    talk.lines.extend(kept)
    talk.first_unread = 0
    return Answer([Cleared(talk)])


def _stop(network: Network, argument: str) -> Answer:
    if not network.outgoing.waiting:
        return refuse(network, "Nothing is waiting to be sent.")
    return Answer([*network.stop_sending(), StageChanged()])


COMMANDS = (
    Command("join", "join [ROOM [KEY]]", "Go into a room, or back into this one", _join, ("j",)),
    Command("part", "part [ROOM] [TEXT]", "Leave a room; what was said there stays in sight", _part, ("leave",)),
    Command("close", "close", "Leave this talk and take it from the list", _close),
    Command("me", "me TEXT", "Say what you do, as in: /me waves", _me),
    Command("msg", "msg NAME TEXT", "Write to a person or room, and stay here", _msg),
    Command("query", "query NAME [TEXT]", "Open the talk with a person", _query, ("q",)),
    Command("notice", "notice NAME TEXT", "Send a notice, which programs do not answer", _notice),
    Command("topic", "topic [TEXT]", "Show the topic of this room, or set it", _topic),
    Command("names", "names", "Who is in this room", _names),
    Command("invite", "invite NAME [ROOM]", "Ask somebody into this room, or another", _invite),
    Command("clear", "clear", "Empty this transcript", _clear),
    Command("stop", "stop", "Keep back what is still waiting to be sent", _stop),
)
