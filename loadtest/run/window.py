"""One measured window, seen from the leader: who is in which room, who speaks, what adds up. Sends nothing."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from loadtest.core.completions import Completions
from loadtest.core.histogram import Histogram
from loadtest.core.order import across
from loadtest.core.result import Figures, costs
from loadtest.core.slices import Slices, slice_ns
from loadtest.core.statement import Sample, Statement, worst
from loadtest.run.messages import Crowd, Opening, SenderPlan, Status

_EVER = 1 << 63  # ns: no clock gets there
_COUNTS = (
    *("under_way", "joined", "delivered", "duplicated", "reordered", "late"),
    *("stray", "corrupt", "diverged", "within_due", "across_due"),
)
_HISTOGRAMS = ("within", "across", "read", "doubt", "collections", "send_lateness", "loop_lag", "receive_backlog")
Rooms = Mapping[str, Sequence[int]]  # the users in each room


@dataclass(frozen=True, slots=True)
class Speaker:
    """One user's schedule in a window: the first message after `first_s`, then one every `interval_s`."""

    user: int
    room: str
    first_s: float
    interval_s: float


class Senders(Protocol):
    """What is needed of a scenario."""

    def speakers(self, members: Rooms) -> list[Speaker]: ...
    def times_of(
        self, speakers: Sequence[Speaker], window: int, length_s: float
    ) -> tuple[list[list[float]], dict[int, list[int]]]: ...


