"""The users of a node that goes, or comes back: `:NODE NODE down|new|back EPOCH`.

A node that is down is gone with all its users, at one place in the log. They are kept as they were, out of sight, until
it comes back with them or begins without them, and no longer than `AWAY` by the log's own times.
"""

from dataclasses import replace
from operator import attrgetter

from chat.events import Join, Quit, Rename
from chat.server.core.change import Change, Displaced, FreeRule, Outcome
from chat.server.core.room import Room, User
from chat.server.core.room_rules import ranked
from chat.server.core.state import Departed, State
from chat.server.log.entry import Entry
from chat.wires.names import NICK_LENGTH, fold

KEY = attrgetter("key")
AWAY = 600.0  # s for which the users of a node that is gone are kept; a client that gets nothing gives up before


def _change_node(state: State, user: User | None, entry: Entry) -> list[Outcome]:
    """`NODE down EPOCH`, `NODE new EPOCH` or `NODE back EPOCH`; the source is the node."""
    node, what = entry.request.source, entry.request.params[0]
    told: dict[str, None] = {}
    outcomes: list[Outcome] = []
    forget_departed(state, entry.at)
    if what == "down":
        for user in sorted((user for user in state.users.values() if user.node == node), key=_folded):
            outcomes.append(_depart(state, user, entry, told))
    else:
        departed = state.pop_departed(node)
        if what == "back":
            for one in departed:
                outcomes += _return(state, one, entry, told)
    entry.rooms = tuple(told)
    return outcomes


def forget_departed(state: State, now: float) -> None:
    """Forget the users of nodes that have been gone for too long. `now` is an entry's time, the same on every node."""
    for node, departed in list(state.departed.items()):
        if now - departed[0].at > AWAY:  # all of a node have gone by one entry
            state.pop_departed(node)


def displace(state: State, nick: str, entry: Entry) -> list[Outcome]:
    """Somebody has this nickname now: a user whose node is gone, and who had it, has the next that nobody has.

    At once, and not when the node is back: its clients hear their rooms, where the name is somebody else's.
    """
    one = state.absent.pop(fold(nick), None)
    if one is None:
        return []
    user, before = one.user, one.user.person
    user.set_person(replace(before, nick=_free(state, user, one.account)))
    state.absent[fold(user.nick)] = one
    rooms = [state.find_room(name) or Room(name, entry.at, "") for name, _ in one.rooms]
    return [Displaced(Change(Rename(before, user.nick, entry.at, id=entry.id), user, rooms))]


def _folded(user: User) -> str:
    return fold(user.nick)


def _depart(state: State, user: User, entry: Entry, told: dict[str, None]) -> Outcome:
    rooms = list(user.rooms)
    ranks = [(room.name, room.members[user]) for room in rooms]
    state.add_departed(Departed(user, ranks, user.account, entry.at))
    for room in rooms:
        state.remove_member(room, user)
    state.remove_user(user)
    person = user.person  # logged in still
    if user.account:
        state.accounts.log_out(user)
    told.update(dict.fromkeys(map(KEY, rooms)))
    return Change(Quit(person, entry.at, f"The server {user.node} is gone", id=entry.id), user, rooms)


def _return(state: State, departed: Departed, entry: Entry, told: dict[str, None]) -> list[Outcome]:
    """The user is in its rooms again, with its rank; under another nickname where that is an account's now."""
    user, changes = departed.user, list[Outcome]()
    before = user.person
    nick = _free(state, user, departed.account)
    if nick != user.nick:
        user.set_person(replace(before, nick=nick))
        changes.append(Change(Rename(before, nick, entry.at, id=entry.id), user))
    state.add_user(user)
    state.index(user)
    if departed.account and (account := state.accounts.find(departed.account)) is not None:
        state.accounts.log_in(account, user)
    for name, rank in departed.rooms:
        room = state.find_room(name) or state.open_room(name, user.address, entry.at)
        room.add(user, rank)
        user.rooms[room] = None
        told[room.key] = None
        changes.append(Change(Join(user.person, room.name, entry.at, rank, entry.id, user.realname), user, (room,)))
        if rank and len(room.members) > 1:
            changes.append(Change(ranked(room, user, rank, entry), user, (room,), user))
    return changes


def _free(state: State, user: User, account: str) -> str:
    """The user's nickname, or the next that nobody has; the same on every node."""
    nick, number = user.nick, 2
    while fold(nick) in state.users or fold(nick) in state.absent or not _may_have(state, account, nick):
        nick = f"{user.nick[: NICK_LENGTH - len(str(number))]}{number}"
        number += 1
    return nick


def _may_have(state: State, account: str, nick: str) -> bool:
    owner = state.accounts.find(nick)
    return owner is None or owner is state.accounts.find(account)


FREE_RULES: dict[str, FreeRule] = {"NODE": _change_node}
