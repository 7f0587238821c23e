"""Apply one entry of the log to the state: check the rules at its place, change the state, return the events.

Pure and deterministic: no clock, no randomness, no I/O. The same entries make the same state and the same changes on
every node and at every replay. A request that the rules refuse at its place changes nothing.
"""

from dataclasses import replace
from sys import intern

from chat.events import (
    Away,
    Join,
    Kick,
    Kind,
    Leave,
    Mode,
    ModeChange,
    NewRealname,
    Person,
    Rename,
    Say,
    Topic,
)
from chat.server.core.account_rules import FREE_RULES, RULES
from chat.server.core.change import Change, FreeRule, Outcome, Rule
from chat.server.core.leaving import KEY, quit_user
from chat.server.core.nodes import FREE_RULES as NODE_RULES
from chat.server.core.room import Room
from chat.server.core.state import Refusal, State
from chat.server.core.user import User
from chat.server.log.log import Entry
from chat.wires.names import fold, is_nickname, is_reserved, is_room_name
from chat.wires.numerics import (
    ERR_BADCHANMASK,
    ERR_CANNOTSENDTOCHAN,
    ERR_ERRONEUSNICKNAME,
    ERR_NICKNAMEINUSE,
    ERR_NOSUCHNICK,
    ERR_TOOMANYCHANNELS,
    ERR_USERNOTINCHANNEL,
)

TAGS = Kind.TAGS
REGISTERED = "Nickname is registered: log in to its account"
PLAIN = "plain"  # the mode parameter of USER for a user whose wire has no commands
WITHOUT_ADDRESS = 4  # parameters of USER


def apply(state: State, entry: Entry) -> list[Outcome]:
    """Change the state as the entry's request asks, and return what changed. Raises Refusal when nothing may change."""
    request = entry.request
    if request.verb in _FREE_RULES:
        return _FREE_RULES[request.verb](state, entry)
    nick = request.source.partition("!")[0]
    user = state.users.get(fold(nick))
    if user is None or user.node != entry.node:  # somebody else has that nickname by now
        raise Refusal(ERR_NOSUCHNICK, nick)
    return _RULES[request.verb](state, user, entry)


def check_nickname(state: State, user: User | None, nick: str, account: str = "") -> None:
    """Raise Refusal when `user` (None: a new one, of that account) may not have this nickname."""
    if not is_nickname(nick) or is_reserved(nick):
        raise Refusal(ERR_ERRONEUSNICKNAME, nick)
    if state.users.get(fold(nick), user) is not user:
        raise Refusal(ERR_NICKNAMEINUSE, nick)
    if state.accounts.by_name:
        owner = state.accounts.find(nick)
        if owner is not None and owner is not state.accounts.find(account if user is None else user.account):
            raise Refusal(ERR_NICKNAMEINUSE, nick, text=REGISTERED)


def _enter(state: State, entry: Entry) -> list[Outcome]:
    """`:nick!user@host USER user MODE ACCOUNT [ADDRESS] :realname`: a new user; `*` for ACCOUNT is none.

    ADDRESS is there when the host is a cloak.
    """
    nick, _, rest = entry.request.source.partition("!")
    name, _, host = rest.partition("@")
    params = entry.request.params
    check_nickname(state, None, nick, params[2])
    user = User(Person(nick, name, intern(host)), params[-1], entry.node, entry.at, params[1] != PLAIN)
    if len(params) > WITHOUT_ADDRESS:
        user.address = intern(params[WITHOUT_ADDRESS - 1])
    key = fold(nick)
    state.users[nick if key == nick else key] = user
    state.most_users = max(state.most_users, len(state.users))
    if params[2] != "*" and (account := state.accounts.find(params[2])) is not None:
        state.accounts.log_in(account, user)
    return []


def _rename(state: State, user: User, entry: Entry) -> list[Outcome]:
    nick = entry.request.params[0]
    check_nickname(state, user, nick)
    if nick == user.nick:
        entry.rooms = ()
        return []
    before = user.person
    del state.users[fold(before.nick)]
    state.users[fold(nick)] = user
    user.set_person(replace(before, nick=nick))
    entry.rooms = tuple(map(KEY, user.rooms))
    for room in user.rooms:
        room.rename(user, before)
    return [Change(Rename(before, nick, entry.at, id=entry.id), user, list(user.rooms))]


def _join(state: State, user: User, entry: Entry) -> list[Outcome]:
    name = entry.request.params[0]
    if not is_room_name(name):
        raise Refusal(ERR_BADCHANMASK, name)
    room = state.find_room(name)
    if room is not None and user in room.members:
        entry.rooms = ()
        return []
    if len(user.rooms) >= state.limits.rooms_per_user:
        raise Refusal(ERR_TOOMANYCHANNELS, name)
    if room is None:
        room = _make_room(state, user, name, entry.at)
    operator = user.has_commands and room.wants_operator
    room.add(user, operator)
    user.rooms[room] = None
    changes: list[Outcome] = [
        Change(Join(user.person, room.name, entry.at, "o" if operator else "", entry.id, user.realname), user, (room,))
    ]
    if user.away is not None:
        changes.append(Change(Away(user.person, user.away, entry.at, id=entry.id), user, (room,)))
    return changes


