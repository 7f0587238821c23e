"""The interface of a log: requests go in, entries come out in one order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from chat.server.log.entry import Entry
from chat.server.log.query import History
from chat.wires.message import Message

if TYPE_CHECKING:
    from chat.server.core.state import Refusal, State

Post = Callable[[Callable[[], None]], None]


class Apply(Protocol):
    """Takes an entry that comes later; with `refusal`, one that the log could not take after all."""

    def __call__(self, entry: Entry, refusal: "Refusal | None" = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Figures:
    """How a log does, in numbers. Since the start, but for the entries that wait."""

    waiting: int = 0  # entries that are not on disk yet
    oldest: float | None = None  # when the first of them was appended, in seconds since the epoch
    lost: int = 0  # entries that found the queue full
    commits: int = 0
    commit_seconds: float = 0.0
    error: str = ""  # why nothing can be written now
    shared: tuple[int, int] = (0, 0)  # entries in a log that servers share, and bytes of its store's memory


class Log(Protocol):
    """Only the loop's thread calls these: `restore`, `deliver`, `start` in this order, and at last `close`."""

    @property
    def history(self) -> History | None:
        """The history, for a log that can be asked."""

    @property
    def rooms_remembered(self) -> int:
        """How many rooms stay known while nobody is in them."""

    def restore(self, state: "State") -> None:
        """Bring the new state to where the log ended, and have the users of then quit."""

    def deliver(self, apply: Apply) -> None:
        """Have later entries passed to `apply`, in the loop's thread, in their order."""

    def start(self, post: Post, failed: Callable[[str], None]) -> None:
        """The loop is about to run; `post` has it call something in its thread, `failed` ends it, with the reason."""

    def append(self, user: int, request: Message) -> Entry | None:
        """Give the request of that user, or of NOBODY, its place.

        None: the entry comes later, through the function given to `deliver`.

        Raises Refusal when the log can take nothing now.
        """

    def keep(self, entry: Entry) -> None:
        """The entry was applied and not refused: keep it for followers."""

    def status(self) -> str:
        """One line for the operator about entries that are not safe; empty for a log that keeps nothing. Any thread."""

    def figures(self) -> Figures:
        """As `status`, for a program."""

    def close(self) -> None:
        """Keep what is not kept yet; nothing more comes."""
