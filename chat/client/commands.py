"""What the person typed: words for the room, or one of a table of commands. Says what to do, does nothing itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chat.client.changes import Change
from chat.client.model import Model
from chat.client.outgoing import UNSENT
from chat.client.talk import TalkKind
from chat.client.target import nickname
from chat.client.text import clean
from chat.errors import SetupError
from chat.wires.message import build


@dataclass(slots=True)
class Answer:
    """What follows from one line: bytes to send, changes to show. `taken` says that the box may be emptied."""

    send: list[bytes] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    taken: bool = True
    leave: str | None = None  # disconnect, with these last words


def answer(model: Model, typed: str) -> Answer:
    """What to do about what the person typed. Several lines were pasted: words, whatever they begin with."""
    lines = [line for line in (clean(line).rstrip() for line in typed.splitlines()) if line]
    if len(lines) == 1:
        whole = _answer(model, lines[0])
    elif problem := _problem(model, len(lines)):
        return problem
    else:
        whole = Answer()
        for line in lines:
            send, changes = model.say(line)
            whole.send += send
            whole.changes += changes
    whole.send += model.confirm()
    return whole


def _answer(model: Model, text: str) -> Answer:
    if not text.startswith("/") or text.startswith("//"):
        return _say(model, text[1:] if text.startswith("//") else text, action=False)
    name, _, argument = text[1:].partition(" ")
    command = _COMMANDS.get(name.lower())
    if command is None:
        known = ", ".join(f"/{usage}" for usage in _USAGES)
        hint = f"There is no command /{name}. There are {known}. Double the slash to say it: /{text}"
        return Answer(changes=model.hint(hint), taken=False)
    return command(model, argument.strip())


def _say(model: Model, text: str, action: bool) -> Answer:
    return _problem(model, 1) or Answer(*model.say(text, action))


def _problem(model: Model, lines: int) -> Answer | None:
    """Why this many lines cannot be said in the talk that is shown, and so stay in the box."""
    if model.current.kind is TalkKind.SERVER:
        return Answer(changes=model.hint("Nobody reads what you write here. Choose a room or a person."), taken=False)
    if not model.reaches(model.current) and model.outgoing.left < lines:
        text = f"{lines:,} lines more cannot be kept to be sent later: the limit is {UNSENT:,}."
        return Answer(changes=model.trouble(text), taken=False)
    return None


def _me(model: Model, argument: str) -> Answer:
    if not argument:
        return Answer(changes=model.hint("Say what you do, as in: /me waves"), taken=False)
    return _say(model, argument, action=True)


def _nick(model: Model, argument: str) -> Answer:
    if not argument:
        return Answer(changes=model.hint(f"You are {model.nick}. Another name: /nick NAME"))
    if not model.connected:
        return Answer(changes=model.trouble("You are not connected: the name stays as it is."), taken=False)
    try:
        return Answer(send=[build("NICK", nickname(argument))])
    except SetupError as error:
        return Answer(changes=model.hint(str(error)), taken=False)


def _quit(model: Model, argument: str) -> Answer:
    return Answer(leave=argument)


_COMMANDS: dict[str, Callable[[Model, str], Answer]] = {"me": _me, "nick": _nick, "quit": _quit}
_USAGES = ("me TEXT", "nick NAME", "quit [TEXT]")