class Window:
    """`parts` is what each process said of its own users; their figures are added up under the same window number."""

    def __init__(
        self, number: int, start_ns: int, end_ns: int, parts: Sequence[Rooms], nodes: Sequence[Sequence[int]] = ()
    ) -> None:
        """`nodes` are the users at each of several nodes."""
        self.number = number
        self._nodes = len(nodes) or 1
        self._node_of = {user: node for node, users in enumerate(nodes) for user in users}
        self.rooms: dict[str, list[int]] = {}
        for part in parts:
            for room, users in part.items():
                self.rooms.setdefault(room, []).extend(users)
        for users in self.rooms.values():
            users.sort()
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.slice_ns = slice_ns(end_ns - start_ns)
        self.slices = Slices(start_ns, self.slice_ns)  # filled as the processes state theirs
        self.others = Slices(start_ns, self.slice_ns)  # of the users of other nodes than the one that dies
        self.lags = Slices(start_ns, self.slice_ns)  # the generator's loop lag, likewise
        self._parts = parts
        self._senders: list[SenderPlan] = []
        self._sizes: dict[int, list[int]] = {}  # of messages, by sender, where they differ
        self._crowds: list[Crowd] = []
        self._holders = [{room: set(users) for room, users in part.items()} for part in parts]
        self._parts_with: dict[int, int] = {}  # for each sender of messages: in how many processes it is heard
        self._completions = Completions({})
        self._show: Callable[[Histogram], None] = lambda histogram: None

    @property
    def users(self) -> int:
        return sum(map(len, self.rooms.values()))

    def assign(self, scenario: Senders, show: Callable[[Histogram], None]) -> None:
        """Number the speakers, and count each one's messages: those whose intended time is within the window.

        `show` is called as messages are completed.
        """
        length_s = (self.end_ns - self.start_ns) / 1e9
        speakers = scenario.speakers(self.rooms)
        times, self._sizes = scenario.times_of(speakers, self.number, length_s)
        for sender, speaker in enumerate(speakers):
            first_ns, interval_ns = round(speaker.first_s * 1e9), max(1, round(speaker.interval_s * 1e9))
            listed = [round(at_s * 1e9) for at_s in times[sender]] if times else []
            count = max(0, ceil(round((length_s - speaker.first_s) / speaker.interval_s, 6)))  # 3/s in 1 s are 3
            count = len(listed) if times else count
            node = self._node_of.get(speaker.user, 0)
            plan = SenderPlan(sender, speaker.user, speaker.room, first_ns, interval_ns, count, listed, node)
            self._senders.append(plan)
            self._parts_with[sender] = sum(1 for rooms in self._holders if rooms.get(plan.room, set()) - {plan.user})
        self._completions = Completions(self._parts_with)
        self._show = show

    def add_crowds(self, room: str) -> list[tuple[int, int]]:
        """Have users heard in a room who are no members: they come and go, and no order among them is promised.

        For each process, in the processes' order: the number of the sender of what they say, and of their leaves.
        """
        crowds = []
        for _ in self._parts:
            says = len(self._senders) + len(self._crowds)
            leaves = says + 1
            self._crowds += [Crowd(says, room, False), Crowd(leaves, room, True)]
            self._parts_with[says] = sum(1 for rooms in self._holders if rooms.get(room))
            crowds.append((says, leaves))
        return crowds

    def opening(self, part: Rooms) -> Opening:
        """What a process with these rooms must know: the senders that it has, or whom its users hear."""
        return Opening(
            self.number,
            self.start_ns,
            self.end_ns,
            self.slice_ns,
            [each for each in self._senders if each.room in part],
            self._crowds,
            self._sizes,
            nodes=self._nodes,
        )

    def crowd_due(self, said: Mapping[str, int]) -> int:
        """Deliveries due of what a crowd has said in each room, or of who of it left: one for each member."""
        return sum(count * len(self.rooms[room]) for room, count in said.items())

    def is_drained(self, states: Sequence[Status]) -> bool:
        """Whether all has arrived that was sent, by what the processes say."""
        due = sum(each.due + self.crowd_due(each.crowd_sent) + self.crowd_due(each.crowd_left) for each in states)
        return sum(each.delivered + each.leaves_delivered for each in states) >= due

    @property
    def complete_so_far(self) -> Histogram:
        """Until a message's last receiver had it."""
        return self._completions.last

    def complete(self, completed: list[int]) -> None:
        """Take a process's completed messages."""
        self._completions.add(completed)
        self._show(self._completions.last)

    def sum_up(self, figures: Figures, whole: Statement, server: Sequence[Sample] = ()) -> None:
        """Add what all processes state to the figures of a run, and what was sampled of the server meanwhile."""
        figures.duration_s += (self.end_ns - self.start_ns) / 1e9
        figures.sent += sum(whole.sent.values()) + sum(whole.crowd_sent.values())
        figures.expected += whole.due + self.crowd_due(whole.crowd_sent)
        figures.left += whole.ended - sum(whole.dropped.values())
        figures.heard += sum(count for sender, count in whole.sent.items() if self._parts_with.get(sender))
        figures.heard += sum(count for room, count in whole.crowd_sent.items() if self.rooms.get(room))
        for name in _COUNTS:
            setattr(figures, name, getattr(figures, name) + getattr(whole, name))
        for name in _HISTOGRAMS:
            getattr(figures, name).merge(getattr(whole, name))
        for tenth, more in zip(figures.tenths, whole.tenths, strict=True):
            tenth.merge(more)
        figures.cpu_percent = max(figures.cpu_percent, whole.cpu_percent)
        figures.stood_still_us = max(figures.stood_still_us, whole.stood_still_us)
        figures.machine = worst(figures.machine, whole.machine)
        figures.dropped = dict(Counter(figures.dropped) + Counter(whole.dropped))
        self.slices.merge(whole.slices)
        self.others.merge(whole.others)
        self.lags.merge(whole.lags)
        figures.fanout.merge(self.slices.between(self.start_ns, _EVER))  # a guest who is late speaks after the end
        for room in {room for room, *_ in whole.orders}:
            figures.diverged += across([(order, heard) for name, order, heard in whole.orders if name == room])
        self._completions.add(whole.completed)
        self._completions.add(whole.partial)
        self._completions.finish()
        self._sum_up_completions(figures)
        self._add_timeline(figures, whole.usage, server)

    def _add_timeline(self, figures: Figures, generator: Sequence[Sequence[Sample]], server: Sequence[Sample]) -> None:
        """A slice in which nobody had anything to say has its place too; one that was never reached has none."""
        histograms = self.slices.each()
        count = max(map(len, (histograms, server, *generator)))
        histograms += [Histogram() for _ in range(count - len(histograms))]
        began_s, slice_s = (self.start_ns - figures.began_ns) / 1e9, self.slice_ns / 1e9
        figures.over_time += [(round(began_s + n * slice_s, 3), each) for n, each in enumerate(histograms)]
        figures.costs += costs(generator, server, count)

    def _sum_up_completions(self, figures: Figures) -> None:
        completions = self._completions
        figures.first.merge(completions.first)
        figures.median.merge(completions.median)
        figures.complete.merge(completions.last)
        for size, histogram in completions.by_size.items():
            figures.complete_by_size.setdefault(size, Histogram()).merge(histogram)
