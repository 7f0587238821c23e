"""An entry of the log: a request with its id, its time, and the node and the user that it came from.

The request is an IRC line with its source: `:ana!~ana@host PRIVMSG #lobby :hello`. The source is what the user was
called then, and another may be called so by now. So the entry has the user's number too: the id of its USER entry.
"""

from dataclasses import dataclass, field

from chat.wires.message import Message, parse

NOBODY = 0  # asks for what no user does: an operator at a shell, a node, a newcomer
BY_NAME = -1  # of entries older than users' numbers: the user of that node whose nickname the source has


@dataclass(slots=True)
class Entry:
    """One request in its place. `id` grows with every entry; `at` is its time, in seconds since the epoch."""

    id: int
    at: float
    node: str
    user: int  # the `id` of who asks, or NOBODY, or BY_NAME
    request: Message
    # The folded names of the rooms that were told, set by those rules whose request does not name its room. Of private
    # words, the two accounts' histories that show them.
    rooms: tuple[str, ...] = field(init=False, repr=False, compare=False)

    @property
    def line(self) -> str:
        """`ID TIME NODE USER LINE`, as an operator reads it. `parse_entry` is the inverse."""
        return f"{self.id:x} {self.at!r} {self.node} {self.user:x} {self.request.line}"


def parse_entry(text: str) -> Entry:
    """The entry for a line of `Entry.line`. Raises WireError or ValueError for any other text."""
    number, at, node, user, line = text.split(" ", 4)
    return Entry(int(number, 16), float(at), node, int(user, 16), parse(line))
