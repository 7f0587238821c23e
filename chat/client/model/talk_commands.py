"""The commands for talks: going in and out, saying things, who is there; and what a command answers.

Pure: they act on a network.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chat.client.irc.address import nickname, room_name
from chat.client.model.changes import Change, Cleared, StageChanged
from chat.client.model.network import Network
from chat.client.model.outgoing import KEPT
from chat.client.model.talk import Delivery, LineKind, Talk, TalkKind
from chat.client.text.clean import room_for_text
from chat.errors import SetupError


@dataclass(slots=True)
class Answer:
    """The answer to typed text: lines to send, changes to show. `taken` says that the box may be emptied."""

    changes: list[Change] = field(default_factory=list)
    taken: bool = True
    leave: str | None = None  # disconnect, with these last words
    browse: bool = False  # show the list of rooms
    remember: bool = False  # something changed that is kept for the next start
    send: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Command:
    """`run` gives None for an argument that it cannot read: then `usage` is shown."""

    name: str
    usage: str
    help: str
    run: Callable[[Network, str], Answer | None]
    aliases: tuple[str, ...] = ()


def say(network: Network, text: str, kind: LineKind = LineKind.SAY, talk: Talk | None = None) -> Answer:
    talk = talk or network.current
    return why_not(network, talk, 1) or Answer(network.say(text, kind, talk))


def why_not(network: Network, talk: Talk, lines: int) -> Answer | None:
    """Why this many lines cannot be said in this talk, and so stay in the box."""
    if talk.kind is TalkKind.SERVER:
        return refuse(network, "Nobody reads what you write here. Choose a room or a person, or /join ROOM.")
    if network.outgoing.room < lines:
        text = f"{lines:,} lines more cannot be kept to be sent: the limit is {KEPT:,}."
        return Answer(network.trouble(text), taken=False)
    return None


def refuse(network: Network, text: str) -> Answer:
    """Say why it is not done; the words stay in the box."""
    return Answer(network.hint(text), taken=False)


def offline(network: Network) -> Answer | None:
    """Why this cannot be done now; None when there is a connection."""
    if network.online:
        return None
    return Answer(network.trouble("You are not connected: nothing is changed."), taken=False)


def ask(network: Network, verb: str, *params: str, changes: Iterable[Change] = ()) -> Answer:
    """Send this line, if there is a connection."""
    refused = offline(network)
    if refused:
        return refused
    network.send(verb, *params)
    return Answer([*changes])


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
