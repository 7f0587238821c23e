"""Asking about people: WHO, WHOIS, WHOWAS, USERHOST, ISON."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter

from chat.events import Person
from chat.server.commands.limits import LINE_COST
from chat.server.commands.table import command, send_cursor
from chat.server.commands.who import Fields, read_options, who_line
from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.ranks import ALL_SIGNS, HIGHEST_SIGN
from chat.server.core.room import Room, User
from chat.server.core.state import Refusal
from chat.wires.irc import packed
from chat.wires.message import Message
from chat.wires.names import fold, matcher
from chat.wires.numerics import (
    ERR_NONICKNAMEGIVEN,
    ERR_NOSUCHNICK,
    ERR_NOSUCHSERVER,
    ERR_WASNOSUCHNICK,
    RPL_AWAY,
    RPL_ENDOFWHO,
    RPL_ENDOFWHOIS,
    RPL_ENDOFWHOWAS,
    RPL_ISON,
    RPL_USERHOST,
    RPL_WHOISACCOUNT,
    RPL_WHOISACTUALLY,
    RPL_WHOISBOT,
    RPL_WHOISCERTFP,
    RPL_WHOISCHANNELS,
    RPL_WHOISIDLE,
    RPL_WHOISOPERATOR,
    RPL_WHOISSECURE,
    RPL_WHOISSERVER,
    RPL_WHOISUSER,
    RPL_WHOWASUSER,
    Numeric,
)

ROOMS_BYTES = 380  # in a line of RPL_WHOISCHANNELS; beside two nicknames and the longest server name, 63 bytes
NICKS_BYTES = 380  # in a line of RPL_ISON and RPL_USERHOST, likewise
IN_NO_NICKNAME = frozenset("*?!@.:")
LOOK_COST = LINE_COST / 4  # for each user that is looked at


@command("WHO")
def who(node: Node, client: Client, user: User, message: Message) -> None:
    mask = message.params[0] if message.params else "*"
    operators, fields = read_options(message.params[1] if len(message.params) > 1 else "")
    if mask.startswith("#"):
        room = node.state.visible_room(mask, user)
        send_cursor(client, _room_lines(node, client, user, mask, room, operators, fields))
    elif set(mask) & IN_NO_NICKNAME:
        send_cursor(client, _matching_lines(node, client, user, mask, operators, fields))
    else:
        found = node.state.find_user(mask)
        if found is not None and (found.operator or not operators):
            client.send(who_line(node, client, "*", found, "", fields))
        client.numeric(RPL_ENDOFWHO, mask)


def _room_lines(
    node: Node, client: Client, user: User, mask: str, room: Room | None, operators: bool, fields: Fields | None
) -> Iterator[bytes]:
    """A line for each member that the asker may see. Each line shows the room at the moment it is made."""
    for member in list(room.members) if room is not None else ():
        if room is not None and (rank := room.members.get(member)) is not None:
            client.cost += LINE_COST
            seen = user in room.members or not (member.invisible or "s" in room.modes)
            if seen and (member.operator or not operators):
                yield who_line(node, client, room.name, member, _signs(client)[rank], fields)
    yield client.numeric_line(RPL_ENDOFWHO, mask)


def _matching_lines(
    node: Node, client: Client, user: User, mask: str, operators: bool, fields: Fields | None
) -> Iterator[bytes]:
    """The users who match: the asker, those in a common room, and those that are not invisible."""
    fits, compared = matcher(mask), _compared(mask)
    for other in list(node.state.operators if operators else node.state.users.values()):
        client.cost += LOOK_COST
        if not fits(fold(compared(other.person))) or node.state.find_user(other.nick) is not other:
            yield b""
        elif not other.invisible or other is user or not user.rooms.keys().isdisjoint(other.rooms):
            client.cost += LINE_COST
            yield who_line(node, client, "*", other, "", fields)
    yield client.numeric_line(RPL_ENDOFWHO, mask)


def _compared(mask: str) -> Callable[[Person], str]:
    """What a mask is compared with: the nickname, unless it has what only hosts and whole masks have."""
    if "!" in mask:
        return attrgetter("mask")
    if "@" in mask:
        return lambda person: f"{person.user}@{person.host}"
    return attrgetter("host" if "." in mask or ":" in mask else "nick")


def _signs(client: Client) -> Mapping[str, str]:
    """By rank: what stands before a name."""
    return ALL_SIGNS if "multi-prefix" in client.capabilities else HIGHEST_SIGN


@command("WHOIS")
def whois(node: Node, client: Client, user: User, message: Message) -> None:
    if not message.params or not message.params[0]:
        raise Refusal(ERR_NONICKNAMEGIVEN)
    nick = message.params[-1].partition(",")[0]  # TARGMAX advertises one; the standard ignores the others
    if len(message.params) > 1 and fold(message.params[0]) not in (fold(node.name), fold(nick)):
        raise Refusal(ERR_NOSUCHSERVER, message.params[0])
    other = node.state.find_user(nick)
    if other is None:
        client.numeric(ERR_NOSUCHNICK, nick)
    else:
        _describe(node, client, other)
    client.numeric(RPL_ENDOFWHOIS, nick)


def _may_see_addresses(client: Client, other: User) -> bool:
    return other is client.user or (client.user is not None and client.user.operator != "")


def _describe(node: Node, client: Client, other: User) -> None:
    person = other.person
    client.numeric(RPL_WHOISUSER, person.nick, person.user, person.host, "*", text=other.realname)
    signs = _signs(client)
    rooms = [
        signs[room.members[other]] + room.name
        for room in other.rooms
        if "s" not in room.modes or client.user in room.members
    ]
    for line in packed(rooms, ROOMS_BYTES):
        client.cost += LINE_COST
        client.numeric(RPL_WHOISCHANNELS, person.nick, text=line)
    client.numeric(RPL_WHOISSERVER, person.nick, other.node, text=node.settings.network)
    if other.operator:
        client.numeric(RPL_WHOISOPERATOR, person.nick)
    if person.host != other.address and _may_see_addresses(client, other):
        client.numeric(RPL_WHOISACTUALLY, person.nick, other.address)
    there = node.fan_out.clients.get(other)
    if there is not None and there.secure:
        client.numeric(RPL_WHOISSECURE, person.nick)
        if there is client and client.fingerprint:
            client.numeric(RPL_WHOISCERTFP, person.nick, text=RPL_WHOISCERTFP.text.format(client.fingerprint))
    if other.away is not None:
        client.numeric(RPL_AWAY, person.nick, text=other.away)
    if person.account:
        client.numeric(RPL_WHOISACCOUNT, person.nick, person.account)
    if person.bot:
        client.numeric(RPL_WHOISBOT, person.nick)
    idle = max(0, int(node.clock() - other.spoke))
    client.numeric(RPL_WHOISIDLE, person.nick, str(idle), str(int(other.signed_on)))


@command("WHOWAS")
def whowas(node: Node, client: Client, user: User, message: Message) -> None:
    """Clients send this by themselves when a WHOIS finds nobody."""
    if not message.params or not message.params[0]:
        raise Refusal(ERR_NONICKNAMEGIVEN)
    count = message.params[1] if len(message.params) > 1 else ""
    nick = message.params[0].partition(",")[0]  # as for WHOIS
    past = node.past_users.find(nick, int(count) if re.fullmatch("[0-9]{1,4}", count) else 0)
    client.cost += len(node.past_users.seen) * LOOK_COST
    for one in past:
        client.numeric(RPL_WHOWASUSER, one.person.nick, one.person.user, one.person.host, "*", text=one.realname)
        if user.operator and one.address != one.person.host:
            client.numeric(RPL_WHOISACTUALLY, one.person.nick, one.address)
        seen = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(one.at))
        client.numeric(RPL_WHOISSERVER, one.person.nick, node.name, text=seen)
    if not past:
        client.numeric(ERR_WASNOSUCHNICK, nick)
    client.numeric(RPL_ENDOFWHOWAS, nick)


@command("USERHOST", 1)
def userhost(node: Node, client: Client, user: User, message: Message) -> None:
    """Clients use this to learn their own address."""
    found = [node.state.find_user(nick) for nick in message.params[:5]]
    _send_packed(
        client,
        RPL_USERHOST,
        [
            f"{other.nick}{'*' * bool(other.operator)}={'+' if other.away is None else '-'}{other.person.user}@"
            f"{other.address if other is user else other.person.host}"
            for other in found
            if other is not None
        ],
    )


@command("ISON", 1)
def ison(node: Node, client: Client, user: User, message: Message) -> None:
    """Clients use this to poll for friends."""
    found = [node.state.find_user(nick) for param in message.params for nick in param.split(" ")]
    _send_packed(client, RPL_ISON, [other.nick for other in found if other is not None])


def _send_packed(client: Client, numeric: Numeric, words: Sequence[str]) -> None:
    """Send the words on as many lines as they need, one at least."""
    for text in list(packed(words, NICKS_BYTES)) or [""]:
        client.numeric(numeric, text=text)
