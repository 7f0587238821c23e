"""What the person typed: words for the talk, or a command. Here are those for the server and for who runs a room.

Pure: they act on a network.
"""

from functools import partial

from chat.client.irc.address import nickname
from chat.client.model import talk_commands
from chat.client.model.changes import Change
from chat.client.model.network import Network
from chat.client.model.talk import TalkKind
from chat.client.model.talk_commands import Answer, Command, ask, offline, refuse, say, why_not
from chat.client.text.clean import clean
from chat.errors import SetupError
from chat.wires.names import fold

_RAW_BYTES = 510  # of a line without its end


def _nick(network: Network, argument: str) -> Answer:
    if not argument:
        return Answer(network.hint(f"You are {network.me.nick}. Another name: /nick NAME"))
    try:
        return ask(network, "NICK", nickname(argument))
    except SetupError as error:
        return refuse(network, str(error))


def _away(network: Network, argument: str) -> Answer:
    return ask(network, "AWAY", argument or "away")


def _back(network: Network, argument: str) -> Answer:
    return ask(network, "AWAY")


def _quit(network: Network, argument: str) -> Answer:
    return Answer(leave=argument)


def _quote(network: Network, argument: str) -> Answer | None:
    """The line as it is typed: for whatever has no command."""
    if not argument:
        return None
    if len(argument.encode()) > _RAW_BYTES:
        return refuse(network, f"This line has {len(argument.encode()):,} bytes, the limit is {_RAW_BYTES:,}.")
    refused = offline(network)
    if refused is None:
        network.send_raw(argument)
    return refused or Answer()


def _oper(network: Network, argument: str) -> Answer | None:
    """What is sent is shown nowhere: it holds a password."""
    name, _, password = argument.partition(" ")
    return ask(network, "OPER", name, password.strip()) if password.strip() else None


def _register(network: Network, argument: str) -> Answer | None:
    """By the server's own command where it has one, else by NickServ, which may want a mail address too."""
    if not argument:
        return None
    if "draft/account-registration" in network.connection.capabilities:
        return ask(network, "REGISTER", "*", "*", argument)
    return _service(network, f"REGISTER {argument}", "NickServ")


def _whois(network: Network, argument: str) -> Answer | None:
    nick = argument or (network.current.name if network.current.kind is TalkKind.PERSON else "")
    return ask(network, "WHOIS", nick) if nick and " " not in nick else None


def _list(network: Network, argument: str) -> Answer:
    answer = ask(network, "LIST", *([argument] if argument else []), changes=network.forget_room_list())
    answer.browse = answer.taken
    return answer


def _ctcp(network: Network, argument: str) -> Answer | None:
    nick, _, question = argument.partition(" ")
    verb, _, rest = question.strip().partition(" ")
    if not verb:
        return None
    if verb.upper() == "PING" and not rest:
        rest = f"{network.clock():.3f}"
    return ask(network, "PRIVMSG", nick, f"\x01{f'{verb.upper()} {rest}'.rstrip()}\x01")


def _in_room(network: Network) -> Answer | None:
    """Why this cannot be done in the talk that is shown."""
    if network.current.kind is TalkKind.ROOM:
        return None
    return refuse(network, "This works in a room: choose one first.")


def _kick(network: Network, argument: str) -> Answer | None:
    nick, _, reason = argument.partition(" ")
    if not nick:
        return None
    return _in_room(network) or ask(network, "KICK", network.current.name, nick, *([reason] if reason else []))


def _ban(network: Network, argument: str, sign: str = "+") -> Answer | None:
    """A nickname means everybody of that name, wherever they come from. Without one, the list of bans."""
    refused = _in_room(network)
    if refused:
        return refused
    if not argument:
        return ask(network, "MODE", network.current.name, "+b") if sign == "+" else None
    mask = argument if set(argument) & set("!@*?$:") else f"{argument}!*@*"
    return ask(network, "MODE", network.current.name, f"{sign}b", mask)


def _mode(network: Network, argument: str) -> Answer | None:
    """Of the room that is shown; of anything else where the argument begins with its name."""
    first = argument.partition(" ")[0]
    elsewhere = first[:1] in ("#", "&") or fold(first) == fold(network.me.nick)
    if elsewhere:
        return ask(network, "MODE", *argument.split())
    return _in_room(network) or ask(network, "MODE", network.current.name, *argument.split())


