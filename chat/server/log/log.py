"""The interface of a log: requests go in, entries come out in one order.

An entry is a request with its id, its time and the node that it came from. The request is an IRC line with its source:
`:ana!~ana@host PRIVMSG #lobby :hello`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from chat.wires.message import Message, build, parse

if TYPE_CHECKING:
    from chat.server.core.state import Refusal, State
    from chat.server.log.query import History

Post = Callable[[Callable[[], None]], None]


class Apply(Protocol):
    """Takes an entry that comes later; with `refusal`, one that the log could not take after all."""

    def __call__(self, entry: "Entry", refusal: "Refusal | None" = None) -> None: ...


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
        request = self.request
        line = build(request.verb, *request.params, source=request.source, tags=request.tags)
        return f"{self.id:x} {self.at!r} {self.node} {line.decode()[:-2]}"


def parse_entry(text: str) -> Entry:
    """The entry for a line of `Entry.line`. Raises WireError or ValueError for any other text."""
    number, at, node, line = text.split(" ", 3)
    return Entry(int(number, 16), float(at), node, parse(line))


@dataclass(frozen=True, slots=True)
class Figures:
    """How a log does, in numbers. Since the start, but for the entries that wait."""

    waiting: int = 0  # entries that are not on disk yet
    oldest: float | None = None  # when the first of them was appended, in seconds since the epoch
    lost: int = 0  # entries that found the queue full
    commits: int = 0
    commit_seconds: float = 0.0
    error: str = ""  # why nothing can be written now


class Log(Protocol):
    """Only the loop's thread calls these: `restore`, `deliver`, `start` in this order, and at last `close`."""

    @property
    def history(self) -> "History | None":
        """What was said before, for a log that can be asked."""

    @property
    def rooms_remembered(self) -> int:
        """How many rooms stay known while nobody is in them."""

    def restore(self, state: "State") -> None:
        """Bring the new state to where the log ended, and have the users of then quit."""

    def deliver(self, apply: Apply) -> None:
        """Have later entries passed to `apply`, in the loop's thread, in their order."""

    def start(self, post: Post, failed: Callable[[str], None]) -> None:
        """The loop is about to run; `post` has it call something in its thread, `failed` ends it, with the reason."""

    def append(self, request: Message) -> Entry | None:
        """Give the request its place. None: the entry comes later, through the function given to `deliver`.

        Raises Refusal when the log can take nothing now.
        """

    def keep(self, entry: Entry) -> None:
        """The entry was applied and not refused: keep it for followers."""

    def status(self) -> str:
        """What of it is not safe, for the operator; empty for a log that keeps nothing. Any thread."""

    def figures(self) -> Figures:
        """As `status`, for a program."""

    def close(self) -> None:
        """Keep what is not kept yet; nothing more comes."""
