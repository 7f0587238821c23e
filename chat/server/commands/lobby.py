"""The commands of the unframed wires: enter, take a name, speak in the lobby."""

from functools import partial
from itertools import count

from chat.server.commands.limits import RECEIVER_COST
from chat.server.commands.registration import arrival, turn_away
from chat.server.commands.talk import charge
from chat.server.core.apply import PLAIN, check_nickname
from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.state import BannedRefusal, Refusal, Unsafe
from chat.wires.message import Message
from chat.wires.names import NICK_LENGTH, USER_LENGTH, fold
from chat.wires.numerics import (
    ERR_BADCHANNELKEY,
    ERR_BANNEDFROMCHAN,
    ERR_CANNOTSENDTOCHAN,
    ERR_CHANNELISFULL,
    ERR_INVITEONLYCHAN,
    ERR_NEEDREGGEDNICK,
)
from chat.wires.wire import Blank, Enter, Speak, TakeName

# Why the lobby lets somebody not in, for people who have never heard of modes.
_CLOSED = {
    ERR_BANNEDFROMCHAN: "does not let you in: you are banned",
    ERR_INVITEONLYCHAN: "lets in only those who are invited",
    ERR_BADCHANNELKEY: "has a key, and programs like yours have no way to give it",
    ERR_CHANNELISFULL: "is full",
    ERR_NEEDREGGEDNICK: "lets in only those who are logged in",
}


def run_unframed(node: Node, client: Client, command: Enter | TakeName | Speak | Blank) -> None:
    """Run one command. These wires have no way to answer, so a refused request has no effect at all."""
    user = client.user
    if type(command) is Enter:
        if user is None:
            _enter(node, client, command.name)
    elif user is None:
        pass
    elif type(command) is TakeName:
        _take_name(node, client, command.name)
    elif type(command) is Speak:
        words = Message("PRIVMSG", [node.settings.lobby, command.text], user.mask)
        if node.charges:
            charge(node, client, words)
        node.ask(client, words, refused=partial(_tell, client))


def _enter(node: Node, client: Client, name: str) -> None:
    """Register under `name`, or the nearest that is free, and join the lobby."""
    if wait := client.newcomer_wait():
        turn_away(client, wait)
        return
    nick = free_name(node, client, name)
    user_name = "~" + (fold(name)[: USER_LENGTH - 1] or "guest")
    node.ask(
        client,
        arrival(node, client, nick, user_name, PLAIN, "*", name or "guest"),
        partial(_has_entered, node, client, nick),
        partial(_try_again, node, client, name),
    )


def _try_again(node: Node, client: Client, name: str, refusal: Refusal) -> None:
    if isinstance(refusal, BannedRefusal):
        client.hang_up(refusal.ban.told)
    elif isinstance(refusal, Unsafe):
        client.hang_up(refusal.reason)
    else:
        _enter(node, client, name)  # the name was taken meanwhile


def _has_entered(node: Node, client: Client, nick: str) -> None:
    user = node.enter(client, nick)
    if user is None:
        return
    client.cost += node.fan_out.size(fold(node.settings.lobby)) * RECEIVER_COST
    if welcome := client.dialect.welcome(nick):
        client.send(*welcome)
    lobby = node.settings.lobby
    node.ask(client, Message("JOIN", [lobby], user.mask), refused=partial(_turn_away, node, client, lobby))


def _turn_away(node: Node, client: Client, lobby: str, refusal: Refusal) -> None:
    """These wires know no other room."""
    reason = f"{lobby} {_CLOSED.get(refusal.numeric, 'lets nobody in now')}"
    node.quit(client, reason)
    client.hang_up(reason)


def _tell(client: Client, refusal: Refusal) -> None:
    """Say in the wire's own words why nobody hears what the client said."""
    if refusal.numeric is ERR_CANNOTSENDTOCHAN:
        client.send(*client.dialect.farewell("you may not speak here now"))


def _take_name(node: Node, client: Client, name: str) -> None:
    user = client.user
    if user is not None:
        nick = free_name(node, client, name)
        node.ask(client, Message("NICK", [nick], user.mask), refused=_not_done)


def free_name(node: Node, client: Client, name: str) -> str:
    """The name, with a number if it is in use; without a name, a guest's.

    The number of the last guest is kept: counting from 1 each time would take a look-up for each guest there is.
    """
    if node.state.reserves(name):  # and so is every number of it
        name = ""
    if name and _is_free(node, client, name):
        return name
    base = name or "guest"
    for number in count(2) if name else count(node.guests + 1):
        nick = f"{base[: NICK_LENGTH - len(str(number))]}{number}"
        if _is_free(node, client, nick):
            if not name:
                node.guests = number
            return nick
    raise AssertionError("numbers do not end")


def _is_free(node: Node, client: Client, nick: str) -> bool:
    try:
        check_nickname(node.state, client.user, nick)
    except Refusal:
        return False
    return True


def _not_done(refusal: Refusal) -> None:
    """These wires have no way to report a refusal."""
