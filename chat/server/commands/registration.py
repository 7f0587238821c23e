"""Registration and the end: nickname, user name, password, capabilities, the welcome, PING and QUIT.

Sources: https://modern.ircdocs.horse "Connection Registration", https://ircv3.net/specs/extensions/capability-negotiation
"""

import hmac
import logging
import re
import time
from collections.abc import Sequence
from functools import partial

from chat import __version__
from chat.events import Person
from chat.server.commands.accounts import VALUES
from chat.server.commands.info import lusers, motd
from chat.server.commands.isupport import send_isupport
from chat.server.commands.limits import REALNAME_BYTES, REASON_BYTES, ROOM_COST
from chat.server.commands.sasl import abort, mechanisms
from chat.server.commands.table import early_command
from chat.server.core.accounts import Account
from chat.server.core.apply import check_nickname
from chat.server.core.client import UNNAMED, Client
from chat.server.core.mask_list import LETTERS as LISTS
from chat.server.core.node import Node
from chat.server.core.ranks import LETTERS as RANKS
from chat.server.core.room import FLAGS
from chat.server.core.state import BannedRefusal, Refusal
from chat.server.networks import shares
from chat.settings import Settings
from chat.wires.irc import REGISTRATION_CAPABILITY, IrcDialect, packed
from chat.wires.message import Message
from chat.wires.names import USER_LENGTH
from chat.wires.numerics import (
    ERR_ALREADYREGISTERED,
    ERR_INVALIDCAPCMD,
    ERR_NEEDMOREPARAMS,
    ERR_NONICKNAMEGIVEN,
    ERR_PASSWDMISMATCH,
    RPL_CREATED,
    RPL_HOSTHIDDEN,
    RPL_MYINFO,
    RPL_WELCOME,
    RPL_YOURHOST,
)
from chat.wires.text import cut

CAPABILITIES_BYTES = 390  # in a line of CAP LS, beside the longest server name and nickname
MODES_WITH_PARAM = "".join(sorted(f"kl{LISTS}{RANKS}"))
ROOM_MODES = "".join(sorted(f"{FLAGS}{MODES_WITH_PARAM}"))
log = logging.getLogger(__name__)

_NOT_IN_USER_NAME = re.compile(r"[^A-Za-z0-9._-]")


@early_command("CAP", 1)
def cap(node: Node, client: Client, message: Message) -> None:
    subcommand = message.params[0].upper()
    nick = client.nick or UNNAMED
    if subcommand == "LS":
        client.negotiating = client.user is None
        version = message.params[1] if len(message.params) > 1 else ""
        if version.isascii() and version.isdigit() and int(version[:4]) >= 302:
            client.knows_302 = True
            client.capabilities |= {"cap-notify"}
        _list_capabilities(node, client, nick)
    elif subcommand == "LIST":
        _send_list(client, nick, "LIST", sorted(client.capabilities))
    elif subcommand == "REQ":
        client.negotiating = client.user is None
        _request(node, client, nick, message.params[1] if len(message.params) > 1 else "")
    elif subcommand == "END":
        if client.negotiating:
            client.negotiating = False
            if client.exchange is not None:
                abort(client)
            _complete(node, client)
    else:
        client.numeric(ERR_INVALIDCAPCMD, message.params[0] or "*")


def _list_capabilities(node: Node, client: Client, nick: str) -> None:
    """With version 302 the values too, on as many lines as they take."""
    if not client.knows_302:
        _send_list(client, nick, "LS", node.capabilities)
        return
    values = {"sasl": ",".join(mechanisms(client)), REGISTRATION_CAPABILITY: VALUES}
    words = [f"{name}={values[name]}" if name in values else name for name in node.capabilities]
    if node.settings.sts_port:
        words.append(f"sts={_sts(node.settings, client.secure)}")  # told, never granted
    _send_list(client, nick, "LS", words)


def _sts(settings: Settings, secure: bool) -> str:
    """Where TLS is, or for how long to keep to it: https://ircv3.net/specs/extensions/sts"""
    if not secure:
        return f"port={settings.sts_port}"
    return f"duration={settings.sts_duration}" + (",preload" if settings.sts_preload == "on" else "")


def _send_list(client: Client, nick: str, subcommand: str, words: Sequence[str]) -> None:
    """On as many lines as they take; clients of older versions know only one."""
    *lines, last = packed(words, CAPABILITIES_BYTES) if client.knows_302 and words else (" ".join(words),)
    for line in lines:
        client.line("CAP", nick, subcommand, "*", line)
    client.line("CAP", nick, subcommand, last)


def _request(node: Node, client: Client, nick: str, wanted: str) -> None:
    """Grant the whole list or none of it."""
    words = wanted.split()
    if any(word.removeprefix("-") not in node.capabilities for word in words) or (
        client.knows_302 and "-cap-notify" in words  # the version implies it
    ):
        client.line("CAP", nick, "NAK", wanted)
        return
    have = set(client.capabilities)
    for word in words:
        (have.discard if word.startswith("-") else have.add)(word.removeprefix("-"))
    client.cost += len(client.audiences) * ROOM_COST
    assert isinstance(client.dialect, IrcDialect)
    client.set_capabilities(frozenset(have), client.dialect.with_capabilities(have))
    if client.monitored:
        node.monitors.adapt(client)
    client.line("CAP", nick, "ACK", wanted)


