"""Commands and their answers. Plain values."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chat.client.model.changes import Change
from chat.client.model.network import Network
from chat.client.model.outgoing import KEPT
from chat.client.model.talk import LineKind, Talk, TalkKind


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