def _make_room(state: State, user: User, name: str, at: float) -> Room:
    host = user.address
    if len(state.rooms) >= state.limits.rooms_total or state.rooms_by_host[host] >= state.limits.rooms_per_address:
        raise Refusal(ERR_TOOMANYCHANNELS, name)
    return state.open_room(name, host, at)


def _leave(state: State, user: User, entry: Entry) -> list[Outcome]:
    name, *rest = entry.request.params
    room = state.get_room(name, user)
    state.remove_member(room, user)
    return [Change(Leave(user.person, room.name, entry.at, rest[0] if rest else "", id=entry.id), user, (room,))]


def _kick(state: State, user: User, entry: Entry) -> list[Outcome]:
    name, nick, reason = entry.request.params
    room = state.operated_room(name, user)
    whom = state.find_user(nick)
    if whom is None or whom not in room.members:
        raise Refusal(ERR_USERNOTINCHANNEL, nick, room.name)
    state.remove_member(room, whom)
    return [Change(Kick(user.person, room.name, whom.person, entry.at, reason, id=entry.id), user, (room,), whom)]


def _set_topic(state: State, user: User, entry: Entry) -> list[Outcome]:
    name, topic = entry.request.params
    room = state.get_room(name, user)
    if "t" in room.modes:
        state.operated_room(name, user)
    room.topic = topic
    room.topic_by = (user.nick, entry.at) if topic else None
    return [Change(Topic(user.person, room.name, topic, entry.at, id=entry.id), user, (room,))]


def _set_modes(state: State, user: User, entry: Entry) -> list[Outcome]:
    """`MODE #room +o-t ana`. The event holds only what is different afterwards."""
    target, letters, *names = entry.request.params
    if not target.startswith("#"):
        entry.rooms = ()
        return _set_user_modes(user, letters)
    room = state.operated_room(target, user)
    before = set(room.modes)
    operators: dict[User, bool] = {}  # whether the named members were operators before
    outcomes: list[Outcome] = []
    arguments = iter(names)
    on = True
    for letter in letters:
        if letter in "+-":
            on = letter == "+"
        elif letter == "o":
            nick = next(arguments)
            try:
                whom = state.member(room, nick)
            except Refusal as refusal:
                outcomes.append(refusal)
            else:
                operators.setdefault(whom, room.members[whom])
                room.set_operator(whom, on)
        else:
            (room.modes.add if on else room.modes.discard)(letter)
    changed = [ModeChange(mode in room.modes, mode) for mode in sorted(before ^ room.modes)]
    changed += [
        ModeChange(room.members[who], "o", who.nick) for who, was in operators.items() if room.members[who] != was
    ]
    if changed:
        event = Mode(user.person, room.name, tuple(changed), entry.at, id=entry.id)
        outcomes.insert(0, Change(event, user, (room,)))
    else:
        entry.rooms = ()
    return outcomes


def _set_user_modes(user: User, letters: str) -> list[Outcome]:
    """`MODE ana +i-B`. Nobody else is told."""
    on = True
    for letter in letters:
        if letter in "+-":
            on = letter == "+"
        elif letter == "i":
            user.invisible = on
        elif letter == "B":
            user.set_person(replace(user.person, bot=on))
    return []


def _say(state: State, user: User, entry: Entry) -> list[Outcome]:
    request = entry.request
    to = request.params[0]
    kind = _KINDS[request.verb]
    text = "" if kind is TAGS else request.params[1]
    if to[0] != "#":
        whom = state.get_user(to)
        event = Say(user.person, whom.person.nick, text, entry.at, kind, request.tags, entry.id)
        change = Change(event, user, (), whom)
    else:
        room = state.rooms.get(fold(to))
        if room is None:
            raise Refusal(ERR_NOSUCHNICK, to)
        if "n" in room.modes and user not in room.members:
            raise Refusal(ERR_CANNOTSENDTOCHAN, room.name)
        change = Change(Say(user.person, room.name, text, entry.at, kind, request.tags, entry.id), user, (room,))
    if kind is not Kind.TAGS:
        user.spoke = entry.at
    return [change]


def _set_away(state: State, user: User, entry: Entry) -> list[Outcome]:
    params = entry.request.params
    text = params[0] if params else None
    if text == user.away:
        return []
    user.away = text
    return [Change(Away(user.person, text, entry.at, id=entry.id), user, list(user.rooms))]


def _set_realname(state: State, user: User, entry: Entry) -> list[Outcome]:
    user.realname = entry.request.params[0]
    return [Change(NewRealname(user.person, user.realname, entry.at, id=entry.id), user, list(user.rooms))]


_KINDS = {kind.value: kind for kind in Kind}
_RULES: dict[str, Rule] = {
    "NICK": _rename,
    "QUIT": quit_user,
    "JOIN": _join,
    "PART": _leave,
    "KICK": _kick,
    "TOPIC": _set_topic,
    "MODE": _set_modes,
    "PRIVMSG": _say,
    "NOTICE": _say,
    "TAGMSG": _say,
    "AWAY": _set_away,
    "SETNAME": _set_realname,
    **RULES,
}
_FREE_RULES: dict[str, FreeRule] = {"USER": _enter, **FREE_RULES, **NODE_RULES}
