"""A stamp survives the text around it, and the stamps of other runs are not ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.accounting import stamps
from loadtest.accounting.stamps import MAX_SIZE, MIN_SIZE, Stamp

RUN = "0123abcd"
any_stamp = st.builds(Stamp, st.integers(0, 16**6 - 1), st.integers(0, 16**8 - 1), st.integers(0, 16**16 - 1))


@given(any_stamp, st.integers(0, 999), st.integers(MIN_SIZE, MAX_SIZE))
def test_a_stamp_is_found_in_a_text_of_the_size_asked_for(stamp: Stamp, window: int, size: int) -> None:
    text = stamps.text(RUN, window, stamp, size)
    assert len(text.encode()) == size
    assert stamps.find(stamps.pattern(RUN, window), text.encode()) == [stamp]


@given(st.lists(any_stamp, max_size=5))
def test_all_stamps_of_a_blob_are_found_in_order(several: list[Stamp]) -> None:
    lines = [f":n!u@h PRIVMSG #r :{stamps.text(RUN, 1, stamp, 100)}\r\n" for stamp in several]
    assert stamps.find(stamps.pattern(RUN, 1), "".join(lines).encode()) == several


@pytest.mark.parametrize(
    "text",
    [
        stamps.text("ffffffff", 1, Stamp(1, 2, 3), 100),  # another run
        stamps.text(RUN, 2, Stamp(1, 2, 3), 100),  # another window
        stamps.text(RUN, 1, Stamp(1, 2, 3), 100)[:12],  # cut off
        f"~{RUN}.1.x.2.3~",
        "hello",
    ],
)
def test_nothing_else_is_taken_for_a_stamp(text: str) -> None:
    assert stamps.find(stamps.pattern(RUN, 1), text.encode()) == []


def test_runs_of_each_sender_are_first_and_after_last() -> None:
    interleaved = [Stamp(1, 4, 0), Stamp(2, 0, 0), Stamp(1, 5, 0), Stamp(1, 6, 0)]
    assert stamps.runs(interleaved) == [(1, 4, 7), (2, 0, 1)]
    assert stamps.runs([]) == []


@pytest.mark.parametrize("numbers", [(1, 1), (1, 3), (2, 1)])
def test_numbers_that_do_not_count_up_are_no_run(numbers: tuple[int, int]) -> None:
    assert stamps.runs([Stamp(0, number, 0) for number in numbers]) is None


def test_a_message_shorter_than_its_stamp_is_the_stamp_and_a_blank() -> None:
    assert stamps.text(RUN, 1, Stamp(1, 2, 3), 0) == f"~{RUN}.1.1.2.3~ "
