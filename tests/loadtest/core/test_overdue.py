"""What is overdue is lost so far; what is on its way is not."""

from collections.abc import Mapping

from loadtest.core.schedules import Schedule
from loadtest.core.slices import SLICE_NS, Overdue, Slices

SECOND = SLICE_NS
RECEIVERS = 10


class Members:
    """Who is there: so many receivers of everything, of whom some have gone before some of it came."""

    joined = 0
    ended = 0

    def due(self, sent: Mapping[int, int]) -> int:
        return RECEIVERS * sum(sent.values())

    def under_way(self, sent: Mapping[int, int]) -> int:
        return self.ended * sum(sent.values())


def overdue(slices: Slices, *schedules: Schedule, members: Members | None = None) -> Overdue:
    return Overdue(dict(enumerate(schedules)), SECOND, slices, members or Members())


def deliver(slices: Slices, at_ns: int, count: int) -> None:
    slices.at(at_ns).add(5, count)


def test_nothing_is_overdue_before_a_slice_is_over_and_late() -> None:
    one = overdue(Slices(0, SECOND), Schedule(0, SECOND // 4, 100))
    assert [one.count(round(s * SECOND), {}) for s in (-1, 0, 1, 1.9)] == [0, 0, 0, 0]
    assert one.count(2 * SECOND, {}) == 4 * RECEIVERS
    assert one.count(3 * SECOND, {}) == 8 * RECEIVERS


def test_only_the_deliveries_of_those_slices_count_against_it() -> None:
    slices = Slices(0, SECOND)
    one = overdue(slices, Schedule(SECOND // 8, SECOND // 4, 100), Schedule(0, SECOND, 2))
    deliver(slices, 0, 45)
    deliver(slices, SECOND, 1000)  # of messages that are not late yet: they hide nothing
    assert one.count(2 * SECOND, {}) == 5
    deliver(slices, SECOND - 1, 5)
    assert one.count(2 * SECOND, {}) == 0


def test_a_schedule_ends() -> None:
    one = overdue(Slices(0, SECOND), Schedule(0, SECOND, 3))
    assert one.count(90 * SECOND, {}) == 3 * RECEIVERS


def test_a_sender_who_is_behind_leaves_it_open() -> None:
    one = overdue(Slices(0, SECOND), Schedule(0, SECOND // 4, 100))
    assert one.count(2 * SECOND, {0: 3}) is None
    assert one.count(2 * SECOND, {0: 4}) == 4 * RECEIVERS


def test_what_was_under_way_to_those_who_went_is_not_overdue() -> None:
    members = Members()
    one = overdue(Slices(0, SECOND), Schedule(0, SECOND // 4, 100), members=members)
    assert one.count(2 * SECOND, {}) == 4 * RECEIVERS
    members.ended = 1
    assert one.count(2 * SECOND, {}) == 4 * (RECEIVERS - 1)
