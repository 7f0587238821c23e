"""Apply one entry of the log to the state: check the rules at its place, change the state, return the events.

Pure and deterministic: no clock, no randomness, no I/O. The same entries make the same state and the same changes on
every node and at every replay. A request that the rules refuse at its place changes nothing.
"""

from dataclasses import replace
from itertools import islice
from sys import intern

from chat.events import (
    Away,
    Kind,
    NewRealname,
    Person,
    Rename,
    Say,
)
from chat.server.core.account_rules import FREE_RULES, RULES
from chat.server.core.accounts import talk_keys
from chat.server.core.admission import is_silenced
from chat.server.core.change import Change, FreeRule, Outcome, Rule
from chat.server.core.leaving import KEY, quit_user
from chat.server.core.nodes import FREE_RULES as NODE_RULES
from chat.server.core.nodes import displace, forget_departed
from chat.server.core.operator_rules import FREE_RULES as OPERATOR_FREE_RULES
from chat.server.core.operator_rules import RULES as OPERATOR_RULES
from chat.server.core.operator_rules import check_banned
from chat.server.core.ranks import SIGNS, is_at_least
from chat.server.core.room import User
from chat.server.core.room_modes import set_modes
from chat.server.core.room_rules import RULES as ROOM_RULES
from chat.server.core.state import Refusal, State
from chat.server.log.entry import BY_NAME, NOBODY, Entry
from chat.server.log.ids import SEQUENCE_BITS
from chat.wires.message import Message
from chat.wires.names import fold, is_nickname
from chat.wires.numerics import (
    ERR_CANNOTSENDTOCHAN,
    ERR_ERRONEUSNICKNAME,
    ERR_NICKNAMEINUSE,
    ERR_NOSUCHNICK,
    ERR_TOOMANYTARGETS,
)

TAGS = Kind.TAGS
MOST_RANKED = 100  # members that a message to a part of a room is for; each is sent it apart, in some 20 µs
_ROOM_STARTS = frozenset(f"#{SIGNS}")  # what a room's name begins with, as the target of a message
REGISTERED = "Nickname is registered: log in to its account"
PLAIN = "plain"  # the mode parameter of USER for a user whose wire has no commands
WITHOUT_ADDRESS = 4  # parameters of USER


def apply(state: State, entry: Entry) -> list[Outcome]:
    """Change the state as the entry's request asks, and return what changed. Raises Refusal when nothing may change."""
    number, verb = entry.user, entry.request.verb
    user = state.by_id.get(number) or _find_by_name(state, entry)
    if user is not None:
        if entry.request.source != user.mask and "!" in entry.request.source:
            _name(entry, user)
        rule = _RULES.get(verb)
        return rule(state, user, entry) if rule is not None else _FREE_RULES[verb](state, user, entry)
    if number > 0 or verb in _RULES:  # who asked has gone meanwhile, whoever has the nickname by now
        raise Refusal(ERR_NOSUCHNICK, entry.request.nick)
    return _FREE_RULES[verb](state, None, entry)


def _name(entry: Entry, user: User) -> None:
    """The user got another nickname while the request was on its way: histories show it under that."""
    request = entry.request
    entry.request = Message(request.verb, request.params, user.mask, request.tags)


def _find_by_name(state: State, entry: Entry) -> User | None:
    """Who asks, for an entry or for a user that is older than users' numbers. The user has one from then on."""
    user = state.users.get(fold(entry.request.nick)) if entry.user != NOBODY else None
    if user is None or user.node != entry.node:
        return None
    if entry.user != BY_NAME:
        if user.id or round(user.signed_on * 1000) != entry.user >> SEQUENCE_BITS:
            return None  # another, who has gone
        user.id = entry.user
        state.add_user(user)
    return user


def check_nickname(state: State, user: User | None, nick: str, account: str = "") -> None:
    """Raise Refusal when `user` (None: a new one, of that account) may not have this nickname."""
    if not is_nickname(nick) or state.reserves(nick):
        raise Refusal(ERR_ERRONEUSNICKNAME, nick)
    if state.users.get(fold(nick), user) is not user:
        raise Refusal(ERR_NICKNAMEINUSE, nick)
    if state.accounts.by_name and (user is None or fold(nick) not in state.users):
        owner = state.accounts.find(nick)
        if owner is not None and owner is not state.accounts.find(account if user is None else user.person.account):
            raise Refusal(ERR_NICKNAMEINUSE, nick, text=REGISTERED)


