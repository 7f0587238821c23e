"""Text is cut to bytes, never inside a character, nor between a letter and its accents where that can be helped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.wires.text import cut, split, split_once

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # three emoji that joiners make one

CUTS = [
    ("", 4, ""),
    ("abcd", 4, "abcd"),
    ("abcde", 4, "abcd"),
    ("ab  cd", 4, "ab  "),  # white space stays
    ("éé", 4, "éé"),
    ("ééé", 4, "éé"),
    ("ééé", 5, "éé"),
    ("ééé", 6, "ééé"),
    ("☕☕", 5, "☕"),
    ("🎉🎉", 7, "🎉"),
    ("🎉🎉", 8, "🎉🎉"),
    ("aaae\u0301", 4, "aaa"),
    ("aaae\u0301", 5, "aaa"),
    ("aaae\u0301", 6, "aaae\u0301"),
    ("aaaa\U0001f44d\U0001f3fd", 8, "aaaa"),  # a thumb keeps its skin
    ("abcdef" + FAMILY, 17, "abcdef"),
    ("e" + "\u0301" * 6, 5, "e\u0301\u0301"),  # unless that would leave too little
    ("abcd" + "\u0301" * 3, 8, "abcd\u0301\u0301"),
    ("🎉", 3, ""),
]


@pytest.mark.parametrize(("text", "size", "left"), CUTS)
def test_text_is_cut_at_the_edge_of_a_character(text: str, size: int, left: str) -> None:
    assert cut(text, size) == left


@given(st.text(), st.integers(0, 40))
def test_a_cut_text_is_a_beginning_that_fits_and_cutting_it_again_changes_nothing(text: str, size: int) -> None:
    """Invariant: a text that fits stays whole; any other loses its end, and at least a third of what fits stays."""
    left = cut(text, size)
    assert text.startswith(left)
    assert len(left.encode()) <= size
    assert cut(left, size) == left
    if len(text.encode()) <= size:
        assert left == text
    else:
        fits = len(text.encode()[:size].decode(errors="ignore"))
        assert fits // 2 <= len(left) <= fits


PIECES = [
    ("", 10, []),
    ("0123456789", 10, ["0123456789"]),
    ("0123456789a", 10, ["0123456789", "a"]),
    ("01234 6789 b", 10, ["01234 6789", "b"]),  # the space right behind the limit
    ("012345 789ab", 10, ["012345", "789ab"]),
    ("01234 6789ab", 10, ["01234", "6789ab"]),  # leaves half a piece
    ("0123 56789ab", 10, ["0123 56789", "ab"]),  # would leave less
    ("01234     67", 8, ["01234", "67"]),
    ("éééé", 4, ["éé", "éé"]),
    ("éééé", 5, ["éé", "éé"]),
    ("☕☕", 4, ["☕", "☕"]),
    ("🎉🎉", 4, ["🎉", "🎉"]),
    ("🎉🎉", 7, ["🎉", "🎉"]),
    ("aaaae\u0301b", 6, ["aaaa", "e\u0301b"]),  # the accent stays with its letter
    ("abcdef" + FAMILY, 18, ["abcdef", FAMILY]),
    ("aaaa\U0001f44d\U0001f3fd", 8, ["aaaa", "\U0001f44d\U0001f3fd"]),
    ("e" + "\u0301" * 6, 5, ["e\u0301\u0301", "\u0301\u0301", "\u0301\u0301"]),  # unless there is no end to them
]


@pytest.mark.parametrize(("text", "limit", "pieces"), PIECES)
def test_text_is_cut_at_spaces_else_between_characters(text: str, limit: int, pieces: list[str]) -> None:
    assert list(split(text, limit)) == pieces


@given(st.text(), st.integers(4, 40))
def test_pieces_fit_and_lose_nothing_but_white_space(text: str, limit: int) -> None:
    """Invariant: each piece has 1 to `limit` bytes, and together they are the text without its white space."""
    pieces = list(split(text.strip(), limit))
    assert all(1 <= len(piece.encode()) <= limit for piece in pieces)
    assert all(piece == piece.strip() for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "first", "rest"), [("", "", ""), ("abcd", "abcd", ""), ("abc  def", "abc", "def"), ("abcde", "abcd", "e")]
)
def test_a_first_piece_is_split_off(text: str, first: str, rest: str) -> None:
    assert split_once(text, 4) == (first, rest)
