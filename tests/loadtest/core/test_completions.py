"""A message is complete with its last receiver, over however many processes; the first and the median are known too."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.core.completions import Completions, LocalCompletions
from loadtest.core.histogram import NEVER_US


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=4), min_size=1, max_size=5))
def test_the_first_the_median_and_the_last_receiver_are_found_however_the_times_come(pieces: list[list[int]]) -> None:
    times = sorted(ns * 1_000 for piece in pieces for ns in piece)
    local = LocalCompletions(lambda sender, number: len(times))
    for piece in pieces:
        assert local.take_completed() == []
        local.add(7, 3, 0, sorted(us * 1_000 for us in piece))
    median = times[(len(times) - 1) // 2]
    assert local.take_completed() == [7, 3, len(times), times[0] // 1_000, median // 1_000, times[-1] // 1_000]
    assert local.take_completed() == []


def test_a_clock_that_is_behind_gives_a_negative_time_and_it_is_kept() -> None:
    local = LocalCompletions(lambda sender, number: 1)
    local.add(0, 0, 5_000, [2_000])
    assert local.take_completed() == [0, 0, 1, -3, -3, -3]


@given(st.permutations([(0, 5), (0, 9), (1, 7), (2, 1), (2, 2), (2, 3)]))
def test_a_message_over_several_processes_is_complete_with_the_slowest(reports: list[tuple[int, int]]) -> None:
    completions = Completions({0: 2, 1: 1, 2: 3})
    for sender, us in reports:
        completions.add([sender, 0, 10, us, us, us])
    assert [h.count for h in (completions.first, completions.median, completions.last)] == [3, 3, 3]
    assert completions.first.total == 5 + 7 + 1
    assert completions.last.total == 9 + 7 + 3
    assert {size: h.count for size, h in completions.by_size.items()} == {20: 1, 10: 1, 30: 1}


@pytest.mark.parametrize(
    ("medians", "middle"), [([(4, 10), (8, 10), (9, 10)], 8), ([(4, 30), (8, 10), (9, 10)], 4), ([(2, 1), (6, 1)], 2)]
)
def test_the_median_of_several_processes_is_the_middle_one_by_receivers(
    medians: Sequence[tuple[int, int]], middle: int
) -> None:
    completions = Completions({0: len(medians)})
    for us, size in medians:
        completions.add([0, 0, size, 1, us, 99])
    assert completions.median.total == middle


@given(st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=9), min_size=1, max_size=5))
def test_the_median_over_processes_has_a_quarter_of_all_receivers_on_each_side(dealt: list[list[int]]) -> None:
    """However unfairly they are dealt out; and of one process it is the median itself."""
    completions = Completions({0: len(dealt)})
    for times in map(sorted, dealt):
        completions.add([0, 0, len(times), times[0], times[(len(times) - 1) // 2], times[-1]])
    times, median = sorted(time for part in dealt for time in part), completions.median.total
    assert 4 * sum(time <= median for time in times) >= len(times)
    assert 4 * sum(time >= median for time in times) >= len(times)
    assert len(dealt) > 1 or median == times[(len(times) - 1) // 2]


def test_a_message_that_one_process_never_completes_is_not_counted_as_complete() -> None:
    completions = Completions({0: 2})
    for number, us in ((0, 5), (1, 6), (1, 8)):
        completions.add([0, number, 1, us, us, us])
    assert (completions.last.count, completions.last.longest) == (1, 8)


def test_messages_of_a_sender_who_is_heard_nowhere_are_not_counted() -> None:
    completions = Completions({0: 0})
    completions.add([0, 0, 1, 5, 5, 5])
    assert completions.last.count == 0


def test_sizes_beyond_a_hundred_count_to_the_nearest_so_that_memory_is_bounded() -> None:
    completions = Completions({0: 1})
    for size in range(1_000, 1_200):
        completions.add([0, size, size, 1, 1, 1])
    assert len(completions.by_size) == 100
    assert completions.by_size[1_099].count == 101


def test_a_message_that_was_complete_is_not_again_when_somebody_came_or_went() -> None:
    sizes = [2]
    local = LocalCompletions(lambda sender, number: sizes[0])
    local.add(0, 0, 0, [1_000, 2_000])
    assert len(local.take_completed()) == 6
    sizes[0] = 1
    local.add(0, 0, 0, [9_000])
    local.look_again()
    assert local.take_completed() == local.take_partial() == []


def test_what_the_last_process_says_of_a_message_that_some_never_had_counts_where_it_is_known() -> None:
    completions = Completions({0: 1, 1: 2})
    completions.add([0, 0, 5, 7, 9, NEVER_US])
    completions.add([1, 0, 5, 3, 4, 5])
    completions.finish()
    assert (completions.first.count, completions.median.count, completions.last.count) == (2, 1, 0)


def test_of_a_message_that_some_have_the_first_and_the_median_are_known_where_so_many_have_it() -> None:
    local = LocalCompletions(lambda sender, number: 7)
    local.add(0, 1, 1_000_000, [3_000_000])
    local.add(0, 2, 1_000_000, [2_000_000, 4_000_000, 6_000_000])
    local.add(0, 3, 1_000_000, [2_000_000, 3_000_000, 4_000_000])
    local.add(0, 3, 1_000_000, [1_500_000, 9_000_000])
    assert local.take_partial() == [
        *(0, 1, 7, 2_000, NEVER_US, NEVER_US),
        *(0, 2, 7, 1_000, NEVER_US, NEVER_US),
        *(0, 3, 7, 500, 3_000, NEVER_US),
    ]
    assert local.take_partial() != [], "it is told and stays"


def test_only_so_many_messages_are_kept_in_mind_and_the_oldest_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.core.completions._PENDING", 3)
    local = LocalCompletions(lambda sender, number: 2)
    for number in range(4):
        local.add(0, number, 0, [1_000])
    for number in range(1, 4):
        local.add(0, number, 0, [2_000])
    assert local.take_completed()[1::6] == [1, 2, 3]
    whole = Completions({0: 2})
    for number in (0, 1, 2, 3, 3, 2, 1):
        whole.add([0, number, 1, 1, 1, 1])
    assert whole.last.count == 3
    whole.finish()
    assert (whole.first.count, whole.last.count) == (3, 3), "the oldest is not among them"
