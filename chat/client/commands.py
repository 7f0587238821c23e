"""What the person typed: words for the talk, or one of a table of commands. Says what to do, does nothing itself.

What each command does stands in chat.client.orders.
"""

from difflib import get_close_matches

from chat.client.model import Model
from chat.client.orders import COMMANDS, Answer, Command, say, why_not
from chat.client.text import clean

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}
NAMES = tuple(command.name for command in COMMANDS)
HELP = tuple((f"/{command.usage}", command.help) for command in COMMANDS)


def answer(model: Model, typed: str) -> Answer:
    """What to do about what the person typed. Several lines were pasted: words, whatever they begin with."""
    lines = [line for line in (clean(line).rstrip() for line in typed.splitlines()) if line]
    if len(lines) == 1:
        whole = _answer(model, lines[0])
    elif problem := why_not(model, model.current, len(lines)):
        return problem
    else:
        whole = Answer()
        for line in lines:
            whole.add(model.say(line))
    whole.send += model.confirm()
    return whole


def _answer(model: Model, text: str) -> Answer:
    if not text.startswith("/") or text.startswith("//"):
        return say(model, text[1:] if text.startswith("//") else text)
    name, _, argument = text[1:].partition(" ")
    if name.lower() == "help":
        return _help(model, argument.strip())
    command = _BY_NAME.get(name.lower())
    if command is None:
        return Answer(changes=model.hint(f"{_unknown(name)} To say it, double the slash: /{text}"), taken=False)
    return command.run(model, argument.strip()) or _usage(model, command)


def _usage(model: Model, command: Command) -> Answer:
    return Answer(changes=model.hint(f"{command.help}: /{command.usage}"), taken=False)


def _help(model: Model, argument: str) -> Answer:
    """What there is, or what one command does."""
    name = argument.lower().removeprefix("/")
    if name and name not in _BY_NAME:
        return Answer(changes=model.hint(_unknown(name)), taken=False)
    wanted = [_BY_NAME[name]] if name else COMMANDS
    lines = (f"/{command.usage} - {command.help}" for command in wanted)
    return Answer(changes=[change for line in lines for change in model.hint(line)])


def _unknown(name: str) -> str:
    nearest = get_close_matches(name.lower(), _BY_NAME, 1)
    advice = f"Did you mean /{nearest[0]}?" if nearest else "/help tells which there are."
    return f"There is no command /{name}. {advice}"
