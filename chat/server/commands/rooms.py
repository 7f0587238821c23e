"""Rooms: JOIN, PART, KICK, TOPIC, MODE, NAMES, LIST."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import islice

from chat.events import ModeChange
from chat.server.commands.history import replay
from chat.server.commands.limits import LINE_COST, MODES, REASON_BYTES, RECEIVER_COST, TOPIC_BYTES
from chat.server.commands.table import command, send_cursor
from chat.server.core.client import Client, is_middle
from chat.server.core.names_list import NamesList
from chat.server.core.node import Node
from chat.server.core.room import Room
from chat.server.core.state import Refusal
from chat.server.core.user import User
from chat.wires.irc import LINE_BYTES, spell_modes
from chat.wires.message import Message, build
from chat.wires.names import NICK_LENGTH, fold
from chat.wires.numerics import (
    ERR_NEEDMOREPARAMS,
    ERR_NOSUCHCHANNEL,
    ERR_NOSUCHNICK,
    ERR_UMODEUNKNOWNFLAG,
    ERR_UNKNOWNMODE,
    ERR_USERSDONTMATCH,
    RPL_CHANNELMODEIS,
    RPL_CREATIONTIME,
    RPL_ENDOFBANLIST,
    RPL_ENDOFNAMES,
    RPL_LIST,
    RPL_LISTEND,
    RPL_NAMREPLY,
    RPL_NOTOPIC,
    RPL_TOPIC,
    RPL_TOPICWHOTIME,
    RPL_UMODEIS,
)
from chat.wires.text import cut

MEMBERS_AT_ONCE = 500  # looked through for one portion of an answer; takes some 1 ms
ROOMS_AT_ONCE = 8  # of a list, joined or left in one go; each takes as long as a command
LINES_A_ROOM = 16  # of a long answer take as long as joining or leaving one
NAMES_A_LINE = 40  # in RPL_NAMREPLY, about


def each(names: str) -> Collection[str]:
    """The names in a comma-separated list, each once."""
    return {fold(name): name for name in names.split(",") if name}.values()


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
        in_each(node, client, rooms_in(message), partial(_join, node, client, user))


def _join(node: Node, client: Client, user: User, name: str) -> None:
    room = node.state.find_room(name)
    if room is None or user not in room.members:
        node.ask(client, Message("JOIN", [name], user.mask), partial(_show_joined, node, client, user, name))


def _show_joined(node: Node, client: Client, user: User, name: str) -> None:
    room = node.state.find_room(name)
    if room is not None and user in room.members:
        client.cost += len(room.members) * (RECEIVER_COST + LINE_COST / NAMES_A_LINE)
        if room.topic:
            _show_topic(client, room)
        client.send(_all_names(client, room))
        if node.settings.replay:
            replay(node, client, room)


@command("PART", 1)
def part(node: Node, client: Client, user: User, message: Message) -> None:
    reason = [cut(message.params[1], REASON_BYTES)] if len(message.params) > 1 else []
    in_each(node, client, rooms_in(message), partial(_leave, node, client, user, reason))


def _leave(node: Node, client: Client, user: User, reason: list[str], name: str) -> None:
    node.ask(client, Message("PART", [name, *reason], user.mask))


@command("KICK", 2)
def kick(node: Node, client: Client, user: User, message: Message) -> None:
    name, nicks, *rest = message.params
    nick = nicks.partition(",")[0]  # TARGMAX advertises one; the standard ignores the others
    if not is_middle(nick):
        raise Refusal(ERR_NOSUCHNICK, nick)
    reason = cut(rest[0], REASON_BYTES) if rest and rest[0] else user.nick
    node.ask(client, Message("KICK", [name, nick, reason], user.mask))


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


@command("NAMES")
def names(node: Node, client: Client, user: User, message: Message) -> None:
    if not message.params:
        client.numeric(RPL_ENDOFNAMES, "*")
        return
    asked = each(message.params[0])
    client.cost += max(0, len(asked) - 1)
    lines = _names_of_each(node, client, user, asked)
    if any((room := node.state.find_room(name)) is not None and user not in room.members for name in asked):
        send_cursor(client, lines)
    else:
        client.send(*lines)  # the lines are kept with the rooms


def _names_of_each(node: Node, client: Client, user: User, asked: Collection[str]) -> Iterator[bytes]:
    for name in asked:
        room = node.state.find_room(name)
        if room is None:
            yield client.numeric_line(RPL_ENDOFNAMES, name)
        elif user in room.members:
            client.cost += len(room.members) * LINE_COST / NAMES_A_LINE
            yield _all_names(client, room)
        else:
            yield from _visible_names(client, room)


def _all_names(client: Client, room: Room) -> bytes:
    """The members in full lines, which the room keeps, then the end of the list.

    They are one piece, so that nobody joins, leaves or is renamed between two of the lines.
    """
    masks = "userhost-in-names" in client.capabilities
    head = f":{client.server_name} {RPL_NAMREPLY.code} {client.nick} = {room.name} :".encode()
    lines = [head + line + b"\r\n" for line in room.names(masks, _names_bytes(client, room)).lines()]
    lines.append(client.numeric_line(RPL_ENDOFNAMES, room.name))
    return b"".join(lines)


def _names_bytes(client: Client, room: Room) -> int:
    """Bytes for names in a line of RPL_NAMREPLY, whatever the asker's nickname."""
    return (
        LINE_BYTES - 2 - len(f":{client.server_name} {RPL_NAMREPLY.code} {'n' * NICK_LENGTH} = {room.name} :".encode())
    )


