"""Coming and going: capabilities, nickname, user name, password, the welcome, PING and QUIT.

Sources: https://modern.ircdocs.horse "Connection Registration", https://ircv3.net/specs/extensions/capability-negotiation
"""

import hmac
import re
import time
from dataclasses import replace

from chat import __version__
from chat.server.commands.info import lusers, motd
from chat.server.commands.isupport import REALNAME_LENGTH, REASON_LENGTH, send_isupport
from chat.server.commands.table import command
from chat.server.hub import Hub, Refusal
from chat.server.user import UNNAMED, User
from chat.wires.irc import CAPABILITIES, IrcDialect
from chat.wires.message import Message
from chat.wires.names import USER_LENGTH
from chat.wires.numerics import (
    ERR_ALREADYREGISTERED,
    ERR_INVALIDCAPCMD,
    ERR_NEEDMOREPARAMS,
    ERR_NONICKNAMEGIVEN,
    ERR_PASSWDMISMATCH,
    RPL_CREATED,
    RPL_MYINFO,
    RPL_WELCOME,
    RPL_YOURHOST,
)

_NOT_IN_USER_NAME = re.compile(r"[^A-Za-z0-9._-]")


@command("CAP", 1, anytime=True)
def cap(hub: Hub, user: User, message: Message) -> None:
    subcommand = message.params[0].upper()
    nick = user.nick or UNNAMED
    if subcommand == "LS":
        user.negotiating = not user.registered
        version = message.params[1] if len(message.params) > 1 else ""
        if version.isascii() and version.isdigit() and int(version) >= 302:
            user.knows_302 = True
            user.capabilities |= {"cap-notify"}
        user.reply("CAP", nick, "LS", " ".join(CAPABILITIES))
    elif subcommand == "LIST":
        user.reply("CAP", nick, "LIST", " ".join(sorted(user.capabilities)))
    elif subcommand == "REQ":
        user.negotiating = not user.registered
        _request(user, nick, message.params[1] if len(message.params) > 1 else "")
    elif subcommand == "END":
        if user.negotiating:
            user.negotiating = False
            _complete(hub, user)
    else:
        user.numeric(ERR_INVALIDCAPCMD, message.params[0] or "*")


def _request(user: User, nick: str, wanted: str) -> None:
    """All of the list is granted, or none of it."""
    words = wanted.split()
    if any(word.removeprefix("-") not in CAPABILITIES for word in words) or (
        user.knows_302 and "-cap-notify" in words  # the version implies it for good
    ):
        user.reply("CAP", nick, "NAK", wanted)
        return
    have = set(user.capabilities)
    for word in words:
        (have.discard if word.startswith("-") else have.add)(word.removeprefix("-"))
    user.reply("CAP", nick, "ACK", wanted)
    user.recast(frozenset(have), IrcDialect.of(have))


@command("PASS", 1, anytime=True)
def password(hub: Hub, user: User, message: Message) -> None:
    if user.registered:
        raise Refusal(ERR_ALREADYREGISTERED)
    user.password = message.params[0]


@command("NICK", anytime=True)
def nick(hub: Hub, user: User, message: Message) -> None:
    if not message.params or not message.params[0]:
        raise Refusal(ERR_NONICKNAMEGIVEN)
    hub.claim(user, message.params[0])
    if not user.registered:
        _complete(hub, user)


@command("USER", 4, anytime=True)
def user_name(hub: Hub, user: User, message: Message) -> None:
    if user.registered or user.person.user:
        raise Refusal(ERR_ALREADYREGISTERED)
    name, realname = message.params[0], message.params[3]
    if not realname:
        raise Refusal(ERR_NEEDMOREPARAMS, "USER")
    name = _NOT_IN_USER_NAME.sub("", name)[: USER_LENGTH - 1] or "user"
    user.person = replace(user.person, user=f"~{name}")  # the tilde: nobody has verified it
    user.realname = realname[:REALNAME_LENGTH]
    _complete(hub, user)


def _complete(hub: Hub, user: User) -> None:
    """Register, once everything that it takes is there."""
    if user.negotiating or not user.nick or not user.person.user:
        return
    settings = hub.settings
    if settings.password and not hmac.compare_digest((user.password or "").encode(), settings.password.encode()):
        user.numeric(ERR_PASSWDMISMATCH)
        hub.quit(user, ERR_PASSWDMISMATCH.text)  # whatever it has sent behind this does not count
        user.hang_up(ERR_PASSWDMISMATCH.text)
        return
    user.password = None
    hub.register(user)
    started = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(hub.started))
    version = f"fanfare-{__version__}"
    user.numeric(RPL_WELCOME, text=RPL_WELCOME.text.format(settings.network, user.person.mask))
    user.numeric(RPL_YOURHOST, text=RPL_YOURHOST.text.format(settings.name, version))
    user.numeric(RPL_CREATED, text=RPL_CREATED.text.format(started))
    user.numeric(RPL_MYINFO, settings.name, version, "i", "not", "o")
    send_isupport(hub, user)
    lusers(hub, user)
    motd(hub, user)


@command("PING", 1, anytime=True)
def ping(hub: Hub, user: User, message: Message) -> None:
    user.reply("PONG", hub.settings.name, message.params[0])


@command("PONG", anytime=True)
def pong(hub: Hub, user: User, message: Message) -> None:
    """A sign of life; hearing from the client at all is what counts."""


@command("QUIT", anytime=True)
def quit_(hub: Hub, user: User, message: Message) -> None:
    words = message.params[0][:REASON_LENGTH] if message.params else ""
    hub.quit(user, f"Quit: {words}")  # the prefix says that it was the user's own will, also where there are no words
    user.hang_up(f"Quit: {words}")