@early_command("PASS", 1)
def password(node: Node, client: Client, message: Message) -> None:
    if client.user is not None:
        raise Refusal(ERR_ALREADYREGISTERED)
    client.password = message.params[0]


@early_command("NICK")
def nick(node: Node, client: Client, message: Message) -> None:
    """Before registration this reserves nothing: the client that registers with the nickname first has it."""
    if not message.params or not message.params[0]:
        raise Refusal(ERR_NONICKNAMEGIVEN)
    wanted = message.params[0]
    if client.user is not None:
        client.cost += len(client.user.rooms) * ROOM_COST
        node.ask(client, Message("NICK", [wanted], client.user.mask))
        return
    # While capabilities are negotiated a login may come yet: registration decides whose nickname it is.
    account = _account(node, client)
    name = wanted if client.negotiating else "" if account is None else account.name
    check_nickname(node.state, None, wanted, name)
    client.wanted = wanted
    _complete(node, client)


@early_command("USER", 4)
def user_name(node: Node, client: Client, message: Message) -> None:
    if client.user is not None or client.user_name:
        raise Refusal(ERR_ALREADYREGISTERED)
    name, realname = message.params[0], message.params[3]
    if not realname:
        raise Refusal(ERR_NEEDMOREPARAMS, "USER")
    name = _NOT_IN_USER_NAME.sub("", name)[: USER_LENGTH - 1] or "user"
    client.user_name = f"~{name}"  # the tilde marks an unverified name
    client.realname = cut(realname, REALNAME_BYTES)
    _complete(node, client)


def _complete(node: Node, client: Client) -> None:
    """Register, if everything needed is there."""
    if client.negotiating or client.pending or not client.wanted or not client.user_name:
        return
    if node.settings.password and not _has_password(node, client, node.settings.password):
        return
    if wait := client.newcomer_wait():
        turn_away(client, wait)
        return
    account = _account(node, client)
    proof = "*" if account is None else account.proof
    node.ask(
        client,
        arrival(node, client, client.wanted, client.user_name, "0", proof, client.realname),
        partial(_welcome, node, client, client.wanted),
        partial(_ask_for_another, client),
    )


def _account(node: Node, client: Client) -> Account | None:
    """The account that the client has logged in to, unless that has been removed meanwhile."""
    return client.account if client.account is not None and node.state.accounts.has(client.account) else None


def _has_password(node: Node, client: Client, wanted: str) -> bool:
    """Whether the client has sent the server's password; if not, it is told so and closed. Guesses are limited."""
    place, now = shares(client.host)[0], node.clock()
    wait = node.password_attempts.wait(place, now)
    if wait > 0:
        text = f"Too many wrong passwords from your network: try again in {wait:.0f} s"
    elif hmac.compare_digest((client.password or "").encode(), wanted.encode()):
        return True
    else:
        text = ERR_PASSWDMISMATCH.text
        node.password_attempts.spend(place, now)
        log.warning("wrong password of the server from %s", client.host)
    client.numeric(ERR_PASSWDMISMATCH, text=text)
    client.hang_up(text)
    return False


def turn_away(client: Client, wait: float) -> None:
    """Its address has brought its share of users."""
    client.hang_up(f"Too many users have come from your network: try again in {wait:.0f} s or later")


def arrival(node: Node, client: Client, nick: str, user_name: str, mode: str, proof: str, realname: str) -> Message:
    """The request of a new user. It holds the address where others see a cloak, so that bans of addresses hold."""
    host = node.cloak(client.host)
    address = [] if host == client.host else [client.host]
    source = Person(nick, user_name, host).mask
    return Message("USER", [user_name, mode, proof, *address, realname], source)


def _ask_for_another(client: Client, refusal: Refusal) -> None:
    """Another client has registered with the nickname meanwhile, or the client may not be here."""
    if isinstance(refusal, BannedRefusal):
        client.refuse(refusal)
        client.hang_up(refusal.ban.told)
        return
    client.wanted = ""
    client.refuse(refusal)


def _welcome(node: Node, client: Client, nick: str) -> None:
    user = node.enter(client, nick)
    if user is None:
        return
    client.password, client.wanted, client.user_name, client.realname = None, "", "", ""  # the user has them now
    settings = node.settings
    started = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(node.started))
    version = f"fanfare-{__version__}"
    client.numeric(RPL_WELCOME, text=RPL_WELCOME.text.format(settings.network, user.mask))
    client.numeric(RPL_YOURHOST, text=RPL_YOURHOST.text.format(settings.name, version))
    client.numeric(RPL_CREATED, text=RPL_CREATED.text.format(started))
    client.numeric(RPL_MYINFO, settings.name, version, "Biow", ROOM_MODES, MODES_WITH_PARAM)
    if user.person.host != user.address:
        client.numeric(RPL_HOSTHIDDEN, user.person.host)
    send_isupport(client, node)
    lusers(node, client)
    motd(node, client)


@early_command("PING", 1)
def ping(node: Node, client: Client, message: Message) -> None:
    client.line("PONG", node.name, message.params[0])


@early_command("PONG")
def pong(node: Node, client: Client, message: Message) -> None:
    """Reading anything from the client counts as a sign of life, so there is nothing to do."""


@early_command("QUIT")
def quit_(node: Node, client: Client, message: Message) -> None:
    words = cut(message.params[0], REASON_BYTES) if message.params else ""
    reason = f"Quit: {words}"  # marks the user's own decision, also without a text
    node.quit(client, reason)
    client.hang_up(reason)