def _visible_names(client: Client, room: Room) -> Iterator[bytes]:
    """The members as a user outside the room sees them: without the invisible ones."""
    masks = "userhost-in-names" in client.capabilities
    head = f":{client.server_name} {RPL_NAMREPLY.code} {client.nick} = {room.name} :".encode()
    members = iter(list(room.members))
    while portion := list(islice(members, MEMBERS_AT_ONCE)):
        seen = NamesList(masks, _names_bytes(client, room))
        for member in portion:
            operator = room.members.get(member)
            if operator is not None and not member.invisible:
                seen.add(member.person, operator)
        client.cost += len(portion) * LINE_COST
        yield b""
        yield from (head + line + b"\r\n" for line in seen.lines())
    yield client.numeric_line(RPL_ENDOFNAMES, room.name)


@command("LIST")
def list_(node: Node, client: Client, user: User, message: Message) -> None:
    if message.params:
        asked = each(message.params[0])
        client.cost += max(0, len(asked) - 1)
        rooms = [room for name in asked if (room := node.state.find_room(name)) is not None]
    else:
        rooms = list(node.state.rooms.values())
    send_cursor(client, _listed(node, client, rooms))


def _listed(node: Node, client: Client, rooms: Collection[Room]) -> Iterator[bytes]:
    for room in rooms:
        if room.members:  # it may be empty by now
            client.cost += LINE_COST
            yield client.numeric_line(RPL_LIST, room.name, str(len(room.members)), text=room.topic)
    yield client.numeric_line(RPL_LISTEND)


@command("MODE", 1)
def mode(node: Node, client: Client, user: User, message: Message) -> None:
    target, *words = message.params
    if not target.startswith("#"):
        _user_mode(node, client, user, target, words)
        return
    room = node.state.find_room(target)
    if room is None:
        raise Refusal(ERR_NOSUCHCHANNEL, target)
    if not words:
        client.numeric(RPL_CHANNELMODEIS, room.name, "+" + "".join(sorted(room.modes)))
        client.numeric(RPL_CREATIONTIME, room.name, str(int(room.created)))
    elif words in (["b"], ["+b"]):
        client.numeric(RPL_ENDOFBANLIST, room.name)  # clients ask when they join; there are no bans
    else:
        node.state.operated_room(target, user)
        letters, nicks, wrong = _read_changes(words)
        if letters:
            request = Message("MODE", [room.name, letters, *nicks], user.mask)
            node.ask(client, request, partial(_refuse_each, client, wrong))
        else:
            _refuse_each(client, wrong)


def _refuse_each(client: Client, refusals: Collection[Refusal]) -> None:
    for refusal in refusals:
        client.refuse(refusal)


def _read_changes(words: list[str]) -> tuple[str, list[str], list[Refusal]]:
    """`+o-tx ana` as ("+o-t", ["ana"]), and a refusal for each letter that is unknown or incomplete."""
    letters, sign = "", "+"
    nicks: list[str] = []
    wrong: dict[str, Refusal] = {}  # by letter: one answer each
    arguments = iter(words[1 : 1 + MODES])
    for letter in words[0]:
        if letter in "+-":
            sign = letter
        elif letter in "ntE":
            letters += sign + letter
        elif letter != "o":
            wrong[letter] = Refusal(ERR_UNKNOWNMODE, letter)
        elif nick := next(arguments, ""):
            letters += sign + letter
            nicks.append(nick)
        elif len(words) <= MODES:  # beyond the advertised number they are ignored
            wrong[letter] = Refusal(ERR_NEEDMOREPARAMS, "MODE")
    return letters, nicks, list(wrong.values())


def _user_mode(node: Node, client: Client, user: User, nick: str, words: list[str]) -> None:
    whom = node.state.find_user(nick)
    if whom is not user:
        raise Refusal(ERR_USERSDONTMATCH) if whom else Refusal(ERR_NOSUCHNICK, nick)
    have = {"B": user.person.bot, "i": user.invisible}
    if not words:
        client.numeric(RPL_UMODEIS, "+" + "".join(letter for letter, on in have.items() if on))
        return
    on, unknown, wanted = True, False, dict(have)
    for letter in words[0]:
        if letter in "+-":
            on = letter == "+"
        elif letter in wanted:
            wanted[letter] = on
        else:
            unknown = True
    if unknown:
        client.numeric(ERR_UMODEUNKNOWNFLAG)
    changes = [ModeChange(on, letter) for letter, on in wanted.items() if on is not have[letter]]
    if changes:
        letters = spell_modes(sorted(changes, reverse=True))
        echo = build("MODE", user.nick, letters, source=user.mask)  # shown to the user alone
        node.ask(client, Message("MODE", [user.nick, letters], user.mask), partial(client.send, echo))
