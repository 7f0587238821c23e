"""Any sample is found again within 1 %, and adding histograms is the same as taking all samples with one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.core.histogram import BUCKETS, LONGEST_US, NEVER_US, Histogram, bucket_of, floor_of, middle_of

durations = st.integers(0, LONGEST_US)
samples = st.lists(durations, min_size=1, max_size=60)
percents = st.sampled_from([0, 1, 50, 90, 99, 99.9, 100])


def histogram(us: list[int]) -> Histogram:
    taken = Histogram()
    for each in us:
        taken.add(each)
    return taken


@given(durations)
def test_a_duration_lies_in_its_bucket_which_is_at_most_one_percent_wide(us: int) -> None:
    low, high = floor_of(bucket_of(us)), floor_of(bucket_of(us) + 1)
    assert low <= us < high
    assert high - low <= max(1, us / 100)


def test_buckets_follow_one_another_without_gap_up_to_an_hour() -> None:
    assert [bucket_of(floor_of(bucket)) for bucket in range(BUCKETS)] == list(range(BUCKETS))


@given(samples, percents)
def test_a_percentile_is_within_one_percent_of_the_sample_at_its_rank(us: list[int], percent: float) -> None:
    exact = sorted(us)[max(1, math.ceil(round(len(us) * percent / 100, 6))) - 1]
    assert abs(histogram(us).percentile(percent) - exact) <= exact / 100


@given(samples, samples)
def test_merging_is_the_same_as_taking_all_samples_with_one(one: list[int], other: list[int]) -> None:
    merged = histogram(one)
    merged.merge(histogram(other))
    assert merged == histogram(one + other)
    assert (merged.count, merged.total) == (len(one + other), sum(one + other))
    assert (merged.shortest, merged.longest) == (min(one + other), max(one + other))


@given(samples)
def test_what_is_packed_unpacks_to_the_same(us: list[int]) -> None:
    taken = histogram(us)
    assert Histogram.unpack(taken.pack()) == taken


@given(st.lists(st.integers(0, LONGEST_US * 1000), max_size=60), st.integers(0, 10**9))
def test_sorted_ends_are_counted_as_each_of_them_would_be(waits_ns: list[int], start_ns: int) -> None:
    bulk = Histogram()
    bulk.add_sorted(sorted(start_ns + wait for wait in waits_ns), start_ns)
    one_by_one = histogram([wait // 1000 for wait in waits_ns])
    assert bulk.counts == one_by_one.counts
    assert (bulk.count, bulk.shortest, bulk.longest) == (
        one_by_one.count,
        one_by_one.shortest,
        one_by_one.longest,
    )


def test_an_empty_histogram_has_percentile_zero_and_merges_into_nothing() -> None:
    empty, one = Histogram(), histogram([7])
    assert empty.percentile(50) == 0
    one.merge(empty)
    assert one == histogram([7])


@pytest.mark.parametrize("us", [LONGEST_US + 1, LONGEST_US * 1000])
def test_more_than_an_hour_is_counted_in_the_last_bucket_and_kept_as_the_longest(us: int) -> None:
    taken, bulk = histogram([us]), Histogram()
    bulk.add_sorted([us * 1000], 0)
    assert taken.counts[BUCKETS - 1] == bulk.counts[BUCKETS - 1] == 1
    assert taken.longest == bulk.longest == us


def test_a_time_before_the_start_counts_as_zero() -> None:
    bulk = Histogram()
    bulk.add_sorted([900_000, 1_000_000, 3_000_000], 1_000_000)
    assert (bulk.counts[0], bulk.counts[bucket_of(2_000)], bulk.shortest) == (2, 1, 0)


def test_a_percentile_of_many_samples_has_no_float_dust() -> None:
    """0.999 × 41,000 is a hair more than 40,959 as a float."""
    taken = Histogram()
    taken.add(100, 40_959)
    taken.add(200, 41)
    assert (taken.percentile(99.9), taken.percentile(99.901)) == (100, 200)


def test_what_never_came_counts_as_infinitely_late_in_every_percentile() -> None:
    taken = histogram([100] * 90)
    assert [taken.percentile(percent, never=10) for percent in (50, 90, 90.1, 100)] == [100, 100, NEVER_US, NEVER_US]
    assert taken.figures(never=10) == {
        "count": 90,
        "p50": 100,
        "p90": 100,
        "p99": NEVER_US,
        "p999": NEVER_US,
        "max": NEVER_US,
    }
    assert Histogram().percentile(50, never=1) == NEVER_US


def test_both_of_two_twins_count_what_is_before_the_start_and_beyond_the_hour() -> None:
    one, twin = histogram([0, LONGEST_US]), histogram([0, LONGEST_US])
    ends = [1_000, 2_000, 5_000_000, 5_000_000 + LONGEST_US * 1_000 + 1_000, 2 * LONGEST_US * 1_000]
    one.add_sorted(ends, 5_000_000, twin)
    assert one == twin
    assert (one.counts[0], one.counts[BUCKETS - 1], one.count) == (1 + 3, 1 + 2, 7)


def test_every_figure_is_the_percentile_of_its_name() -> None:
    hundreds = [number // 10 for number in range(2_000)]  # ten of each up to 199 µs, where every one has its bucket
    hundreds[-1], hundreds[-2] = 255, 254
    assert histogram(hundreds).figures() == {"count": 2_000, "p50": 99, "p90": 179, "p99": 197, "p999": 199, "max": 255}


def test_a_histogram_is_no_key_because_it_changes() -> None:
    with pytest.raises(TypeError, match=r"^a histogram changes$"):
        hash(Histogram())


def test_the_highest_percentile_is_the_longest_and_not_the_middle_of_its_bucket() -> None:
    histogram = Histogram()
    for us in (200_000, 222_150):
        histogram.add(us)
    assert histogram.percentile(100) == histogram.figures()["max"] == 222_150
    assert histogram.percentile(99) == 222_150
    assert histogram.percentile(50) == middle_of(bucket_of(200_000))
    assert (histogram.percentile(50, never=2), histogram.percentile(75, never=2)) == (222_150, NEVER_US)
