"""How users leave the server, by whatever request."""

from operator import attrgetter

from chat.events import Quit
from chat.server.core.change import Change, Outcome
from chat.server.core.room import User
from chat.server.core.state import State
from chat.server.log.entry import Entry

KEY = attrgetter("key")


def quit_user(state: State, user: User, entry: Entry, reason: str = "") -> list[Outcome]:
    """The user is gone, from all its rooms, for that reason, or the one that its own QUIT gives."""
    rooms = list(user.rooms)
    entry.rooms = tuple(map(KEY, rooms))
    for room in rooms:
        state.remove_member(room, user)
    state.remove_user(user)
    person = user.person  # logged in still
    if user.person.account:
        state.accounts.log_out(user)
    return [Change(Quit(person, entry.at, reason or entry.request.params[0], id=entry.id), user, rooms)]
