"""One room: its members, its modes, and the log that fixes the order of what happens in it. No sockets."""

from collections import deque

from chat.events import Event, Person
from chat.server.inbox import Inbox
from chat.server.posts import Remark
from chat.server.roll import Roll
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

    __slots__ = ("_inboxes", "_rolls", "created", "log", "members", "modes", "name", "topic", "topic_by")

    def __init__(self, name: str, created: float, history: int) -> None:
        self.name = name
        self.created = created  # seconds since the epoch
        self.log = Log(history)
        self.members: dict[User, bool] = {}  # True for an operator, in the order of joining
        self.modes = {"n", "t"}  # no words from outside, topic by operators only
        self.topic = ""
        self.topic_by: tuple[str, float] | None = None
        self._inboxes: dict[Inbox, int] = {}  # how many members each worker has here
        self._rolls: dict[bool, Roll] = {}  # with masks and without, as far as somebody has asked

    def add(self, user: User, operator: bool) -> None:
        self.members[user] = operator
        for roll in self._rolls.values():
            roll.add(user.person, operator)
        self._inboxes[user.inbox] = self._inboxes.get(user.inbox, 0) + 1

    def remove(self, user: User) -> None:
        operator = self.members.pop(user)
        for roll in self._rolls.values():
            roll.remove(user.person, operator)
        self._begin_worn_rolls_anew()
        left = self._inboxes[user.inbox] - 1
        if left:
            self._inboxes[user.inbox] = left
        else:
            del self._inboxes[user.inbox]

    def set_operator(self, user: User, operator: bool) -> None:
        for roll in self._rolls.values():
            roll.replace(user.person, self.members[user], user.person, operator)
        self.members[user] = operator
        self._begin_worn_rolls_anew()

    def rename(self, user: User, before: Person) -> None:
        """A member that was called `before` is called otherwise now."""
        for roll in self._rolls.values():
            roll.replace(before, self.members[user], user.person, self.members[user])
        self._begin_worn_rolls_anew()

    def roll(self, masks: bool, size: int) -> Roll:
        """All members, as a member may see them, in lines of at most `size` bytes."""
        roll = self._rolls.get(masks)
        if roll is None:
            roll = self._rolls[masks] = Roll(masks, size)
            for member, operator in self.members.items():
                roll.add(member.person, operator)
        return roll

    def _begin_worn_rolls_anew(self) -> None:
        """When next asked, where there are more holes than names."""
        if any(roll.worn for roll in self._rolls.values()):
            self._rolls.clear()

    @property
    def inboxes(self) -> set[Inbox]:
        """The workers that have members here."""
        return set(self._inboxes)

    def publish(self, post: Remark) -> None:
        """Fix the event's place in the room's order and tell each worker that has members here, once."""
        self.log.append(post.event)
        for inbox in self._inboxes:
            inbox.post(post)
