"""The ledgers of one window in this process, one for each node that its members are at, counted together.

A ledger for each node, so that what is read costs the same however many nodes there are.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import Protocol

from loadtest.core import stamps
from loadtest.core.completions import LocalCompletions
from loadtest.core.examine import Audience, Language
from loadtest.core.histogram import Histogram
from loadtest.core.ledger import Ledger
from loadtest.core.notices import NoticeLog
from loadtest.core.receiver import Receiver
from loadtest.core.slices import Slices
from loadtest.core.stamps import Stamps
from loadtest.core.statement import Statement, added, total
from loadtest.run.messages import Opening

_SO_FAR = ("duplicated", "reordered", "stray", "corrupt", "late")  # counts that are told while the window lasts
_UNPLANNED = 1 << 32  # messages of those whose number nobody knows beforehand: what a stamp can count


class Place(Protocol):
    """What the ledgers need of a member."""

    receiver: Receiver
    node: int  # that it is connected to: the place of its host among several


def sizes_of(members: Mapping[int, Place]) -> Counter[str]:
    """How many of them are in each room."""
    return Counter(member.receiver.room for member in members.values())


class Ledgers:
    """By node, from 0."""

    def __init__(
        self,
        run_id: str,
        opening: Opening,
        members: Mapping[int, Place],
        wanted: Stamps,
        late_after_ns: int,
        wire: Language | None,
    ) -> None:
        death = opening.death
        self.slices = Slices(opening.start_ns, opening.slice_ns)
        self._run_id, self._wanted, self._late_after_ns, self._wire = run_id, wanted, late_after_ns, wire
        self._others = Slices(opening.start_ns, opening.slice_ns) if death and death.node >= 0 else None
        self._notices = NoticeLog(stamps.nick_head(run_id), death.victims, death.at_ns) if death else None
        heard = {sender for sender, audience in self._audiences(opening, members).items() if audience.size}
        self._completions = LocalCompletions(
            lambda sender, number: sum(ledger.size(sender, number) for ledger in self.each), heard
        )
        self.each = [self._ledger(node, opening, members) for node in range(opening.nodes)]

    @property
    def fanout(self) -> Histogram:
        return self._sum("fanout")

    @property
    def leaves(self) -> Histogram:
        """The fan-out of what is said at leaving."""
        return reduce(added, (ledger.leaves.fanout for ledger in self.each))

    def growing(self) -> dict[str, Histogram]:
        """Latencies so far, by the name that a `Delta` has for them."""
        parts = ("within", "across") if len(self.each) > 1 else ()
        return {"receive_backlog": self._sum("waits"), **{name: self._sum(name) for name in ("fanout", *parts)}}

    def counts_so_far(self) -> dict[str, int]:
        return {name: self._count(name) for name in _SO_FAR}

    @property
    def delivered(self) -> int:
        return self._count("delivered")

    @property
    def leaves_delivered(self) -> int:
        return sum(ledger.leaves.delivered for ledger in self.each)

    @property
    def joined(self) -> int:
        """Users who came in the window."""
        return self._count("joined")

    @property
    def ended(self) -> int:
        return self._count("ended")

    def flush(self) -> None:
        """Count what was noted."""
        for ledger in self.each:
            ledger.flush()

    def due(self, sent: Mapping[int, int]) -> int:
        """As `Ledger.due`, over all nodes."""
        return sum(ledger.due(sent) for ledger in self.each)

    def under_way(self, sent: Mapping[int, int]) -> int:
        return sum(ledger.under_way(sent) for ledger in self.each)

    def take_completed(self) -> list[int]:
        """See `LocalCompletions.take_completed`."""
        return self._completions.take_completed()

    def statement(self, short: Mapping[int, int]) -> Statement:
        """What a `Statement` says of deliveries; `short` is as `Part.short`, of all processes."""
        return replace(
            total([self._stated(ledger, short) for ledger in self.each]),
            slices=self.slices.each(),
            others=self._others.each() if self._others else [],
            completed=self._completions.take_completed(),
            partial=self._completions.take_partial(),
            notices=self._notices.heard() if self._notices else None,
        )

    def _stated(self, ledger: Ledger, short: Mapping[int, int]) -> Statement:
        """What the receivers at one node had."""
        several = len(self.each) > 1
        return Statement(
            due=ledger.due(short),
            under_way=ledger.under_way(short),
            joined=ledger.joined,
            ended=ledger.ended,
            delivered=ledger.delivered,
            duplicated=ledger.duplicated,
            reordered=ledger.reordered,
            late=ledger.late,
            stray=ledger.stray,
            corrupt=ledger.corrupt,
            diverged=ledger.diverged,
            leaves_duplicated=ledger.leaves.duplicated,
            leaves=ledger.leaves.fanout,
            within=ledger.within,
            across=ledger.across,
            within_due=ledger.awaited(True, short) if several else 0,
            across_due=ledger.awaited(False, short) if several else 0,
            tenths=ledger.fairness.tenths,
            read=ledger.read,
            doubt=ledger.doubt,
            receive_backlog=ledger.waits,
            orders=ledger.orders(),
        )

    def _ledger(self, node: int, opening: Opening, members: Mapping[int, Place]) -> Ledger:
        """Of the members at one node."""
        here = {number: member for number, member in members.items() if member.node == node}
        near = {each.sender for each in opening.senders if each.node == node}
        return Ledger(
            self._wanted,
            self._late_after_ns,
            self._audiences(opening, here),
            self.slices,
            self._notices,
            self._wire,
            near if opening.nodes > 1 else None,
            self._completions,
            self._others if opening.death and opening.death.node != node else None,
        )

    def _audiences(self, opening: Opening, members: Mapping[int, Place]) -> dict[int, Audience]:
        """Who of these members should have what."""
        sizes = sizes_of(members)
        crowds = ((each.sender, each.room, each.leaves) for each in opening.crowds)
        return {sender: Audience(room, sizes[room], _UNPLANNED, leaves) for sender, room, leaves in crowds} | {
            each.sender: Audience(
                each.room,
                sizes[each.room] - (each.user in members),
                each.count,
                schedule=each.schedule(opening.start_ns),
                nick=stamps.nick_of(self._run_id, each.user),
                is_here=each.user in members,
            )
            for each in opening.senders
        }

    def _count(self, name: str) -> int:
        return sum(getattr(ledger, name) for ledger in self.each)

    def _sum(self, name: str) -> Histogram:
        """Of all nodes; of one it is its own."""
        several: list[Histogram] = [getattr(ledger, name) for ledger in self.each]
        return reduce(added, several)
