"""One room: its members, its modes, and the log that fixes the order of what happens in it. No sockets."""

from collections import deque

from chat.events import Event
from chat.server.inbox import Inbox
from chat.server.posts import Remark
from chat.server.user import User


class Log:
    """A room's events in their order. The newest stay in memory; whatever wants all of them follows from here."""

    __slots__ = ("events", "length")

    def __init__(self, kept: int) -> None:
        self.events: deque[Event] = deque(maxlen=kept)
        self.length = 0  # events ever appended

    def append(self, event: Event) -> None:
        self.events.append(event)
        self.length += 1


class Room:
    """Every method is called with the hub's lock held."""

    __slots__ = ("_inboxes", "created", "log", "members", "modes", "name", "topic", "topic_by")

    def __init__(self, name: str, created: float, history: int) -> None:
        self.name = name
        self.created = created  # seconds since the epoch
        self.log = Log(history)
        self.members: dict[User, bool] = {}  # True for an operator, in the order of joining
        self.modes = {"n", "t"}  # no words from outside, topic by operators only
        self.topic = ""
        self.topic_by: tuple[str, float] | None = None
        self._inboxes: dict[Inbox, int] = {}  # how many members each worker has here

    def add(self, user: User, operator: bool) -> None:
        self.members[user] = operator
        self._inboxes[user.inbox] = self._inboxes.get(user.inbox, 0) + 1

    def remove(self, user: User) -> None:
        del self.members[user]
        left = self._inboxes[user.inbox] - 1
        if left:
            self._inboxes[user.inbox] = left
        else:
            del self._inboxes[user.inbox]

    @property
    def inboxes(self) -> set[Inbox]:
        """The workers that have members here."""
        return set(self._inboxes)

    def publish(self, post: Remark) -> None:
        """Fix the event's place in the room's order and tell each worker that has members here, once."""
        self.log.append(post.event)
        for inbox in self._inboxes:
            inbox.post(post)
