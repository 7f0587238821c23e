"""The interface of a log: requests go in, entries come out in one order.

An entry is a request with its id, its time and the node that it came from. The request is an IRC line with its source:
`:ana!~ana@host PRIVMSG #lobby :hello`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chat.wires.message import Message, build, parse

Apply = Callable[["Entry"], None]


@dataclass(slots=True)
class Entry:
    """One request in its place. `id` grows with every entry; `at` (seconds since the epoch) never goes back."""

    id: int
    at: float
    node: str
    request: Message

    @property
    def line(self) -> str:
        """`ID TIME NODE LINE`, as an operator reads it. `parse_entry` is the inverse."""
        request = self.request
        line = build(request.verb, *request.params, source=request.source, tags=request.tags)
        return f"{self.id:x} {self.at!r} {self.node} {line.decode()[:-2]}"


def parse_entry(text: str) -> Entry:
    """The entry for a line of `Entry.line`. Raises WireError or ValueError for any other text."""
    number, at, node, line = text.split(" ", 3)
    return Entry(int(number, 16), float(at), node, parse(line))


class Log(Protocol):
    """The loop's thread only."""

    def append(self, request: Message) -> Entry | None:
        """Give the request its place. None: the entry comes later, through the function given to `deliver`."""

    def keep(self, entry: Entry) -> None:
        """The entry was applied and not refused: keep it for followers."""

    def deliver(self, apply: Apply) -> None:
        """Have later entries passed to `apply`, in the loop's thread, in their order."""
