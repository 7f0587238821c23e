"""Users who have gone or have another nickname now, for WHOWAS. In memory, and of this node's time only."""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from chat.events import Person
from chat.wires.names import fold

MOST = 2_000  # past users; 1 MB
MOST_OF_A_NAME = 10


class PastUser(NamedTuple):
    person: Person
    realname: str
    address: str
    at: float  # when it was last seen under that name, in seconds since the epoch


class PastUsers:
    """Noting one is an append, since thousands may quit at once; a look goes through all."""

    def __init__(self) -> None:
        self.seen: deque[tuple[Person, str, str, float]] = deque(maxlen=MOST)  # oldest first

    def find(self, nick: str, count: int = 0) -> list[PastUser]:
        """The newest first; `count` of them at most, 0 for as many as are shown."""
        most = min(count, MOST_OF_A_NAME) if count > 0 else MOST_OF_A_NAME
        return list(islice(self._all(fold(nick)), most))

    def _all(self, key: str) -> Iterator[PastUser]:
        return (PastUser(*one) for one in reversed(self.seen) if fold(one[0].nick) == key)
