"""Commands of the server's operators: OPER, KILL, the server bans, WALLOPS, REHASH.

KLINE and DLINE are one list of bans; both names are there because operators' programs know both.
"""

import logging
import re
from functools import partial

from chat.server.accounts import operator_hash
from chat.server.commands.limits import REASON_BYTES
from chat.server.commands.logins import BUSY, in_turn
from chat.server.commands.table import command
from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.room import User
from chat.server.core.server_bans import ServerBans, ban_mask
from chat.server.core.state import Refusal, State
from chat.server.networks import shares
from chat.wires.message import Message, build
from chat.wires.names import fold
from chat.wires.numerics import (
    ERR_NOOPERHOST,
    ERR_NOPRIVILEGES,
    ERR_NOSUCHNICK,
    ERR_PASSWDMISMATCH,
    ERR_UNKNOWNERROR,
    RPL_REHASHING,
    RPL_YOUREOPER,
)
from chat.wires.text import cut

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
LONGEST = 100 * UNITS["y"]
NO_REASON = "no reason given"

_DURATION = re.compile(r"(?:[0-9]{1,6}[smhdwy])+|[0-9]{1,9}")
_DECOY = operator_hash.decoy()

log = logging.getLogger(__name__)


def require_operator(user: User) -> None:
    """Raise Refusal unless the user is an operator of the server."""
    if not user.operator:
        raise Refusal(ERR_NOPRIVILEGES)


@command("OPER", 2)
def oper(node: Node, client: Client, user: User, message: Message) -> None:
    """The password is compared outside the loop; a wrong one takes as long as a name that nobody has."""
    name, password = message.params[:2]
    if not client.is_private and node.settings.oper_anywhere == "off":
        raise Refusal(ERR_NOOPERHOST, text=f"{ERR_NOOPERHOST.text}: operators come over TLS, or from this machine")
    place, now = shares(client.host)[0], node.clock()
    wait = node.oper_attempts.wait(place, now)
    if wait > 0:
        raise Refusal(ERR_PASSWDMISMATCH, text=f"Too many attempts have failed: try again in {wait:.0f} s")
    stored = node.settings.operator_hashes.get(fold(name))
    node.oper_attempts.spend(place, now)
    client.pending += 1
    checked = partial(_checked, node, client, user, fold(name), stored)
    if not node.logins.hasher.run(partial(operator_hash.proves, password, stored or _DECOY), checked):
        client.pending -= 1
        raise Refusal(ERR_PASSWDMISMATCH, text=BUSY)


def _checked(node: Node, client: Client, user: User, name: str, stored: str | None, right: bool | None) -> None:
    # REHASH may have changed the hash meanwhile.
    if right and stored is not None and node.settings.operator_hashes.get(name) == stored:
        node.oper_attempts.give_back(shares(client.host)[0])
        in_turn(client, node, partial(_become_operator, node, client, user, name))
    else:
        log.warning("OPER %r from %s (%s) failed", name, client.nick, client.host)
        in_turn(client, node, partial(client.numeric, ERR_PASSWDMISMATCH))


def _become_operator(node: Node, client: Client, user: User, name: str) -> None:
    log.info("OPER %r is now %s (%s)", name, user.mask, client.host)
    node.ask(client, Message("OPER", [name], user.mask), partial(_welcome, client, user))


def _welcome(client: Client, user: User) -> None:
    client.numeric(RPL_YOUREOPER)
    client.send(build("MODE", user.nick, "+o", source=user.mask))


@command("KILL", 2)
def kill(node: Node, client: Client, user: User, message: Message) -> None:
    require_operator(user)
    nick, reason = message.params[0], cut(message.params[1], REASON_BYTES)
    whom = node.state.get_user(nick)
    log.info("KILL %s by %s: %s", whom.mask, user.mask, reason)
    node.ask(client, Message("KILL", [whom.mask, reason or NO_REASON], user.mask))


