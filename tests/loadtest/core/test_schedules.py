"""Every moment of a schedule is fixed, seeded and within its window, so that accounts are exact."""

from itertools import pairwise
from math import ceil
from pathlib import Path
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import SetupError
from loadtest.core.schedules import (
    Event,
    ListedSchedule,
    Schedule,
    dealt,
    drawn,
    in_bursts,
    read_log,
)
from loadtest.core.stamps import MAX_SIZE, MIN_SIZE


def test_a_poisson_process_has_its_rate_and_is_the_same_for_the_same_seed() -> None:
    times = drawn("a", 50.0, 100.0)
    assert times == drawn("a", 50.0, 100.0) != drawn("b", 50.0, 100.0)
    assert times == sorted(times)
    assert 0 < times[0] < 1
    assert 99 < times[-1] < 100
    assert 4_700 < len(times) < 5_300  # 4 sigma around 5,000
    gaps = [later - at for at, later in pairwise(times)]
    longer = sum(gap > 100 / len(gaps) for gap in gaps) / len(gaps)  # than the mean one
    assert 0.34 < longer < 0.4, "of an exponential distribution 1 / e"


@given(st.integers(0, 99), st.integers(1, 30), st.integers(1, 40), st.integers(1, 9))
def test_bursts_are_as_many_messages_as_at_equal_intervals_each_in_its_span(
    seed: int, rate: int, length_s: int, burst: int
) -> None:
    times = in_bursts(str(seed), float(rate), float(length_s), burst)
    assert len(times) == rate * length_s
    assert times == sorted(times)
    assert all(0 <= moment < length_s for moment in times)
    for number in range(ceil(len(times) / burst)):
        moments = times[number * burst : (number + 1) * burst]
        assert len(set(moments)) == 1
        assert number * burst / rate <= moments[0] + 1e-6
        assert moments[0] <= (number + 1) * burst / rate


def test_a_burst_begins_anywhere_in_its_span_by_its_seed() -> None:
    moments = in_bursts("a", 1.0, 1_000.0, 10)[::10]
    places = sorted(moment % 10 for moment in moments)
    assert places[0] < 1
    assert places[-1] > 9
    assert 4 < mean(places) < 6
    assert moments == in_bursts("a", 1.0, 1_000.0, 10)[::10] != in_bursts("b", 1.0, 1_000.0, 10)[::10]


def test_a_rate_that_is_no_whole_number_gives_no_message_more_by_float_dust() -> None:
    assert len(in_bursts("a", 0.1, 30.0, 1)) == 3  # 0.1 × 30 is a hair more than 3 as a float
    assert len(in_bursts("a", 0.7, 3.0, 2)) == 3  # 2.1: the third may still leave


def logged(tmp_path: Path, text: str) -> str:
    path = tmp_path / "talk.log"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_log_is_read_in_the_order_of_its_times_from_its_first_one(tmp_path: Path) -> None:
    text = "# a comment, then a blank line\n\n12.5 80  # who knows\n10 1\n11 100000\n11.5\n"
    assert read_log(logged(tmp_path, text)) == [
        Event(0.0, MIN_SIZE),
        Event(1.0, MAX_SIZE),
        Event(1.5, MIN_SIZE),
        Event(2.5, 80),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 80\nsoon 80\n", ", line 2: 'soon 80' is not like `12.5 80`"),
        ("1 many\n", ", line 1: '1 many' is not like `12.5 80`"),
        (f"1 {'y' * 60}\n", f", line 1: '1 {'y' * 38}' is not like `12.5 80`"),
        ("# nothing\n", ": there is no message in it"),
    ],
)
def test_what_is_no_log_is_refused_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    path = logged(tmp_path, text)
    with pytest.raises(SetupError) as refused:
        read_log(path)
    assert str(refused.value) == f"--replay {path}{why}"


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as refused:
        read_log(str(tmp_path / "absent"))
    assert str(refused.value) == f"--replay {tmp_path}/absent: No such file or directory"
    (tmp_path / "binary").write_bytes(b"\xff\xfe1 80")
    with pytest.raises(SetupError, match="binary: 'utf-8' codec can't decode"):
        read_log(str(tmp_path / "binary"))


def test_a_log_is_dealt_to_the_senders_in_turn_as_far_as_the_window_goes() -> None:
    events = [Event(float(n), 60) for n in range(6)]
    assert dealt(events, 2, 5.0) == [[events[0], events[2], events[4]], [events[1], events[3]]]
    assert dealt(events, 1, 0.5) == [events[:1]]
    assert dealt(events[:1], 3, 9.0) == [events[:1], [], []]


def test_an_even_schedule_knows_each_moment_and_what_is_still_to_leave() -> None:
    table = Schedule(1_000, 10, 3)
    assert [table.at(n) for n in range(3)] == [1_000, 1_010, 1_020]
    assert [table.number_from(ns) for ns in (0, 1_000, 1_001, 1_010, 1_011, 1_020, 1_021, 9_999)] == [
        *(0, 0, 1, 1, 2, 2, 3, 3),
    ]


def test_a_listed_schedule_knows_each_moment_and_what_is_still_to_leave() -> None:
    table = ListedSchedule.of([5, 7, 7, 20])
    assert (table.first_ns, table.interval_ns, table.count) == (5, 1, 4)
    assert [table.at(n) for n in range(4)] == [5, 7, 7, 20]
    assert [table.number_from(ns) for ns in (0, 5, 6, 7, 8, 20, 21)] == [0, 0, 1, 1, 3, 3, 4]
    assert ListedSchedule.of([]) == ListedSchedule(0, 1, 0, ())
