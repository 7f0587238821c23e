"""Rooms: JOIN, PART, KICK, INVITE, TOPIC."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

from chat.server.commands.history import replay
from chat.server.commands.limits import KICKS, LINE_COST, REASON_BYTES, RECEIVER_COST, TOPIC_BYTES
from chat.server.commands.listing import NAMES_A_LINE, all_names
from chat.server.commands.markers import tell_marker
from chat.server.commands.table import command, send_cursor
from chat.server.commands.talk import tell_away
from chat.server.core.admission import is_silenced
from chat.server.core.client import Client, is_middle
from chat.server.core.node import Node
from chat.server.core.room import Room, User
from chat.server.core.state import Refusal
from chat.wires.irc import MARKER_CAPABILITY
from chat.wires.message import Message
from chat.wires.names import each, fold
from chat.wires.numerics import (
    ERR_NEEDMOREPARAMS,
    ERR_NOSUCHNICK,
    ERR_TOOMANYTARGETS,
    RPL_ENDOFINVITELIST,
    RPL_INVITELIST,
    RPL_INVITING,
    RPL_NOTOPIC,
    RPL_TOPIC,
    RPL_TOPICWHOTIME,
)
from chat.wires.text import cut

ROOMS_AT_ONCE = 8  # of a list, joined or left in one go; each takes as long as a command
LINES_A_ROOM = 16  # of a long answer take as long as joining or leaving one


def rooms_in(message: Message) -> Collection[str]:
    """The rooms that a command names. Raises Refusal when there are none."""
    names = each(message.params[0])
    if not names:
        raise Refusal(ERR_NEEDMOREPARAMS, message.verb)
    return names


def in_each(node: Node, client: Client, names: Collection[str], do: Callable[[str], None]) -> None:
    """Do it in each of the rooms, a token each; of many rooms, in a few at a time, like a long answer."""
    client.cost += max(0, len(names) - 1)
    if node.charges and len(names) > ROOMS_AT_ONCE:
        send_cursor(client, _one_by_one(client, names, do))
    else:
        for name in names:
            do(name)


def _one_by_one(client: Client, names: Collection[str], do: Callable[[str], None]) -> Iterator[bytes]:
    for name in names:
        client.cost += LINES_A_ROOM * LINE_COST
        do(name)
        yield b""


@command("JOIN", 1)
def join(node: Node, client: Client, user: User, message: Message) -> None:
    if message.params[0] == "0":  # RFC 1459: leave all rooms
        in_each(node, client, [room.name for room in user.rooms], partial(_leave, node, client, user, []))
    else:
        keys = _keys(message) if len(message.params) > 1 else {}
        in_each(node, client, rooms_in(message), partial(_join, node, client, user, keys))


def _keys(message: Message) -> dict[str, str]:
    """By folded name: the key that stands at its place."""
    names, keys = message.params[0].split(","), message.params[1].split(",")
    return {fold(name): key for name, key in zip(names, keys, strict=False) if is_middle(key)}


def _join(node: Node, client: Client, user: User, keys: dict[str, str], name: str) -> None:
    room = node.state.find_room(name)
    if room is None or user not in room.members:
        params = [name]
        if keys and (key := keys.get(fold(name))):
            asked = room or node.state.remembered.get(fold(name))
            if asked is not None and asked.keyword:  # the log takes none that is not needed
                params.append(key)
        node.ask(client, Message("JOIN", params, user.mask), partial(_show_joined, node, client, user, name))


def _show_joined(node: Node, client: Client, user: User, name: str) -> None:
    room = node.state.find_room(name)
    if room is not None and user in room.members:
        client.cost += len(room.members) * (RECEIVER_COST + LINE_COST / NAMES_A_LINE)
        if room.topic:
            _show_topic(client, room)
        if MARKER_CAPABILITY in client.capabilities:
            tell_marker(node, client, user, room.name)
        client.send(all_names(client, room))
        if node.settings.replay:
            replay(node, client, room)


@command("PART", 1)
def part(node: Node, client: Client, user: User, message: Message) -> None:
    reason = [cut(message.params[1], REASON_BYTES)] if len(message.params) > 1 else []
    in_each(node, client, rooms_in(message), partial(_leave, node, client, user, reason))


def _leave(node: Node, client: Client, user: User, reason: list[str], name: str) -> None:
    if reason:
        room = node.state.find_room(name)
        if room is not None and room.guarded and room.members.get(user) == "" and is_silenced(node.state, room, user):
            reason = []  # it may not speak, in parting neither
    node.ask(client, Message("PART", [name, *reason], user.mask))


@command("KICK", 2)
def kick(node: Node, client: Client, user: User, message: Message) -> None:
    name, listed, *rest = message.params
    nicks = each(listed)
    if len(nicks) > KICKS:
        raise Refusal(ERR_TOOMANYTARGETS, listed, text=ERR_TOOMANYTARGETS.text.format(KICKS))
    if not nicks or not all(map(is_middle, nicks)):
        raise Refusal(ERR_NOSUCHNICK, listed)
    reason = cut(rest[0], REASON_BYTES) if rest and rest[0] else user.nick
    client.cost += len(nicks) - 1
    for nick in nicks:
        node.ask(client, Message("KICK", [name, nick, reason], user.mask))


@command("INVITE")
def invite(node: Node, client: Client, user: User, message: Message) -> None:
    """`INVITE nick #room`; without parameters, the rooms into which an operator has invited the asker."""
    if not message.params:
        for key, created in user.invited.items():
            room = node.state.find_room(key)
            if room is not None and room.created == created:
                client.numeric(RPL_INVITELIST, room.name)
        client.numeric(RPL_ENDOFINVITELIST)
        return
    if len(message.params) < 2:
        raise Refusal(ERR_NEEDMOREPARAMS, "INVITE")
    nick, name = message.params[:2]
    if not is_middle(nick):
        raise Refusal(ERR_NOSUCHNICK, nick)
    node.ask(client, Message("INVITE", [nick, name], user.mask), partial(_show_invited, node, client, nick, name))


def _show_invited(node: Node, client: Client, nick: str, name: str) -> None:
    room, whom = node.state.find_room(name), node.state.find_user(nick)
    if room is not None and whom is not None:
        client.numeric(RPL_INVITING, whom.nick, room.name)
        tell_away(node, client, nick)


@command("TOPIC", 1)
def topic(node: Node, client: Client, user: User, message: Message) -> None:
    if len(message.params) > 1:
        node.ask(client, Message("TOPIC", [message.params[0], cut(message.params[1], TOPIC_BYTES)], user.mask))
        return
    room = node.state.get_room(message.params[0], user)
    if room.topic:
        _show_topic(client, room)
    else:
        client.numeric(RPL_NOTOPIC, room.name)


def _show_topic(client: Client, room: Room) -> None:
    client.numeric(RPL_TOPIC, room.name, text=room.topic)
    if room.topic_by is not None:
        nick, at = room.topic_by
        client.numeric(RPL_TOPICWHOTIME, room.name, nick, str(int(at)))