def _enter(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`:nick!user@host USER user MODE PROOF [ADDRESS] :realname`: a new user; PROOF is of its account, or `*` for none.

    ADDRESS is there when the host is a cloak.
    """
    if state.departed:
        forget_departed(state, entry.at)
    nick, _, rest = entry.request.source.partition("!")
    name, _, host = rest.partition("@")
    params = entry.request.params
    account = state.accounts.find_proved(params[2]) if params[2] != "*" else None
    check_nickname(state, None, nick, "" if account is None else account.name)
    person = Person(nick, name, intern(host))
    user = User(entry.id, person, params[-1], entry.node, entry.at, params[1] != PLAIN)
    if len(params) > WITHOUT_ADDRESS:
        user.address = intern(params[WITHOUT_ADDRESS - 1])
    if state.bans.by_mask:
        check_banned(state, user, params[2].partition("@")[0], entry.at)
    state.add_user(user)
    state.most_users = max(state.most_users, len(state.users))
    if account is not None:
        state.accounts.log_in(account, user)
    return displace(state, nick, entry)


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
    return [*displace(state, nick, entry), Change(Rename(before, nick, entry.at, id=entry.id), user, list(user.rooms))]


def _set_modes(state: State, user: User, entry: Entry) -> list[Outcome]:
    target, letters, *_ = entry.request.params
    if target.startswith("#"):
        return set_modes(state, user, entry)
    entry.rooms = ()
    return _set_user_modes(state, user, letters)


def _set_user_modes(state: State, user: User, letters: str) -> list[Outcome]:
    """`MODE ana +i-B`. Nobody else is told."""
    on = True
    for letter in letters:
        if letter in "+-":
            on = letter == "+"
        elif letter == "i":
            user.invisible = on
        elif letter == "B":
            user.set_person(replace(user.person, bot=on))
        elif letter == "w":
            user.wallops = on
        elif letter == "o" and not on:  # OPER alone sets it
            user.operator = ""
    state.index(user)
    return []


def _say(state: State, user: User, entry: Entry) -> list[Outcome]:
    """To a nickname, to `#room`, or to its members of a rank and above: `@#room` (STATUSMSG)."""
    request = entry.request
    to = request.params[0]
    kind = _KINDS[request.verb]
    text = "" if kind is TAGS else request.params[1]
    if to[0] not in _ROOM_STARTS:
        whom = state.get_user(to)
        event = Say(user.person, whom.person.nick, text, entry.at, kind, request.tags, entry.id)
        change = Change(event, user, (), whom)
        account, other = user.person.account, whom.person.account
        entry.rooms = talk_keys(account, other) if account and other else ()
    else:
        sign, name = ("", to) if to[0] == "#" else (to[0], to[1:])
        room = state.rooms.get(fold(name))
        rank = room.members.get(user) if room is not None else None
        if room is None or (rank is None and "s" in room.modes):
            raise Refusal(ERR_NOSUCHNICK, to)
        if not rank:  # this is the way of every message: no call more where the answer is known
            if room.guarded:
                known = room.silenced.get(user)
                is_known = known is not None and known[0] is user.person
                silenced = known[1] if known and is_known else is_silenced(state, room, user)
            else:
                silenced = False
            if silenced or (rank is None and "n" in room.modes):
                raise Refusal(ERR_CANNOTSENDTOCHAN, room.name)
        event = Say(user.person, sign + room.name, text, entry.at, kind, request.tags, entry.id)
        if sign:
            ranked = (member for member, its in room.members.items() if is_at_least(its, sign))
            among = tuple(islice(ranked, MOST_RANKED + 1))
            if len(among) > MOST_RANKED:
                raise Refusal(ERR_TOOMANYTARGETS, to, text=ERR_TOOMANYTARGETS.text.format(MOST_RANKED))
            change = Change(event, user, among=among)
            entry.rooms = ()
        else:
            change = Change(event, user, (room,))
            entry.rooms = (room.key,)
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
    "MODE": _set_modes,
    "PRIVMSG": _say,
    "NOTICE": _say,
    "TAGMSG": _say,
    "AWAY": _set_away,
    "SETNAME": _set_realname,
    **ROOM_RULES,
    **RULES,
    **OPERATOR_RULES,
}
_FREE_RULES: dict[str, FreeRule] = {"USER": _enter, **FREE_RULES, **NODE_RULES, **OPERATOR_FREE_RULES}
VERBS = _RULES.keys() | _FREE_RULES.keys()  # of all requests
# The version of entries that brought a verb in, if not the first: until all nodes read it, nobody can ask for the verb.
SINCE = {"PURGE": 2}
_PROOFS = {"ACCOUNT": 0, "GHOST": 1, "USER": 2}  # where a request has a proof: before version 3 it had the name alone


def in_version(request: Message, version: int) -> Message:
    """The request as programs know it that read no newer version of entries."""
    place = _PROOFS.get(request.verb)
    if version >= 3 or place is None:
        return request
    params = list(request.params)
    params[place] = params[place].partition("@")[0]
    return Message(request.verb, params, request.source, request.tags)
