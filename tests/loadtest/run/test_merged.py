"""However the users are dealt out to generator processes, the figures are those of one process that had them all."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.core.histogram import NEVER_US, Histogram
from loadtest.core.ledger import Ledger
from loadtest.core.receiver import Receiver, just
from loadtest.core.result import Figures
from loadtest.core.stamps import Stamp, Stamps
from loadtest.core.statement import total
from loadtest.net.connection import Connection
from loadtest.run.hosts import Hosts
from loadtest.run.part import Part, Show
from loadtest.run.settings import Settings
from loadtest.run.window import Window
from loadtest.scenarios.broadcast import Broadcast

RUN, ROOM = "deadbeef", "#load"
SIZE = 80  # bytes of a message
SECOND = 1_000_000_000  # ns
START_NS = time.monotonic_ns() + 3_600 * SECOND  # no sender comes to speak: the test says what was sent
MESSAGES = 4  # of each announcer
CHOICES = Settings(announcers=2, rate=float(MESSAGES), late_after=0.001)


def no_row(kind: str, name: str) -> Show:
    return lambda histogram: None


@dataclass
class Member:
    """A user without a socket: the test says what it reads, and when."""

    receiver: Receiver
    connection: Connection | None = None
    ledger: Ledger | None = None
    node: int = 0

    def send_words(self, room: str, words: str) -> bool:
        return False


@dataclass(frozen=True)
class Reading:
    """What one user reads: a message, so many microseconds after the one read before, by whomever."""

    user: int
    sender: int
    number: int
    pause_us: int


@st.composite
def courses(draw: st.DrawFn) -> tuple[int, int, list[Reading]]:
    """Users, processes, and who reads what in which order: also twice, out of order, or never."""
    users = draw(st.integers(2, 9))
    reading = st.builds(
        Reading, st.integers(0, users - 1), st.integers(0, 1), st.integers(0, MESSAGES - 1), st.integers(0, 2_000)
    )
    everything = [
        Reading(user, sender, number, 1) for number in range(MESSAGES) for sender in (0, 1) for user in range(users)
    ]
    readings = draw(st.one_of(st.lists(reading, max_size=60), st.permutations(everything)))
    return users, draw(st.integers(2, 4)), readings


def rooms_of(users: int, processes: int) -> list[dict[str, list[int]]]:
    """As the worker numbers them: they interleave. A process without a user has no room."""
    dealt = [list(range(rank, users, processes)) for rank in range(processes)]
    return [{ROOM: numbers} if numbers else {} for numbers in dealt]


def figures_of(users: int, processes: int, readings: Sequence[Reading], count: int = 1) -> Figures:
    """With `count` nodes that the users are spread over."""
    hosts = Hosts(tuple(f"irc://{node}" for node in range(count)))
    nodes = [[user for user in range(users) if hosts.node_of(user, processes) == node] for node in range(count)]
    window = Window(1, START_NS, START_NS + SECOND, rooms := rooms_of(users, processes), nodes)
    window.assign(Broadcast(CHOICES, users), lambda histogram: None)
    with ExitStack() as stack:
        parts, members = [], {}
        for mine in rooms:
            here: dict[int, Any] = {
                number: Member(Receiver(ROOM), node=hosts.node_of(number, processes)) for number in mine.get(ROOM, ())
            }
            part = stack.enter_context(closing(Part(RUN, CHOICES, here, no_row, window.opening(mine))))
            parts.append(part)
            members.update(here)
        for sender in (0, 1):
            parts[sender % processes].sent[sender] = MESSAGES
        for member, data, now_ns in heard(window, members, readings):
            member.ledger.receive(member.receiver, data, just(now_ns))
        whole = total([part.statement({}) for part in parts])
    window.sum_up(figures := Figures("broadcast", "there", nodes=count), whole)
    return figures


def heard(window: Window, members: dict[int, Any], readings: Sequence[Reading]) -> Iterator[tuple[Any, bytes, int]]:
    now_ns = window.end_ns
    schedules = {each.sender: each.schedule(window.start_ns) for each in window.opening({ROOM: []}).senders}
    for each in readings:
        now_ns += each.pause_us * 1_000
        intended_ns = schedules[each.sender].at(each.number)
        words = Stamps(RUN, window.number, SIZE).text(Stamp(each.sender, each.number, intended_ns))
        yield members[each.user], f":n!u@h PRIVMSG {ROOM} :{words}\r\n".encode(), now_ns


@settings(max_examples=40)
@given(courses(), st.integers(1, 3))
def test_the_statements_of_several_processes_and_nodes_add_up_to_that_of_one(
    course: tuple[int, int, list[Reading]], nodes: int
) -> None:
    users, processes, readings = course
    merged, one = figures_of(users, processes, readings, nodes), figures_of(users, 1, readings)
    for name in (
        "sent",
        "expected",
        "delivered",
        "lost",
        "under_way",
        "duplicated",
        "reordered",
        "late",
        "heard",
        "stray",
        "corrupt",
    ):
        assert getattr(merged, name) == getattr(one, name), name
    for name in ("fanout", "first", "complete", "complete_by_size", "over_time"):
        assert getattr(merged, name) == getattr(one, name), name
    # Over several processes it is the middle one of theirs; of a message that one of them never had it is not known.
    assert one.complete.count <= merged.median.count <= one.first.count
    if not one.lost:
        assert merged.median.count == one.median.count
    whole = Histogram()
    for part in (merged.within, merged.across):
        whole.merge(part)
    parts = (whole, merged.within_due + merged.across_due)
    assert parts == ((merged.fanout, merged.expected - merged.under_way) if nodes > 1 else (Histogram(), 0))


def test_what_is_within_a_node_and_across_nodes_is_told_apart_and_so_is_what_of_it_is_lost() -> None:
    """Users 0 and 3 are at the first of two nodes, 1 and 2 at the second; 0 and 1 speak, and 2 hears 0 once less."""
    readings = [
        Reading(user, sender, number, 1)
        for number in range(MESSAGES)
        for sender in (0, 1)
        for user in range(4)
        if user != sender and (user, sender, number) != (2, 0, 1)
    ]
    for processes in (1, 2):
        figures = figures_of(4, processes, readings, 2)
        assert (figures.within_due, figures.within.count) == (2 * MESSAGES, 2 * MESSAGES)
        assert (figures.across_due, figures.across.count) == (4 * MESSAGES, 4 * MESSAGES - 1)
        assert (figures.lost, figures.never_of(figures.within), figures.never_of(figures.across)) == (1, 0, 1)
        assert figures.across.percentile(100, figures.never_of(figures.across)) == NEVER_US


durations = st.lists(st.lists(st.integers(-5, 4_000_000_000), max_size=30), min_size=1, max_size=4)


@given(durations)
def test_histograms_that_were_sent_add_up_to_one_with_all_samples(
    dealt: list[list[int]],
) -> None:
    merged, one = Histogram(), Histogram()
    for samples in dealt:
        own = Histogram()
        for us in samples:
            own.add(us)
            one.add(us)
        merged.merge(Histogram.unpack(own.pack()))
    assert merged == one
