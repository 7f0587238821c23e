"""Clocks of other hosts are compared by the quickest of many round trips, and how far off they may be is known."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.clocks import Clocks, Trip, clock_id

US = 1_000


@given(st.integers(-(10**15), 10**15), st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1))
def test_the_true_offset_is_within_the_error_whatever_the_way_takes(offset: int, ways: list[tuple[int, int]]) -> None:
    clocks = Clocks(("here", "there"), own="here")
    trips, now = [], 5_000_000
    for there, back in ways:
        trips.append(("there", Trip(now, now + there + offset, now + there + back)))
        now += there + back + 1_000
    clocks.compare(trips)
    assert abs(clocks.offset_ns("there") - offset) <= clocks.error_us() * US
    assert clocks.error_us() <= -(-min(map(sum, ways)) // 2 // US) + 1


def test_processes_that_share_one_clock_are_not_compared_whichever_it_is() -> None:
    for own in ("one", "leader"):
        assert Clocks(("one", "one"), own=own).error_us() == 0


def test_the_two_worst_clocks_make_the_error() -> None:
    clocks = Clocks(("here", "near", "far"), own="here")
    clocks.compare([("near", Trip(0, 50, 100 * US)), ("far", Trip(0, 50, 600 * US)), ("here", Trip(0, 0, 10**9))])
    assert clocks.error_us() == 50 + 300


def test_a_drift_between_two_comparisons_is_an_error_too() -> None:
    clocks = Clocks(("here", "there"), own="here")
    clocks.compare([("there", Trip(0, 50 * US, 100 * US))])
    clocks.compare([("there", Trip(0, 750 * US, 100 * US))])
    assert clocks.offset_ns("there") == 0
    assert clocks.error_us() == 700 + 50


def test_a_process_in_another_time_namespace_has_another_clock_although_it_is_on_the_same_host() -> None:
    ask = [sys.executable, "-c", "from loadtest.clocks import clock_id; print(clock_id())"]
    assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip() == clock_id()
    apart = subprocess.run(["unshare", "--time", "--monotonic", "9000", *ask], capture_output=True, text=True)
    if apart.returncode:
        pytest.skip("no right to make a time namespace")
    assert apart.stdout.strip() != clock_id()
