"""Asking about the server: MOTD, LUSERS, VERSION, TIME."""

import time

from chat import __version__
from chat.server.commands.isupport import send_isupport
from chat.server.commands.table import command
from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.room import User
from chat.server.core.state import Refusal
from chat.wires.message import Message
from chat.wires.names import fold, matcher
from chat.wires.numerics import (
    ERR_NOMOTD,
    ERR_NOSUCHSERVER,
    RPL_ENDOFMOTD,
    RPL_GLOBALUSERS,
    RPL_LOCALUSERS,
    RPL_LUSERCHANNELS,
    RPL_LUSERCLIENT,
    RPL_LUSERME,
    RPL_LUSEROP,
    RPL_MOTD,
    RPL_MOTDSTART,
    RPL_TIME,
    RPL_VERSION,
)


def asks_here(node: Node, message: Message) -> None:
    """Raise Refusal unless the target is this server: its name, a mask of it, or a user on it."""
    target = message.params[0] if message.params else ""
    if target and node.state.find_user(target) is None and not matcher(target)(fold(node.name)):
        raise Refusal(ERR_NOSUCHSERVER, target)


def motd(node: Node, client: Client) -> None:
    text = node.settings.motd
    if not text:
        client.numeric(ERR_NOMOTD)
        return
    client.numeric(RPL_MOTDSTART, text=RPL_MOTDSTART.text.format(node.name))
    for line in text.splitlines():
        client.numeric(RPL_MOTD, text=f"- {line}")
    client.numeric(RPL_ENDOFMOTD)


def lusers(node: Node, client: Client) -> None:
    now, most = len(node.state.users), node.state.most_users
    hidden = len(node.state.invisible)
    client.numeric(RPL_LUSERCLIENT, text=RPL_LUSERCLIENT.text.format(now - hidden, hidden))
    client.numeric(RPL_LUSEROP, str(len(node.state.operators)))
    client.numeric(RPL_LUSERCHANNELS, str(len(node.state.rooms) - node.state.secret_rooms))
    client.numeric(RPL_LUSERME, text=RPL_LUSERME.text.format(now))
    client.numeric(RPL_LOCALUSERS, str(now), str(most), text=RPL_LOCALUSERS.text.format(now, most))
    client.numeric(RPL_GLOBALUSERS, str(now), str(most), text=RPL_GLOBALUSERS.text.format(now, most))


@command("MOTD")
def ask_motd(node: Node, client: Client, user: User, message: Message) -> None:
    asks_here(node, message)
    motd(node, client)


@command("LUSERS")
def ask_lusers(node: Node, client: Client, user: User, message: Message) -> None:
    lusers(node, client)


@command("VERSION")
def version(node: Node, client: Client, user: User, message: Message) -> None:
    asks_here(node, message)
    client.numeric(RPL_VERSION, f"fanfare-{__version__}", node.name, text="a threaded broadcast server")
    send_isupport(client, node)


@command("TIME")
def tell_time(node: Node, client: Client, user: User, message: Message) -> None:
    asks_here(node, message)
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(node.clock()))
    client.numeric(RPL_TIME, node.name, text=now)
