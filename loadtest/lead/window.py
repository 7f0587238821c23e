"""One measured window, seen from the conductor: who is in which room, who speaks, what adds up. Sends nothing."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

from loadtest.accounting.completions import Completions
from loadtest.accounting.histogram import Histogram
from loadtest.accounting.order import across
from loadtest.accounting.slices import Slices, slice_ns
from loadtest.judge.verdict import Figures
from loadtest.scenarios import Scenario
from loadtest.watch.machine import worst
from loadtest.watch.resources import Sample, costs

_EVER = 1 << 63  # ns: no clock of ours gets there
Rooms = Mapping[str, Sequence[int]]  # the users in each room


class Window:
    """`parts` is what each process said of its own users; their figures are added up under the same window number."""

    def __init__(self, number: int, start_ns: int, end_ns: int, parts: Sequence[Rooms]) -> None:
        self.number = number
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
        self.lags = Slices(start_ns, self.slice_ns)  # the generator's loop lag, likewise
        self._parts = parts
        self._speakers: list[tuple[int, int, str, int, int, int, list[int]]] = []
        self._sizes: dict[int, list[int]] = {}  # of messages, by sender, where they differ
        self._crowds: list[tuple[int, str, bool]] = []
        self._holders = [{room: set(users) for room, users in part.items()} for part in parts]
        self._parts_with: dict[int, int] = {}  # for each sender of messages: in how many processes it is heard
        self._completions = Completions({})
        self._show: Callable[[Histogram], None] = lambda histogram: None

    @property
    def users(self) -> int:
        return sum(map(len, self.rooms.values()))

    def cast(self, scenario: Scenario, show: Callable[[Histogram], None]) -> None:
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
            self._speakers.append((sender, speaker.user, speaker.room, first_ns, interval_ns, count, listed))
        for sender, user, room, *_ in self._speakers:
            self._parts_with[sender] = sum(1 for rooms in self._holders if rooms.get(room, set()) - {user})
        self._completions = Completions(self._parts_with)
        self._show = show

    def add_crowds(self, room: str) -> list[tuple[int, int]]:
        """Have users heard in a room who are no members: they come and go, and no order among them is promised.

        For each process, in the processes' order: the number of the sender of what they say, and of their leaves.
        """
        crowds = []
        for _ in self._parts:
            says = len(self._speakers) + len(self._crowds)
            leaves = says + 1
            self._crowds += [(says, room, False), (leaves, room, True)]
            self._parts_with[says] = sum(1 for rooms in self._holders if rooms.get(room))
            crowds.append((says, leaves))
        return crowds

    def orders(self, part: Rooms) -> dict[str, Any]:
        """What a process with these rooms must know: the speakers that it has, or whom its users hear."""
        return {
            "number": self.number,
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
            "slice_ns": self.slice_ns,
            "speakers": [speaker for speaker in self._speakers if speaker[2] in part],
            "crowds": self._crowds,
            "sizes": [[sender, sizes] for sender, sizes in self._sizes.items()],
        }

    def crowd_due(self, said: Mapping[str, int]) -> int:
        """Deliveries due of what a crowd has said in each room, or of who of it left: one for each member."""
        return sum(count * len(self.rooms[room]) for room, count in said.items())

    def is_drained(self, states: Sequence[Mapping[str, Any]]) -> bool:
        """Whether all has arrived that was sent, by what the processes say."""
        due: int = sum(
            state["due"] + self.crowd_due(state["crowd_sent"]) + self.crowd_due(state["crowd_left"]) for state in states
        )
        arrived: int = sum(state["delivered"] + state["told"] for state in states)
        return arrived >= due

    @property
    def complete_so_far(self) -> Histogram:
        """Until a message's last receiver had it."""
        return self._completions.last

    def complete(self, completed: list[int]) -> None:
        """Take a process's completed messages."""
        self._completions.add(completed)
        self._show(self._completions.last)

    def sum_up(self, figures: Figures, statements: Sequence[Mapping[str, Any]], server: Sequence[Sample] = ()) -> None:
        """Add what the processes state to the figures of a run, and what was sampled of the server meanwhile."""
        figures.duration_s += (self.end_ns - self.start_ns) / 1e9
        dropped = Counter(figures.dropped)
        for part in statements:
            figures.sent += part["sent"] + sum(part["crowd_sent"].values())
            figures.expected += part["due"] + self.crowd_due(part["crowd_sent"])
            figures.under_way += part["under_way"]
            figures.joined += part["joined"]
            figures.left += part["ended"] - sum(part["dropped"].values())
            figures.delivered += part["delivered"]
            figures.duplicated += part["duplicated"]
            figures.reordered += part["reordered"]
            figures.late += part["late"]
            for name in ("stray", "corrupt", "diverged"):
                setattr(figures, name, getattr(figures, name) + part[name])
            figures.heard += sum(count for sender, count in part["sent_by"] if self._parts_with.get(sender))
            figures.heard += sum(count for room, count in part["crowd_sent"].items() if self.rooms.get(room))
            self._completions.add(part["completed"])
            self._completions.add(part["partial"])
            self.slices.merge(part["slices"])
            self.lags.merge(part["lags"])
            for tenth, packed in zip(figures.tenths, part["tenths"], strict=True):
                tenth.merge(Histogram.unpack(packed))
            for name in ("read", "doubt", "collections"):
                getattr(figures, name).merge(Histogram.unpack(part[name]))
            figures.send_lateness.merge(Histogram.unpack(part["send_lateness"]))
            figures.loop_lag.merge(Histogram.unpack(part["loop_lag"]))
            figures.receive_backlog.merge(Histogram.unpack(part["receive_backlog"]))
            figures.cpu_percent = max(figures.cpu_percent, part["cpu_percent"])
            figures.stood_still_us = max(figures.stood_still_us, part["stood_still_us"])
            figures.machine = worst(figures.machine, part["machine"])
            dropped.update(part["dropped"])
        figures.dropped = dict(dropped)
        figures.fanout.merge(self.slices.between(self.start_ns, _EVER))  # a guest who is late speaks after the end
        for room in {room for part in statements for room in part["orders"]}:
            figures.diverged += across([part["orders"][room] for part in statements if room in part["orders"]])
        self._completions.finish()
        self._sum_up_completions(figures)
        self._add_timeline(figures, [part["usage"] for part in statements], server)

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
