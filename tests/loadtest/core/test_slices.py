"""Latency over a window's time."""

from loadtest.core.slices import MOST, SLICE_NS, Slices, slice_ns

S = SLICE_NS


def test_a_slice_is_a_whole_number_of_seconds_and_there_are_never_too_many() -> None:
    assert [slice_ns(s * S) for s in (1, 120, 121, 3_600, 86_400)] == [S, S, 2 * S, 30 * S, 720 * S]
    for seconds in (1, 59, 120, 1_000, 100_000):
        assert -(-seconds * S // slice_ns(seconds * S)) <= MOST


def filled() -> Slices:
    slices = Slices(10 * S, S)
    for second, us in ((10, 100), (11, 200), (12, 300)):
        slices.at(second * S).add(us)
        slices.at((second + 1) * S - 1).add(us)
    return slices


def test_a_sample_belongs_to_the_slice_of_its_intended_moment() -> None:
    assert [filled().between(s * S, (s + 1) * S).longest for s in (10, 11, 12, 13)] == [100, 200, 300, 0]


def test_slices_between_two_moments_are_added_up() -> None:
    assert filled().between(10 * S, 12 * S).count == 4
    assert filled().between(0, 99 * S).count == 6


def test_slices_of_another_are_added_slice_by_slice() -> None:
    total = Slices(10 * S, S)
    total.merge(filled().each())
    total.merge(filled().each()[:1])
    assert [total.between(s * S, (s + 1) * S).count for s in (10, 11, 12)] == [4, 2, 2]


def test_what_lies_outside_the_window_still_counts_and_takes_bounded_memory() -> None:
    slices = Slices(10 * S, S)
    slices.at(0).add(1)
    slices.at(10**18).add(2)
    assert len(slices.each()) <= 2 * MOST + 1
    assert slices.between(10 * S, 10**18).count == 2


def test_the_end_of_the_last_slice_that_is_over() -> None:
    slices = Slices(10 * S, 2 * S)
    assert [slices.last_end(s * S) for s in (0, 10, 11, 12, 13, 14)] == [s * S for s in (10, 10, 10, 12, 12, 14)]
    assert slices.last_end(12 * S - 1) == 10 * S
    assert Slices(1, 1).last_end(0) == 1


def test_samples_before_the_end_of_a_slice() -> None:
    assert [filled().count_before(s * S) for s in (10, 11, 12, 13, 99)] == [0, 2, 4, 6, 6]
