"""The rules of coming, going and changing a room: JOIN, PART, KICK, INVITE, TOPIC. Pure, like all of `apply`."""

from chat.events import Away, Invite, Join, Kick, Leave, Mode, ModeChange, Person, Topic
from chat.server.core.admission import admit, is_kept, is_silenced, keep_rank, kept_rank
from chat.server.core.change import Change, Outcome, Rule
from chat.server.core.ranks import LETTERS, OPERATORS, changed
from chat.server.core.room import Room, User
from chat.server.core.room_modes import FOUNDERS_ONLY
from chat.server.core.state import Refusal, State
from chat.server.log.entry import Entry
from chat.wires.names import fold, is_room_name
from chat.wires.numerics import (
    ERR_BADCHANMASK,
    ERR_CANNOTSENDTOCHAN,
    ERR_CHANOPRIVSNEEDED,
    ERR_TOOMANYCHANNELS,
    ERR_USERNOTINCHANNEL,
    ERR_USERONCHANNEL,
)

INVITATIONS = 20  # that a user has at once; the oldest goes for one more

# Said to a user who may be in no room at all: the rooms are those that others made.
NO_NEW_ROOM = "No new room can be made: your address, or the server, has as many as it may have"


def _join(state: State, user: User, entry: Entry) -> list[Outcome]:
    """`JOIN #room` or `JOIN #room key`"""
    name, *rest = entry.request.params
    keyword = rest[0] if rest else ""
    if not is_room_name(name):
        raise Refusal(ERR_BADCHANMASK, name)
    room = state.find_room(name)
    if room is not None and user in room.members:
        entry.rooms = ()
        return []
    if len(user.rooms) >= state.limits.rooms_per_user:
        raise Refusal(ERR_TOOMANYCHANNELS, name)
    if room is None:
        room = _open_room(state, user, name, keyword, entry.at)
    elif room.restricted:
        admit(state, room, user, keyword)
    rank = kept_rank(state, room, user) if room.ranks else ""
    if user.has_commands and room.wants_operator and not (room.ranks and is_kept(state, room, "q")):
        rank = changed(rank, "o", True)
    room.add(user, rank)
    user.rooms[room] = None
    if user.invited:
        user.invited.pop(room.key, None)
    changes: list[Outcome] = [
        Change(Join(user.person, room.name, entry.at, rank, entry.id, user.realname), user, (room,))
    ]
    if rank and len(room.members) > 1:
        event = ranked(room, user, rank, entry)
        changes.append(Change(event, user, (room,), user))  # the list of names tells the newcomer
    if user.away is not None:
        changes.append(Change(Away(user.person, user.away, entry.at, id=entry.id), user, (room,)))
    return changes


def _open_room(state: State, user: User, name: str, keyword: str, at: float) -> Room:
    """A new room, or the one of that name that was left empty.

    One that lets the user not in, and that no account operates, could stay closed for ever: a new one takes its place.
    """
    host = user.address
    if len(state.rooms) >= state.limits.rooms_total or state.rooms_by_host[host] >= state.limits.rooms_per_address:
        raise Refusal(ERR_TOOMANYCHANNELS, name, text=NO_NEW_ROOM)
    room = state.remembered.get(fold(name)) if state.remembered else None
    if room is not None and room.restricted:
        try:
            admit(state, room, user, keyword)
        except Refusal:
            if is_kept(state, room, "qo"):
                raise
            state.forget(room)
            room = None
    opened = state.open_room(name, host, at)
    if room is None and user.person.account and user.has_commands:
        _found(state, opened, user)
    return opened


def _found(state: State, room: Room, user: User) -> None:
    """The account of who makes a room is its founder."""
    room.members[user] = "qo"
    keep_rank(state, room, user)
    del room.members[user]


def ranked(room: Room, user: User, letters: str, entry: Entry) -> Mode:
    """The server gives a member these ranks."""
    server = Person(entry.node, "", "")
    return Mode(
        server, room.name, tuple(ModeChange(True, letter, user.nick) for letter in letters), entry.at, id=entry.id
    )


def restore_ranks(state: State, user: User, entry: Entry) -> list[Outcome]:
    """The user has logged in: the rooms where it is give it what they keep for its account."""
    outcomes: list[Outcome] = []
    for room in user.rooms:
        rank = room.members[user]
        missing = "".join(letter for letter in LETTERS if letter in kept_rank(state, room, user) and letter not in rank)
        for letter in missing:
            rank = changed(rank, letter, True)
        if missing:
            room.set_rank(user, rank)
            outcomes.append(Change(ranked(room, user, missing, entry), user, (room,)))
    return outcomes


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
    if "q" in room.members[whom] and "q" not in room.members[user]:
        raise Refusal(ERR_CHANOPRIVSNEEDED, room.name, text=FOUNDERS_ONLY)
    state.remove_member(room, whom)
    return [Change(Kick(user.person, room.name, whom.person, entry.at, reason, id=entry.id), user, (room,), whom)]


def _invite(state: State, user: User, entry: Entry) -> list[Outcome]:
    """`INVITE nick #room`: any member may, unless the room is by invitation; an operator's lets the other in, once."""
    nick, name = entry.request.params
    room = state.get_room(name, user)
    whom = state.get_user(nick)
    if whom in room.members:
        raise Refusal(ERR_USERONCHANNEL, whom.nick, room.name)
    if room.members[user] in OPERATORS:
        whom.invited.pop(room.key, None)
        whom.invited[room.key] = room.created
        if len(whom.invited) > INVITATIONS:
            del whom.invited[next(iter(whom.invited))]
    elif "i" in room.modes:
        raise Refusal(ERR_CHANOPRIVSNEEDED, room.name)
    return [Change(Invite(user.person, room.name, whom.person, entry.at, id=entry.id), user, (), whom)]


def _set_topic(state: State, user: User, entry: Entry) -> list[Outcome]:
    name, topic = entry.request.params
    room = state.get_room(name, user)
    if "t" in room.modes:
        state.operated_room(name, user)
    elif room.guarded and not room.members[user] and is_silenced(state, room, user):
        raise Refusal(ERR_CANNOTSENDTOCHAN, room.name)
    room.topic = topic
    room.topic_by = (user.nick, entry.at) if topic else None
    return [Change(Topic(user.person, room.name, topic, entry.at, id=entry.id), user, (room,))]


RULES: dict[str, Rule] = {
    "JOIN": _join,
    "PART": _leave,
    "KICK": _kick,
    "INVITE": _invite,
    "TOPIC": _set_topic,
}
