"""All that an administrator may ask of a server: its status, its users and rooms, and the verbs of the modules here."""

from collections.abc import Iterable

from chat.server.core.room import Room, User
from chat.server.ops import account_verbs, history_verbs, operator_verbs  # noqa: F401  # enter their verbs
from chat.server.ops.operation import AdminError, Operation, Rows
from chat.server.ops.verb_table import VERBS, Verb, verb
from chat.wires.irc import timestamp
from chat.wires.names import fold


def find(name: object) -> Verb:
    """Raises AdminError when there is no such verb."""
    found = VERBS.get(name) if isinstance(name, str) else None
    if found is None:
        raise AdminError(f"there is no verb {name!r}: {', '.join(sorted(VERBS))}")
    return found


@verb("status")
def _status(operation: Operation) -> None:
    operation.done(operation.place.facts())


@verb("users")
def _users(operation: Operation) -> Rows:
    """Everybody, or the members of a room."""
    state = operation.node.state
    users: Iterable[User] = state.users.values()
    if room := operation.text("room", ""):
        found = state.find_room(room)
        if found is None:
            raise AdminError(f"there is no room {room}, or nobody is in it")
        users = found.members.keys()
    for user in list(users):
        gone = state.users.get(fold(user.nick)) is not user  # since the answer began
        yield None if gone else _user_row(operation, user)


def _user_row(operation: Operation, user: User) -> dict[str, object]:
    node = operation.node
    client = node.fan_out.clients.get(user)
    return {
        "nick": user.nick,
        "user": user.person.user,
        "host": user.person.host,
        "realname": user.realname,
        "account": user.account or None,
        "operator": user.operator or None,
        "address": client.host if client is not None else None,
        "node": user.node,
        "since": timestamp(user.signed_on),
        "idle": max(0, int(node.clock() - user.spoke)),
        "away": user.away,
        "rooms": [room.name for room in user.rooms],
    }


@verb("rooms")
def _rooms(operation: Operation) -> Rows:
    """The rooms that somebody is in, then those that are remembered."""
    state = operation.node.state
    for room in list(state.rooms.values()):
        yield _room_row(room) if state.rooms.get(room.key) is room else None
    for room in list(state.remembered.values()):
        yield _room_row(room) if state.remembered.get(room.key) is room else None


def _room_row(room: Room) -> dict[str, object]:
    return {
        "room": room.name,
        "members": len(room.members),
        "modes": "".join(sorted(room.modes)),
        "created": timestamp(room.created),
        "topic": room.topic,
    }
