"""The state from its own `dump`: what a log begins with, where it does not reach back to its first entry."""

import json
from sys import intern
from typing import Any

from chat.events import Person
from chat.server.core.accounts import read_account
from chat.server.core.mask_list import MaskList
from chat.server.core.room import Kept, Room, User
from chat.server.core.server_bans import read_ban
from chat.server.core.state import Departed, State
from chat.server.log.entry import NOBODY
from chat.wires.names import fold


def load(state: State, text: str) -> None:
    """Fill a new state. Raises ValueError, KeyError or TypeError for anything but a dump."""
    rooms_of: dict[User, list[str]] = {}
    members: dict[Room, list[tuple[str, str | bool]]] = {}
    for line in text.splitlines():
        values = json.loads(line)
        if "registered" in values:
            state.accounts.add(read_account(values))
        elif "departed" in values:
            _read_departed(state, values)
        elif "ban" in values:
            state.bans.add(read_ban(values))
        elif "user" in values:
            user = _read_user(values)
            state.add_user(user)
            if (account := state.accounts.find(user.account)) is not None:
                account.users[user] = None
            state.index(user)
            rooms_of[user] = values["rooms"]
        else:
            room = _read_room(values)
            members[room] = values["members"]
            _keep(state, room, bool(members[room]))
    for room, present in members.items():
        for nick, rank in present:
            room.add(state.users[fold(nick)], _rank(rank))
    for user, names in rooms_of.items():
        user.rooms = {state.rooms[fold(name)]: None for name in names}
    state.most_users = len(state.users)


def _read_departed(state: State, values: dict[str, Any]) -> None:
    rooms = [(name, _rank(rank)) for name, rank in values["departed"]]
    one = Departed(_read_user({**values, "account": ""}), rooms, values["account"], values["at"])
    state.add_departed(one)


def _keep(state: State, room: Room, is_open: bool) -> None:
    if is_open:
        state.open(room, room.creator_host)
    else:
        state.remembered[room.key] = room
        state.entries_remembered += room.entries


def _read_user(values: dict[str, Any]) -> User:
    nick, _, rest = values["user"].partition("!")
    name, _, host = rest.partition("@")
    # Older snapshots have no accounts and no bots.
    person = Person(nick, name, intern(host), values.get("account", ""), values.get("bot", False))
    number = values.get("id", NOBODY)  # nor had users numbers; `apply` finds it
    user = User(number, person, values["realname"], values["node"], values["signed_on"], values["has_commands"])
    user.address = intern(values.get("address", host))  # snapshots had none once
    user.spoke, user.invisible, user.away = values["spoke"], values["invisible"], values["away"]
    user.operator, user.wallops = values.get("operator", ""), values.get("wallops", False)
    user.invited = values.get("invited", {})
    return user


def _read_room(values: dict[str, Any]) -> Room:
    room = Room(values["room"], values["created"], intern(values["creator_host"]))
    room.modes = set(values["modes"])
    room.keyword, room.limit = values.get("keyword", ""), values.get("limit", 0)
    room.lists = {letter: MaskList(items) for letter, items in values.get("lists", {}).items()}
    room.ranks = {account: Kept(*kept) for account, kept in values.get("ranks", {}).items()}
    room.settle_modes()
    room.topic = values["topic"]
    if values["topic_by"] is not None:
        nick, at = values["topic_by"]
        room.topic_by = (nick, at)
    return room


def _rank(value: str | bool) -> str:
    """Snapshots said once whether a member is an operator."""
    return value if isinstance(value, str) else "o" * value
