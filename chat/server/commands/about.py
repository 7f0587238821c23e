"""Asking about the server: INFO, ADMIN, LINKS, HELP."""

import time

from chat import __version__
from chat.server.commands.info import asks_here
from chat.server.commands.table import COMMANDS, command
from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.room import User
from chat.wires.irc import packed
from chat.wires.message import Message
from chat.wires.numerics import (
    ERR_HELPNOTFOUND,
    ERR_NOADMININFO,
    RPL_ADMINEMAIL,
    RPL_ADMINLOC1,
    RPL_ADMINLOC2,
    RPL_ADMINME,
    RPL_ENDOFHELP,
    RPL_ENDOFINFO,
    RPL_ENDOFLINKS,
    RPL_HELPSTART,
    RPL_HELPTXT,
    RPL_INFO,
    RPL_LINKS,
)

INDEX = "*"
# How to say it, and what it does; the others are in every IRC program's own help.
TEXTS = {
    "ADMIN": ("ADMIN", "whom to write to about this server"),
    "AWAY": ("AWAY [:text]", "say that you are away; without a text, that you are back"),
    "CHATHISTORY": ("CHATHISTORY LATEST #room * 50", "what was said before (IRCv3 draft/chathistory)"),
    "DLINE": ("DLINE [duration] address|range|nick [:reason]", "operators: ban addresses from the server"),
    "INVITE": ("INVITE nick #room", "ask somebody in"),
    "JOIN": ("JOIN #room[,#room] [key[,key]]", "come into rooms, which are made when they are not there"),
    "KICK": ("KICK #room nick [:reason]", "room operators: throw somebody out"),
    "KILL": ("KILL nick :reason", "operators: end somebody's connection"),
    "KLINE": ("KLINE [duration] user@host|address|range|~a:account|nick [:reason]", "operators: ban from the server"),
    "LIST": ("LIST [#room]", "the rooms, their members and topics"),
    "MODE": ("MODE #room [changes]", "see or change a room's modes, or your own: MODE nick +i"),
    "NICK": ("NICK name", "take another nickname"),
    "OPER": ("OPER name password", "become an operator of the server"),
    "PRIVMSG": ("PRIVMSG #room|nick :text", "say something"),
    "REHASH": ("REHASH", "operators: read the configuration again"),
    "STATS": ("STATS u|o|k|d|l", "uptime; operators: operators, bans, bans of addresses; your own connection"),
    "TOPIC": ("TOPIC #room [:text]", "see or change what a room is about"),
    "UNDLINE": ("UNDLINE address|range", "operators: take a ban back"),
    "UNKLINE": ("UNKLINE mask", "operators: take a ban back"),
    "WALLOPS": ("WALLOPS :text", "operators: tell everybody with mode w"),
    "WHOIS": ("WHOIS nick", "who somebody is"),
    "WHOWAS": ("WHOWAS nick [count]", "who somebody was"),
}


@command("HELP")
def help_(node: Node, client: Client, user: User, message: Message) -> None:
    subject = message.params[0].upper() if message.params and message.params[0] else INDEX
    if subject == INDEX:
        lines = ["Commands, each with HELP COMMAND:", *packed(sorted(COMMANDS), 380)]
    elif subject in TEXTS:
        lines = list(TEXTS[subject])
    elif subject in COMMANDS:
        lines = [subject, "as https://modern.ircdocs.horse and https://ircv3.net describe it"]
    else:
        client.numeric(ERR_HELPNOTFOUND, message.params[0])
        return
    client.numeric(RPL_HELPSTART, subject, text=lines[0])
    for line in lines[1:]:
        client.numeric(RPL_HELPTXT, subject, text=line)
    client.numeric(RPL_ENDOFHELP, subject)


@command("HELPOP")
def helpop(node: Node, client: Client, user: User, message: Message) -> None:
    help_(node, client, user, message)


@command("INFO")
def info(node: Node, client: Client, user: User, message: Message) -> None:
    asks_here(node, message)
    started = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(node.started))
    for line in (f"Fanfare {__version__}", "A chat room you can trust under load", f"This server runs since {started}"):
        client.numeric(RPL_INFO, text=line)
    client.numeric(RPL_ENDOFINFO)


@command("ADMIN")
def admin(node: Node, client: Client, user: User, message: Message) -> None:
    """The setting `contact`: a line each for who and where, the last for how to write to them."""
    asks_here(node, message)
    lines = node.settings.contact.split("\n")
    if lines == [""]:
        client.numeric(ERR_NOADMININFO, node.name)
        return
    *places, address = lines[:3]
    client.numeric(RPL_ADMINME, node.name)
    for numeric, line in zip((RPL_ADMINLOC1, RPL_ADMINLOC2), places, strict=False):
        client.numeric(numeric, text=line)
    client.numeric(RPL_ADMINEMAIL, text=address)


@command("LINKS")
def links(node: Node, client: Client, user: User, message: Message) -> None:
    """One server, whatever the number of nodes: that is what users see."""
    client.numeric(RPL_LINKS, node.name, node.name, text=f"0 {node.settings.network}")
    client.numeric(RPL_ENDOFLINKS, "*")
