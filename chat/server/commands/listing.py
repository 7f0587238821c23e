"""NAMES and LIST: the rooms and their members."""

from collections.abc import Callable, Collection, Iterator
from itertools import islice

from chat.server.commands.limits import LINE_COST
from chat.server.commands.table import command, send_cursor
from chat.server.core.client import Client
from chat.server.core.names_list import NamesList
from chat.server.core.node import Node
from chat.server.core.ranks import ALL_SIGNS, HIGHEST_SIGN
from chat.server.core.room import Room, User
from chat.wires.irc import LINE_BYTES
from chat.wires.message import Message
from chat.wires.names import NICK_LENGTH, each, matcher
from chat.wires.numerics import RPL_ENDOFNAMES, RPL_LIST, RPL_LISTEND, RPL_NAMREPLY

MEMBERS_AT_ONCE = 500  # looked through for one portion of an answer; takes some 1 ms
NAMES_A_LINE = 40  # in RPL_NAMREPLY, about
CONDITIONS = 8  # of one LIST; further ones are ignored


@command("NAMES")
def names(node: Node, client: Client, user: User, message: Message) -> None:
    if not message.params:
        client.numeric(RPL_ENDOFNAMES, "*")
        return
    asked = each(message.params[0])
    client.cost += max(0, len(asked) - 1)
    lines = _names_of_each(node, client, user, asked)
    if any((room := node.state.visible_room(name, user)) is not None and user not in room.members for name in asked):
        send_cursor(client, lines)
    else:
        client.send(*lines)  # the lines are kept with the rooms


def _names_of_each(node: Node, client: Client, user: User, asked: Collection[str]) -> Iterator[bytes]:
    for name in asked:
        room = node.state.visible_room(name, user)
        if room is None:
            yield client.numeric_line(RPL_ENDOFNAMES, name)
        elif user in room.members:
            client.cost += len(room.members) * LINE_COST / NAMES_A_LINE
            yield all_names(client, room)
        else:
            yield from _visible_names(client, room)


def all_names(client: Client, room: Room) -> bytes:
    """The members in full lines, which the room keeps, then the end of the list.

    They are one piece, so that nobody joins, leaves or is renamed between two of the lines.
    """
    capabilities = client.capabilities
    names = room.names("userhost-in-names" in capabilities, "multi-prefix" in capabilities, _names_bytes(client, room))
    head = f":{client.server_name} {RPL_NAMREPLY.code} {client.nick} {symbol(room)} {room.name} :".encode()
    lines = [head + line + b"\r\n" for line in names.lines()]
    lines.append(client.numeric_line(RPL_ENDOFNAMES, room.name))
    return b"".join(lines)


def symbol(room: Room) -> str:
    return "@" if "s" in room.modes else "="


def _names_bytes(client: Client, room: Room) -> int:
    """Bytes for names in a line of RPL_NAMREPLY, whatever the asker's nickname."""
    return (
        LINE_BYTES - 2 - len(f":{client.server_name} {RPL_NAMREPLY.code} {'n' * NICK_LENGTH} = {room.name} :".encode())
    )


def _visible_names(client: Client, room: Room) -> Iterator[bytes]:
    """The members as a user outside the room sees them: without the invisible ones."""
    masks = "userhost-in-names" in client.capabilities
    signs = ALL_SIGNS if "multi-prefix" in client.capabilities else HIGHEST_SIGN
    head = f":{client.server_name} {RPL_NAMREPLY.code} {client.nick} = {room.name} :".encode()
    members = iter(list(room.members))
    while portion := list(islice(members, MEMBERS_AT_ONCE)):
        seen = NamesList(masks, _names_bytes(client, room))
        for member in portion:
            rank = room.members.get(member)
            if rank is not None and not member.invisible and "s" not in room.modes:
                seen.add(member.person, signs[rank])
        client.cost += len(portion) * LINE_COST
        yield b""
        yield from (head + line + b"\r\n" for line in seen.lines())
    yield client.numeric_line(RPL_ENDOFNAMES, room.name)


@command("LIST")
def list_(node: Node, client: Client, user: User, message: Message) -> None:
    """`LIST`, `LIST #a,#b`, `LIST >10,*fan*`: names, or conditions that all must hold (ELIST)."""
    words = each(message.params[0]) if message.params else ()
    client.cost += max(0, len(words) - 1)
    if any(word.startswith("#") and not set(word) & set("*?") for word in words):
        rooms = [room for word in words if (room := node.state.visible_room(word, user)) is not None]
        lines = _listed(client, user, rooms, ())
    else:
        conditions = [_condition(word, node.clock()) for word in list(words)[:CONDITIONS]]
        lines = _listed(client, user, list(node.state.rooms.values()), conditions)
    send_cursor(client, lines)


def _listed(
    client: Client, user: User, rooms: Collection[Room], conditions: Collection[Callable[[Room], object]]
) -> Iterator[bytes]:
    for room in rooms:
        client.cost += LINE_COST
        # It may be empty, or secret, by now.
        if room.members and ("s" not in room.modes or user in room.members) and all(fits(room) for fits in conditions):
            yield client.numeric_line(RPL_LIST, room.name, str(len(room.members)), text=room.topic)
        else:
            yield b""
    yield client.numeric_line(RPL_LISTEND)


def _condition(word: str, now: float) -> Callable[[Room], object]:
    """`>3` members, `C>60` minutes since it was made, `T<60` since its topic was set, a mask, `!mask`."""
    kind, sign, number = word[:1].upper(), word[1:2], word[2:]
    if kind in ("<", ">"):
        kind, sign, number = "U", word[:1], word[1:]
    if kind in ("U", "C", "T") and sign in ("<", ">") and number.isascii() and number.isdigit() and len(number) < 10:
        return _compares(kind, sign, int(number), now)
    if word.startswith("!"):
        unfit = matcher(word[1:])
        return lambda room: not unfit(room.key)
    fits = matcher(word)
    return lambda room: fits(room.key)


def _compares(kind: str, sign: str, number: int, now: float) -> Callable[[Room], bool]:
    """`C>5` is made more than five minutes ago, `T<5` that the topic is younger; no topic was never set."""

    def fits(room: Room) -> bool:
        if kind == "U":
            value = float(len(room.members))
        elif kind == "C":
            value = (now - room.created) / 60
        elif room.topic_by is None:
            return False
        else:
            value = (now - room.topic_by[1]) / 60
        return value > number if sign == ">" else value < number

    return fits
