"""The outcomes of applying an entry: changes, each an event with whom it concerns, and refusals."""

from collections.abc import Callable, Iterable

from chat.events import Event
from chat.server.core.room import Room, User
from chat.server.core.server_bans import Ban
from chat.server.core.state import Refusal, State
from chat.server.log.entry import Entry


class Change:
    """An event, the user who caused it, and the rooms whose members are told."""

    __slots__ = ("among", "event", "rooms", "user", "whom")

    def __init__(
        self,
        event: Event,
        user: User,
        rooms: Iterable[Room] = (),
        whom: User | None = None,
        among: tuple[User, ...] = (),
    ) -> None:
        self.event = event
        self.user = user
        self.rooms = rooms
        # The receiver of a private message, the invited or the kicked; of a mode, who need not be told.
        self.whom = whom
        self.among = among  # the receivers of a message to a part of a room

    def __repr__(self) -> str:
        return f"Change({self.event})"


class Displaced:
    """Somebody took the nickname of a user whose node is gone; that node's clients are told of the user's next one."""

    __slots__ = ("change",)

    def __init__(self, change: Change) -> None:
        self.change = change


class Banned:
    """A server ban was set: each node closes its connections that it fits."""

    __slots__ = ("ban",)

    def __init__(self, ban: Ban) -> None:
        self.ban = ban


Outcome = Change | Displaced | Banned | Refusal  # a MODE may be refused in part
Rule = Callable[[State, User, Entry], list[Outcome]]  # of a request that a user makes
FreeRule = Callable[[State, User | None, Entry], list[Outcome]]  # of one that others may make too