def _rank(network: Network, argument: str, change: str) -> Answer | None:
    nicks = argument.split()
    if not nicks:
        return None
    refused = _in_room(network) or offline(network)
    if refused:
        return refused
    most = network.connection.supported.get("MODES", "3")
    at_once = int(most) if most.isdecimal() and 0 < int(most) < 20 else 3
    for start in range(0, len(nicks), at_once):
        some = nicks[start : start + at_once]
        network.send("MODE", network.current.name, change[0] + change[1] * len(some), *some)
    return Answer()


def _ignore(network: Network, argument: str) -> Answer:
    """Their messages are hidden everywhere, across restarts, until /unignore."""
    if not argument:
        masks = ", ".join(sorted(network.speech.ignored))
        return Answer(network.hint(f"You ignore: {masks}" if masks else "You ignore nobody."))
    mask = _mask(argument)
    network.speech.ignored.add(mask)
    return Answer(network.hint(f"Ignoring {mask}. /unignore {argument} undoes it."), remember=True)


def _unignore(network: Network, argument: str) -> Answer | None:
    if not argument:
        return None
    mask = _mask(argument)
    if mask not in network.speech.ignored:
        return refuse(network, f"You do not ignore {mask}.")
    network.speech.ignored.discard(mask)
    return Answer(network.hint(f"No longer ignoring {mask}."), remember=True)


def _mask(argument: str) -> str:
    return fold(argument if set(argument) & set("!@*?") else f"{argument}!*@*")


def _service(network: Network, argument: str, service: str) -> Answer | None:
    if not argument:
        return None
    talk = network.talks.find(service)
    changes = [] if talk else list(network.talk_with(service))
    whole = say(network, argument, talk=network.talks.find(service))
    whole.changes[:0] = changes
    return whole


_SERVER_COMMANDS = (
    Command("nick", "nick NAME", "Take another name", _nick),
    Command("away", "away [TEXT]", "Tell the others that you are away", _away),
    Command("back", "back", "Tell the others that you are back", _back),
    Command("whois", "whois NAME", "Ask the server who somebody is", _whois, ("w",)),
    Command("list", "list [PATTERN]", "List the rooms of this server", _list),
    Command("ignore", "ignore [NAME]", "Hide somebody's messages, or list whom you ignore", _ignore),
    Command("unignore", "unignore NAME", "Show somebody's messages again", _unignore),
    Command("ctcp", "ctcp NAME QUESTION", "Ask somebody's program: VERSION, PING or TIME", _ctcp),
    Command("kick", "kick NAME [TEXT]", "Remove somebody from this room", _kick),
    Command("ban", "ban [NAME]", "Keep somebody out of this room, or list the bans", _ban),
    Command("unban", "unban NAME", "Let somebody into this room again", partial(_ban, sign="-")),
    Command("op", "op NAME …", "Make members operators of this room", partial(_rank, change="+o")),
    Command("deop", "deop NAME …", "Take operator rights away", partial(_rank, change="-o")),
    Command("voice", "voice NAME …", "Let members speak in a moderated room", partial(_rank, change="+v")),
    Command("devoice", "devoice NAME …", "Take voice away", partial(_rank, change="-v")),
    Command("mode", "mode [CHANGES]", "Show the modes of this room, or change them", _mode),
    Command("register", "register PASSWORD", "Register an account in your name", _register),
    Command("ns", "ns TEXT", "Write to NickServ", partial(_service, service="NickServ")),
    Command("cs", "cs TEXT", "Write to ChanServ", partial(_service, service="ChanServ")),
    Command("oper", "oper NAME PASSWORD", "Become an operator of the server", _oper),
    Command("quote", "quote LINE", "Send the server a line as it is", _quote, ("raw",)),
    Command("quit", "quit [TEXT]", "Disconnect, with these last words", _quit),
)
_HELP = ("help [COMMAND]", "What commands there are")
_COMMANDS = (*talk_commands.COMMANDS, *_SERVER_COMMANDS)
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
