"""What the person typed: words for the talk, or one of a table of commands."""

from chat.client.commands import server, talks
from chat.client.commands.answer import Answer, Command, say, why_not
from chat.client.model.changes import Change
from chat.client.model.network import Network
from chat.client.text.clean import clean

_HELP = ("help [COMMAND]", "What commands there are")
_COMMANDS = (*talks.COMMANDS, *server.COMMANDS)
_BY_NAME = {name: command for command in _COMMANDS for name in (command.name, *command.aliases)}
NAMES = (*(command.name for command in _COMMANDS), "help")
HELP = tuple((f"/{usage}", words) for usage, words in (*((c.usage, c.help) for c in _COMMANDS), _HELP))


def lines_of(typed: str) -> list[str]:
    """The lines that would be sent, without empty ones."""
    return [line for line in (clean(line).rstrip() for line in typed.splitlines()) if line]


def answer(network: Network, typed: str) -> Answer:
    """Do what the person typed. Several lines were pasted: words, whatever they begin with."""
    lines = lines_of(typed)
    if len(lines) == 1:
        whole = _answer(network, lines[0])
    else:
        problem = why_not(network, network.current, len(lines))
        whole = problem or Answer([change for line in lines for change in network.say(line)])
    whole.send = network.take_output()
    return whole


def _answer(network: Network, text: str) -> Answer:
    if not text.startswith("/") or text.startswith("//"):
        return say(network, text[1:] if text.startswith("//") else text)
    name, _, argument = text[1:].partition(" ")
    if name.lower() == "help":
        return _help(network, argument.strip())
    command = _BY_NAME.get(name.lower())
    if command is None:
        return Answer(network.hint(f"{_unknown(name)} To say it, double the slash: /{text}"), taken=False)
    return command.run(network, argument.strip()) or _usage(network, command)


def _usage(network: Network, command: Command) -> Answer:
    return Answer(network.hint(f"{command.help}: /{command.usage}"), taken=False)


def _help(network: Network, argument: str) -> Answer:
    """What there is, or what one command does."""
    name = argument.lower().removeprefix("/")
    if name and name != "help" and name not in _BY_NAME:
        return Answer(network.hint(_unknown(name)), taken=False)
    wanted = [(f"/{_BY_NAME[name].usage}", _BY_NAME[name].help)] if name in _BY_NAME else HELP
    changes: list[Change] = []
    for usage, words in wanted:
        changes += network.hint(f"{usage} - {words}")
    return Answer(changes)


def _unknown(name: str) -> str:
    from difflib import get_close_matches  # here: rarely needed

    nearest = get_close_matches(name.lower(), _BY_NAME, 1)
    advice = f"Did you mean /{nearest[0]}?" if nearest else "/help tells which there are."
    return f"There is no command /{name}. {advice}"
