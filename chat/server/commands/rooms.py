"""Rooms: JOIN, PART, KICK, TOPIC, MODE, NAMES, LIST."""

from collections.abc import Collection

from chat.server.commands.isupport import MODES, REASON_LENGTH, TOPIC_LENGTH
from chat.server.commands.table import command
from chat.server.hub import Hub, Refusal
from chat.server.room import Room
from chat.server.user import User
from chat.wires.message import Message, build
from chat.wires.names import fold
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


def each(names: str) -> Collection[str]:
    """The names in a comma list, each once, so that a caller can refuse one and go on with the next."""
    return {fold(name): name for name in names.split(",") if name}.values()


def rooms_in(message: Message) -> Collection[str]:
    """The rooms that a command needs; raises Refusal when it names none."""
    names = each(message.params[0])
    if not names:
        raise Refusal(ERR_NEEDMOREPARAMS, message.verb)
    return names


@command("JOIN", 1)
def join(hub: Hub, user: User, message: Message) -> None:
    if message.params[0] == "0":  # leave everything; as old as IRC
        for left in list(user.rooms):
            hub.leave(user, left.name, "")
        return
    for name in rooms_in(message):
        try:
            room = hub.join(user, name)
        except Refusal as refusal:
            user.numeric(refusal.numeric, *refusal.params)
        else:
            if room is not None:
                if room.topic:
                    _show_topic(user, room)
                _show_names(hub, user, room)


@command("PART", 1)
def part(hub: Hub, user: User, message: Message) -> None:
    reason = message.params[1][:REASON_LENGTH] if len(message.params) > 1 else ""
    for name in rooms_in(message):
        try:
            hub.leave(user, name, reason)
        except Refusal as refusal:
            user.numeric(refusal.numeric, *refusal.params)


@command("KICK", 2)
def kick(hub: Hub, user: User, message: Message) -> None:
    name, nicks, *rest = message.params
    nick = nicks.partition(",")[0]  # TARGMAX promises one; the standard has the others dropped
    reason = rest[0][:REASON_LENGTH] if rest and rest[0] else user.nick
    whom = hub.kick(user, name, nick, reason)
    if not whom.speaks_irc:
        hub.quit(whom, f"Kicked: {reason}")
        whom.hang_up(f"kicked by {user.nick}: {reason}")  # its wire knows no other room to go to


@command("TOPIC", 1)
def topic(hub: Hub, user: User, message: Message) -> None:
    if len(message.params) > 1:
        hub.set_topic(user, message.params[0], message.params[1][:TOPIC_LENGTH])
        return
    room = hub.get_room(message.params[0], user)
    if room.topic:
        _show_topic(user, room)
    else:
        user.numeric(RPL_NOTOPIC, room.name)


def _show_topic(user: User, room: Room) -> None:
    user.numeric(RPL_TOPIC, room.name, text=room.topic)
    if room.topic_by is not None:
        nick, at = room.topic_by
        user.numeric(RPL_TOPICWHOTIME, room.name, nick, str(int(at)))


@command("NAMES")
def names(hub: Hub, user: User, message: Message) -> None:
    if not message.params:
        user.numeric(RPL_ENDOFNAMES, "*")
        return
    for name in each(message.params[0]):
        room = hub.find_room(name)
        if room is None:
            user.numeric(RPL_ENDOFNAMES, name)
        else:
            _show_names(hub, user, room)


def _show_names(hub: Hub, user: User, room: Room) -> None:
    """The members in as few lines as hold them, then the end, as one send."""
    if not user.speaks_irc:
        return
    lines, place = hub.call_roll(room, user, "userhost-in-names" in user.capabilities)
    head = f":{user.server_name} {RPL_NAMREPLY.code} {user.nick} = {room.name} :".encode()
    end = f":{user.server_name} {RPL_ENDOFNAMES.code} {user.nick} {room.name} :{RPL_ENDOFNAMES.text}\r\n".encode()
    sends = [*(head + line + b"\r\n" for line in lines), end]
    place.sends = sends if user.labels else (b"".join(sends),)  # a label goes on each line


@command("LIST")
def list_(hub: Hub, user: User, message: Message) -> None:
    wanted = {fold(name) for name in each(message.params[0])} if message.params else None
    for room in hub.rooms():
        if wanted is None or fold(room.name) in wanted:
            user.numeric(RPL_LIST, room.name, str(len(room.members)), text=room.topic)
    user.numeric(RPL_LISTEND)


@command("MODE", 1)
def mode(hub: Hub, user: User, message: Message) -> None:
    target, *words = message.params
    if not target.startswith("#"):
        _user_mode(hub, user, target, words)
        return
    room = hub.find_room(target)
    if room is None:
        raise Refusal(ERR_NOSUCHCHANNEL, target)
    if not words:
        user.numeric(RPL_CHANNELMODEIS, room.name, "+" + "".join(sorted(room.modes)))
        user.numeric(RPL_CREATIONTIME, room.name, str(int(room.created)))
    elif words in (["b"], ["+b"]):
        user.numeric(RPL_ENDOFBANLIST, room.name)  # clients ask on joining; there are no bans
    else:
        changes, wrong = _read_changes(words)
        for refusal in [*wrong, *hub.set_modes(user, room.name, changes)]:
            user.numeric(refusal.numeric, *refusal.params)


def _read_changes(words: list[str]) -> tuple[list[tuple[bool, str, str]], list[Refusal]]:
    """`+o-t ana` as [(True, "o", "ana"), (False, "t", "")], and what is unknown or incomplete."""
    changes: list[tuple[bool, str, str]] = []
    wrong: dict[str, Refusal] = {}  # by letter: one answer each
    on = True
    arguments = iter(words[1 : 1 + MODES])
    for letter in words[0]:
        if letter in "+-":
            on = letter == "+"
        elif letter in "nt":
            changes.append((on, letter, ""))
        elif letter != "o":
            wrong[letter] = Refusal(ERR_UNKNOWNMODE, letter)
        elif nick := next(arguments, ""):
            changes.append((on, "o", nick))
        elif len(words) <= MODES:  # beyond the promised number they are dropped
            wrong[letter] = Refusal(ERR_NEEDMOREPARAMS, "MODE")
    return changes, list(wrong.values())


def _user_mode(hub: Hub, user: User, nick: str, words: list[str]) -> None:
    if hub.find_user(nick) is not user:
        raise Refusal(ERR_USERSDONTMATCH) if hub.find_user(nick) else Refusal(ERR_NOSUCHNICK, nick)
    if not words:
        user.numeric(RPL_UMODEIS, "+i" if user.invisible else "+")
        return
    on, unknown, before = True, False, user.invisible
    for letter in words[0]:
        if letter in "+-":
            on = letter == "+"
        elif letter == "i":
            user.invisible = on
        else:
            unknown = True
    if unknown:
        user.numeric(ERR_UMODEUNKNOWNFLAG)
    if user.invisible is not before:
        mode = "+i" if user.invisible else "-i"
        user.send(build("MODE", user.nick, mode, source=user.person.mask))  # it was nobody else's doing
