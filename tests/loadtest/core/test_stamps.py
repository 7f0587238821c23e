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


@pytest.mark.parametrize(
    ("number", "digits"), [(0, "0"), (35, "z"), (36, "10"), (37, "11"), (1_295, "zz"), (1_296, "100"), (46_656, "1000")]
)
def test_a_nickname_is_the_runs_head_and_a_number_in_base_36_of_nine_characters_at_most(
    number: int, digits: str
) -> None:
    assert stamps.nick_of(RUN, number) == f"f012{digits}"
    assert stamps.nick_of(RUN, number).startswith(stamps.nick_head(RUN))


def test_what_was_said_is_the_text_without_its_stamp_and_its_end() -> None:
    text = Stamps(RUN, 1, SIZE).text(Stamp(1, 2, 3))
    assert stamps.without(text) == text.partition("} ")[2].removesuffix("{}")
    assert stamps.without(f"{{{RUN}.1.1.2.3}} hello{{}}") == "hello"
    assert stamps.without("hello {}") == "hello {}"


def test_a_message_is_as_long_as_its_own_size_says_and_else_as_all_are() -> None:
    sized = Stamps(RUN, 1, 70, sizes={1: [60, 90]})
    assert [len(sized.text(Stamp(1, number, 3))) for number in range(3)] == [60, 90, 70]
    assert len(sized.text(Stamp(2, 0, 3))) == 70


def test_a_stamp_carries_the_leaders_time_and_is_read_as_this_processs() -> None:
    ahead, leader = Stamps(RUN, 1, SIZE, offset_ns=500), Stamps(RUN, 1, SIZE)
    text = ahead.text(Stamp(1, 2, 2_000)).encode()
    assert leader.find(text) == [Stamp(1, 2, 1_500)]
    assert ahead.find(text) == [Stamp(1, 2, 2_000)]
