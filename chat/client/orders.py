"""The table of commands, and what each of them does. Pure: bytes to send and changes to show, for a model."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chat.client.changes import Change, Cleared
from chat.client.model import Model
from chat.client.outgoing import UNSENT
from chat.client.talk import State, Talk, TalkKind
from chat.client.target import nickname, room_name
from chat.client.text import room_for_text
from chat.errors import SetupError
from chat.wires.message import build

_NAMED = 100  # members that /names writes out; the list beside the transcript has them all


@dataclass(slots=True)
class Answer:
    """What follows from one line: bytes to send, changes to show. `taken` says that the box may be emptied."""

    send: list[bytes] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    taken: bool = True
    leave: str | None = None  # disconnect, with these last words

    def add(self, more: tuple[Iterable[bytes], Iterable[Change]]) -> None:
        self.send += more[0]
        self.changes += more[1]


@dataclass(frozen=True, slots=True)
class Command:
    """`run` gives None for an argument that it cannot read: then `usage` is shown."""

    name: str
    usage: str
    help: str
    run: Callable[[Model, str], Answer | None]
    aliases: tuple[str, ...] = ()


def say(model: Model, text: str, action: bool = False, talk: Talk | None = None) -> Answer:
    talk = talk or model.current
    return why_not(model, talk, 1) or Answer(*model.say(text, action, talk))


def why_not(model: Model, talk: Talk, lines: int) -> Answer | None:
    """Why this many lines cannot be said in this talk, and so stay in the box."""
    if talk.kind is TalkKind.SERVER:
        return _refuse(model, "Nobody reads what you write here. Choose a room or a person, or /join ROOM.")
    if not model.reaches(talk) and model.outgoing.left < lines:
        text = f"{lines:,} lines more cannot be kept to be sent later: the limit is {UNSENT:,}."
        return Answer(changes=model.trouble(text), taken=False)
    return None


def _refuse(model: Model, text: str) -> Answer:
    return Answer(changes=model.hint(text), taken=False)


def _offline(model: Model) -> Answer | None:
    """Why this cannot be done now; None when there is a connection."""
    if model.connected:
        return None
    return Answer(changes=model.trouble("You are not connected: nothing is changed."), taken=False)


def _join(model: Model, argument: str) -> Answer | None:
    name, _, key = argument.partition(" ")
    if not name and model.current.kind is not TalkKind.ROOM:
        return None
    try:
        return Answer(*model.join(room_name(name) if name else "", key.strip()))
    except SetupError as error:
        return _refuse(model, str(error))


def _part(model: Model, argument: str) -> Answer | None:
    talk = model.current
    if argument[:1] in ("#", "&"):
        name, _, argument = argument.partition(" ")
        found = model.talks.find(name)
        if found is None:
            return _refuse(model, f"You are not in {name}.")
        talk = found
    if talk.kind is not TalkKind.ROOM:
        return None
    if not talk.joined:
        return _refuse(model, f"You are not in {talk.name}. /close takes it from the list.")
    return Answer([build("PART", talk.name, *([argument] if argument else []))])


def _close(model: Model, argument: str) -> Answer:
    if model.current is model.talks.server:
        return _refuse(model, "The server's own words stay. /quit disconnects.")
    return Answer(*model.close(model.current))


def _nick(model: Model, argument: str) -> Answer:
    if not argument:
        return Answer(changes=model.hint(f"You are {model.nick}. Another name: /nick NAME"))
    try:
        return _offline(model) or Answer([build("NICK", nickname(argument))])
    except SetupError as error:
        return _refuse(model, str(error))


def _me(model: Model, argument: str) -> Answer | None:
    return say(model, argument, action=True) if argument else None


def _msg(model: Model, argument: str) -> Answer | None:
    name, _, text = argument.partition(" ")
    return _to(model, name, text.strip(), show=False) if text.strip() else None


def _query(model: Model, argument: str) -> Answer | None:
    name, _, text = argument.partition(" ")
    return _to(model, name, text.strip(), show=True) if name else None


def _to(model: Model, name: str, text: str, show: bool) -> Answer:
    """Say something to a room or person, and show that talk if wanted."""
    talk = model.talks.find(name)
    if talk is None and name[0] in "#&":
        return _refuse(model, f"You are not in {name}. /join {name} goes there.")
    try:
        changes = [] if talk else model.talk_with(nickname(name))
    except SetupError as error:
        return _refuse(model, str(error))
    talk = talk or model.talks.find(name)
    assert talk
    whole = say(model, text, talk=talk) if text else Answer()
    whole.changes[:0] = [*changes, *(model.open(talk) if show else [])]
    return whole


def _topic(model: Model, argument: str) -> Answer | None:
    talk = model.current
    if talk.kind is not TalkKind.ROOM:
        return _refuse(model, "Only a room has a topic.")
    if not argument:
        return Answer(changes=model.hint(_topic_of(talk)))
    limit = room_for_text(model.longest_mask, talk.name)
    if len(argument.encode()) > limit:
        return _refuse(model, f"This topic has {len(argument.encode()):,} bytes, the limit is {limit:,}.")
    return _offline(model) or Answer([build("TOPIC", talk.name, argument)])


def _topic_of(talk: Talk) -> str:
    if not talk.topic:
        return f"{talk.name} has no topic."
    when = time.strftime("%d %B %Y", time.localtime(talk.topic_at))
    return f"The topic is: {talk.topic}" + (f" (set by {talk.topic_by}, {when})" if talk.topic_by else "")


def _away(model: Model, argument: str) -> Answer:
    return _offline(model) or Answer([build("AWAY", argument or "away")])


def _back(model: Model, argument: str) -> Answer:
    return _offline(model) or Answer([build("AWAY")])


def _names(model: Model, argument: str) -> Answer:
    talk = model.current
    if talk.kind is not TalkKind.ROOM or not talk.joined:
        return _refuse(model, "You are in no room here whose members could be named.")
    members = talk.members.listed()
    named = ", ".join(f"{member.rank}{member.nick}{' (away)' if member.away else ''}" for member in members[:_NAMED])
    more = f" and {len(members) - _NAMED:,} others" if len(members) > _NAMED else ""
    return Answer(changes=model.hint(f"In {talk.name}: {named}{more}"))


def _clear(model: Model, argument: str) -> Answer:
    """Own lines that are not sent stay: they are still to come to their place, or to be sent again."""
    talk = model.current
    kept = [line for line in talk.lines if line.state is not State.SENT]
    talk.lines.clear()
    talk.lines.extend(kept)
    return Answer(changes=[Cleared(talk)])


def _quit(model: Model, argument: str) -> Answer:
    return Answer(leave=argument)


def _unreachable(model: Model, argument: str) -> None:
    """Of /help, which only chat.client.commands can answer: it needs the whole table."""


COMMANDS = (
    Command("join", "join [ROOM [KEY]]", "Go into a room, or back into this one", _join, ("j",)),
    Command("part", "part [ROOM] [TEXT]", "Leave a room; what was said there stays in sight", _part, ("leave",)),
    Command("close", "close", "Leave this talk and take it from the list", _close),
    Command("nick", "nick NAME", "Take another name", _nick),
    Command("me", "me TEXT", "Say what you do, as in: /me waves", _me),
    Command("msg", "msg NAME TEXT", "Write to a person or room, and stay here", _msg),
    Command("query", "query NAME [TEXT]", "Open the talk with a person", _query),
    Command("topic", "topic [TEXT]", "Show the topic of this room, or set it", _topic),
    Command("away", "away [TEXT]", "Tell the others that you are away", _away),
    Command("back", "back", "Tell the others that you are back", _back),
    Command("names", "names", "Who is in this room", _names),
    Command("clear", "clear", "Empty this transcript", _clear),
    Command("quit", "quit [TEXT]", "Disconnect, with these last words", _quit),
    Command("help", "help [COMMAND]", "What commands there are", _unreachable),
)
