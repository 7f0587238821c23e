"""Questions to the history: entries of one room, between two ids."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chat.server.log.entry import Entry


@dataclass(frozen=True, slots=True)
class Query:
    """Up to `limit` of a room's entries whose ids are more than `after` and less than `before`."""

    room: str  # folded
    after: int
    before: int
    limit: int
    newest: bool  # the last of them, or the first; in their order anyway
    everything: bool = False  # comings and goings, topics and modes too, not only words


@dataclass(frozen=True, slots=True)
class TalksQuery:
    """With whom an account has talked: of each, the newest entry between two ids. Entries have `rooms` set."""

    account: str  # folded
    after: int
    before: int
    limit: int  # of partners
    newest: bool = False  # those with the last of these entries, or with the first


Show = Callable[[Sequence[Entry]], list[bytes]]  # called in the reader's thread: touches nothing of the loop's
Answered = Callable[[list[bytes] | None], None]  # called in the loop's thread; None when the file cannot be read


class History(Protocol):
    """The loop's thread only."""

    newest: int  # the id of the entry that was applied last

    def ask(self, queries: Sequence[Query | TalksQuery], show: Show, answered: Answered) -> None:
        """Have the entries of all queries, in the order of their ids, shown in another thread."""
