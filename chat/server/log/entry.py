"""An entry of the log: a request with its id, its time and the node that it came from.

The request is an IRC line with its source: `:ana!~ana@host PRIVMSG #lobby :hello`.
"""

from dataclasses import dataclass, field

from chat.wires.message import Message, parse


@dataclass(slots=True)
class Entry:
    """One request in its place. `id` grows with every entry; `at` (seconds since the epoch) never goes back."""

    id: int
    at: float
    node: str
    request: Message
    # The folded names of the rooms that were told, set by those rules whose request does not name its room. Of private
    # words, the two accounts' histories that show them.
    rooms: tuple[str, ...] = field(init=False, repr=False, compare=False)

    @property
    def line(self) -> str:
        """`ID TIME NODE LINE`, as an operator reads it. `parse_entry` is the inverse."""
        return f"{self.id:x} {self.at!r} {self.node} {self.request.line}"


def parse_entry(text: str) -> Entry:
    """The entry for a line of `Entry.line`. Raises WireError or ValueError for any other text."""
    number, at, node, line = text.split(" ", 3)
    return Entry(int(number, 16), float(at), node, parse(line))
