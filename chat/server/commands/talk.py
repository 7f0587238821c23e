"""Messages: PRIVMSG, NOTICE, TAGMSG; and AWAY and SETNAME."""

from contextlib import suppress
from functools import partial

from chat.server.commands.limits import (
    BYTES_A_TOKEN,
    RANK_COST,
    REALNAME_BYTES,
    REASON_BYTES,
    RECEIVER_COST,
    ROOM_COST,
    TARGETS,
)
from chat.server.commands.nickserv import KEY as NICKSERV
from chat.server.commands.nickserv import ask_nickserv
from chat.server.commands.table import command
from chat.server.core.client import Client, is_middle
from chat.server.core.node import Node
from chat.server.core.ranks import SIGNS
from chat.server.core.room import User
from chat.server.core.state import Refusal
from chat.wires.irc import LINE_BYTES
from chat.wires.message import Message, client_tags
from chat.wires.names import fold
from chat.wires.numerics import (
    ERR_NORECIPIENT,
    ERR_NOSUCHNICK,
    ERR_NOTEXTTOSEND,
    ERR_TOOMANYTARGETS,
    RPL_AWAY,
    RPL_NOWAWAY,
    RPL_UNAWAY,
)
from chat.wires.text import cut
from chat.wires.wire import Command

AROUND = len(": PRIVMSG  :\r\n")  # bytes of a line beside its source, target and text
SHORT_TEXT = 60  # characters; always fits, so its bytes need not be counted


@command("PRIVMSG")
def privmsg(node: Node, client: Client, user: User, message: Message) -> None:
    """Put the message through the log for each target. Raises Refusal when there is no text or no target."""
    params = message.params
    if not params or not params[0].strip(","):
        raise Refusal(ERR_NORECIPIENT, text=ERR_NORECIPIENT.text.format(message.verb))
    if len(params) < 2 or not params[1]:
        raise Refusal(ERR_NOTEXTTOSEND)
    del params[2:]  # a program that left out the colon
    message.source = user.mask
    message.tags = client_tags(message.tags) if message.tags else ""
    if "," not in params[0]:
        _say_to(node, client, user, message)
        return
    targets = {fold(target): target for target in params[0].split(",") if target}.values()
    if len(targets) > TARGETS:
        raise Refusal(ERR_TOOMANYTARGETS, params[0], text=ERR_TOOMANYTARGETS.text.format(TARGETS))
    client.cost += len(targets) - 1
    for target in targets:
        _say_to(node, client, user, Message(message.verb, [target, params[1]], message.source, message.tags))


def is_word_to_room(command: Command) -> bool:
    """Whether it may run while other words to rooms are on their way to the log: they decide nothing about it, and if
    it is answered, then by its entry."""
    if not isinstance(command, Message) or command.verb not in ("PRIVMSG", "NOTICE") or len(command.params) != 2:
        return False
    to, text = command.params
    return text != "" and to[:1] == "#" and "," not in to and "label" not in command.tags


@command("NOTICE")
def notice(node: Node, client: Client, user: User, message: Message) -> None:
    """Never answered, not even with an error, so that two programs cannot answer each other for ever."""
    with suppress(Refusal):
        privmsg(node, client, user, message)


@command("TAGMSG")
def tagmsg(node: Node, client: Client, user: User, message: Message) -> None:
    if message.params and message.params[0]:
        if not is_middle(message.params[0]):  # it was the line's last parameter
            raise Refusal(ERR_NOSUCHNICK, message.params[0])
        message.params[1:] = ["-"]  # a placeholder: a TAGMSG has no text
    privmsg(node, client, user, message)


def _say_to(node: Node, client: Client, user: User, message: Message) -> None:
    """Cut the text to what fits in everybody's line, count the cost, and make the request."""
    to, text = message.params[0], message.params[1]
    if len(text) > SHORT_TEXT:
        message.params[1] = cut(text, LINE_BYTES - AROUND - len(message.source) - len(to.encode()))
    if node.charges:
        charge(node, client, message)
    if to[0] != "#" and fold(to) == NICKSERV:
        if message.verb == "PRIVMSG":
            ask_nickserv(node, client, user, text)
    elif message.verb == "NOTICE":
        node.ask(client, message, refused=_unanswered)
    elif to[0] == "#" or message.verb != "PRIVMSG":
        node.ask(client, message)
    else:
        node.ask(client, message, partial(tell_away, node, client, to))


def charge(node: Node, client: Client, message: Message) -> None:
    """Words cost by their bytes and by how many get them."""
    to, text = message.params
    if to[0] in SIGNS:
        room = node.state.find_room(to[1:])
        client.cost += len(room.members) * RANK_COST if room is not None else 0.0
    size = AROUND + len(message.source) + len(to) + len(text) + len(message.tags)
    client.cost += size // BYTES_A_TOKEN + node.fan_out.size(fold(to)) * RECEIVER_COST


def tell_away(node: Node, client: Client, nick: str) -> None:
    whom = node.state.find_user(nick)
    if whom is not None and whom.away is not None:
        client.numeric(RPL_AWAY, whom.nick, text=whom.away)


def _unanswered(refusal: Refusal) -> None:
    """A NOTICE gets no answer."""


@command("AWAY")
def away(node: Node, client: Client, user: User, message: Message) -> None:
    text = cut(message.params[0], REASON_BYTES) if message.params else ""
    numeric = RPL_NOWAWAY if text else RPL_UNAWAY
    client.cost += len(user.rooms) * ROOM_COST
    node.ask(client, Message("AWAY", [text] if text else [], user.mask), partial(client.numeric, numeric))


@command("SETNAME", 1)
def setname(node: Node, client: Client, user: User, message: Message) -> None:
    realname = message.params[0]
    size = len(realname.encode())
    if not realname or size > REALNAME_BYTES:
        text = f"Real name is {size} bytes, it may be 1 to {REALNAME_BYTES}"
        client.line("FAIL", "SETNAME", "INVALID_REALNAME", text)
        return
    client.cost += len(user.rooms) * ROOM_COST
    node.ask(client, Message("SETNAME", [realname], user.mask))
