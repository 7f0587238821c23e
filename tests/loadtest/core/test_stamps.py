"""A stamp survives the text around it, and the stamps of other runs are not ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.core import stamps
from loadtest.core.stamps import MAX_SIZE, MIN_SIZE, Stamp, Stamps

RUN = "0123abcd"
SIZE = 80  # bytes of a message
any_stamp = st.builds(Stamp, st.integers(0, 16**6 - 1), st.integers(0, 16**8 - 1), st.integers(0, 16**16 - 1))


@given(any_stamp, st.integers(0, 999), st.integers(MIN_SIZE, MAX_SIZE))
def test_a_stamp_is_found_in_a_text_of_the_size_asked_for(stamp: Stamp, window: int, size: int) -> None:
    text = Stamps(RUN, window, size).text(stamp)
    assert len(text.encode()) == size
    assert Stamps(RUN, window, size).find(text.encode()) == [stamp]
    assert text.endswith("{}")


@given(st.lists(any_stamp, max_size=5))
def test_all_stamps_of_a_blob_are_found_in_order(several: list[Stamp]) -> None:
    lines = [f":n!u@h PRIVMSG #r :{Stamps(RUN, 1, SIZE).text(stamp)}\r\n" for stamp in several]
    assert Stamps(RUN, 1, SIZE).find("".join(lines).encode()) == several


@pytest.mark.parametrize(
    "text",
    [
        Stamps("ffffffff", 1, SIZE).text(Stamp(1, 2, 3)),  # another run
        Stamps(RUN, 2, SIZE).text(Stamp(1, 2, 3)),  # another window
        Stamps(RUN, 1, SIZE).text(Stamp(1, 2, 3))[:12],  # cut off
        f"{{{RUN}.1.x.2.3}}",
        "hello",
    ],
)
def test_nothing_else_is_taken_for_a_stamp(text: str) -> None:
    assert Stamps(RUN, 1, SIZE).find(text.encode()) == []


def test_runs_of_each_sender_are_first_and_after_last() -> None:
    interleaved = [Stamp(1, 4, 0), Stamp(2, 0, 0), Stamp(1, 5, 0), Stamp(1, 6, 0)]
    assert stamps.runs(interleaved) == [(1, 4, 7), (2, 0, 1)]
    assert stamps.runs([]) == []


@pytest.mark.parametrize("numbers", [(1, 1), (1, 3), (2, 1)])
def test_numbers_that_do_not_count_up_are_no_run(numbers: tuple[int, int]) -> None:
    assert stamps.runs([Stamp(0, number, 0) for number in numbers]) is None


def test_a_message_shorter_than_its_stamp_is_the_stamp_a_blank_and_the_end() -> None:
    assert Stamps(RUN, 1).text(Stamp(1, 2, 3)) == f"{{{RUN}.1.1.2.3}} {{}}"
