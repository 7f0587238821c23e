"""The clients that get one room's events, and the room's events in this pass."""

from collections.abc import Iterable

from chat.events import Event
from chat.server.core.client import Client
from chat.wires.wire import Dialect


class Published:
    """An event in its place in the pass."""

    __slots__ = ("_encoded", "event", "index")

    def __init__(self, event: Event, index: int) -> None:
        self.event = event
        self.index = index
        self._encoded: dict[Dialect, tuple[bytes, ...]] = {}

    def encoded(self, dialect: Dialect) -> tuple[bytes, ...]:
        sends = self._encoded.get(dialect)
        if sends is None:
            sends = self._encoded[dialect] = dialect.encode(self.event)
        return sends


class Audience:
    """The clients of this node that get one room's events, and the room's events in this pass."""

    __slots__ = ("events", "key", "members", "messages")

    def __init__(self, key: str) -> None:
        self.key = key  # the room's folded name; the room need not exist while clients only listen
        self.members: dict[Dialect, dict[Client, None]] = {}
        self.events: list[Published] = []
        self.messages = 0  # how many of the events are messages

    def add(self, client: Client) -> None:
        self.members.setdefault(client.dialect, {})[client] = None
        client.audiences.append(self)

    def remove(self, client: Client) -> None:
        members = self.members[client.dialect]
        del members[client]
        if not members:
            del self.members[client.dialect]
        client.audiences.remove(self)


def in_several(touched: Iterable[Audience]) -> set[Client]:
    """The clients in more than one of the rooms."""
    seen: set[Client] = set()
    twice: set[Client] = set()
    for audience in touched:
        for members in audience.members.values():
            if not seen.isdisjoint(members):
                twice |= seen.intersection(members)
            seen.update(members)
    return twice