@command("KLINE", 1)
def kline(node: Node, client: Client, user: User, message: Message) -> None:
    """`KLINE [duration] user@host|address|range|~a:account|nick [:reason]`; a number is of minutes."""
    require_operator(user)
    words = list(message.params)
    seconds = 0
    if len(words) > 1 and _DURATION.fullmatch(words[0]):
        seconds = read_duration(words.pop(0))
    mask = _mask(node, message, words[0])
    reason = cut(" ".join(words[1:]), REASON_BYTES) or NO_REASON
    if fits_user(mask, user):
        raise Refusal(ERR_UNKNOWNERROR, message.verb, text="That would ban you")
    text = f"Banned {mask} {duration_text(seconds)}: {reason}"
    log.info("%s by %s: %s", message.verb, user.mask, text)
    _ask(node, client, message, ban_request(mask, seconds, reason, user.mask), text)


@command("DLINE", 1)
def dline(node: Node, client: Client, user: User, message: Message) -> None:
    kline(node, client, user, message)


@command("UNKLINE", 1)
def unkline(node: Node, client: Client, user: User, message: Message) -> None:
    require_operator(user)
    mask = _mask(node, message, message.params[0])
    log.info("%s %s by %s", message.verb, mask, user.mask)
    _ask(node, client, message, Message("UNBAN", [mask], user.mask), f"{mask} is no longer banned")


@command("UNDLINE", 1)
def undline(node: Node, client: Client, user: User, message: Message) -> None:
    unkline(node, client, user, message)


def _mask(node: Node, message: Message, text: str) -> str:
    try:
        return mask_of(node.state, text)
    except Refusal as refusal:
        raise _named(refusal, message.verb) from None


def _ask(node: Node, client: Client, message: Message, request: Message, told: str) -> None:
    node.ask(
        client, request, partial(_tell, client, told), lambda refusal: client.refuse(_named(refusal, message.verb))
    )


def _named(refusal: Refusal, verb: str) -> Refusal:
    """`400` names the command, and the rules do not know by which of its names it was given."""
    return Refusal(ERR_UNKNOWNERROR, verb, text=refusal.text) if refusal.numeric is ERR_UNKNOWNERROR else refusal


@command("WALLOPS", 1)
def wallops(node: Node, client: Client, user: User, message: Message) -> None:
    require_operator(user)
    node.ask(client, Message("WALLOPS", [cut(message.params[0], REASON_BYTES)], user.mask))


@command("REHASH")
def rehash(node: Node, client: Client, user: User, message: Message) -> None:
    require_operator(user)
    log.info("REHASH by %s", user.mask)
    client.numeric(RPL_REHASHING, "settings")
    client.pending += 1
    node.reread(partial(_rehashed, node, client))


def _rehashed(node: Node, client: Client, told: str) -> None:
    in_turn(client, node, partial(_tell, client, told))


def _tell(client: Client, text: str) -> None:
    client.line("NOTICE", client.nick, text)


# What the administrator's socket asks too


def ban_request(mask: str, seconds: int, reason: str, source: str) -> Message:
    return Message("BAN", [mask, str(seconds), reason], source)


def mask_of(state: State, text: str) -> str:
    """The mask of a server ban, from one, or from the nickname of somebody here: their address. Raises Refusal."""
    if not set(text) & set(".:@/*?"):
        whom = state.find_user(text)
        if whom is None:
            raise Refusal(ERR_NOSUCHNICK, text)
        text = whom.address
    try:
        return ban_mask(text)
    except ValueError as error:
        raise Refusal(ERR_UNKNOWNERROR, text=f"{error}") from None


def fits_user(mask: str, user: User) -> bool:
    """Whether a ban of that mask would fit the user."""
    return ServerBans.of(mask).find(user.person, user.account, user.address, 0.0) is not None


def read_duration(text: str) -> int:
    """Seconds, from `1d12h` or from a number of minutes; 0 for good. Raises Refusal."""
    if not _DURATION.fullmatch(text):
        raise Refusal(ERR_UNKNOWNERROR, text=f"{text} is not a duration like 30m, 12h, 7d or 1y")
    parts = re.findall(r"([0-9]+)([smhdwy])", text)
    seconds = sum(int(number) * UNITS[unit] for number, unit in parts) if parts else int(text) * 60
    return min(seconds, LONGEST)


def duration_text(seconds: float) -> str:
    """`for 1d12h`, as `read_duration` reads it."""
    if not seconds:
        return "for good"
    text, left = "", int(seconds)
    for unit, size in sorted(UNITS.items(), key=lambda item: -item[1]):
        number, left = divmod(left, size)
        text += f"{number}{unit}" if number else ""
    return f"for {text or '0s'}"
