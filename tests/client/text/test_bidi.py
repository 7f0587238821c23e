"""Right-to-left text is drawn in the order in which one reads it, and copied in that in which it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.text import bidi
from chat.client.text.bidi import reordered

pytest.importorskip("bidi")

SHALOM = "\u05e9\u05dc\u05d5\u05dd"  # as it is written: shin, lamed, vav, final mem


def everything(text: str) -> bool:
    return True


ORDERED = [
    (SHALOM, SHALOM[::-1]),
    (f"{SHALOM} ana!", f"!ana\u00a0{SHALOM[::-1]}"),
    (f"ana: {SHALOM}", f"ana:\u00a0{SHALOM[::-1]}"),
    (f"{SHALOM} 123 (a)", f"(a)\u00a0123\u00a0{SHALOM[::-1]}"),
]


@pytest.mark.parametrize(("text", "shown"), ORDERED)
def test_text_is_drawn_as_it_is_read(text: str, shown: str) -> None:
    order = reordered(text, everything)
    assert order
    assert order.shown == shown
    assert order.logical(0, len(shown)) == text


def test_text_of_one_direction_stays_as_it_is() -> None:
    assert reordered("hello, größe, 日本語 😀", everything) is None


def test_without_the_package_text_stays_in_the_order_of_its_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bidi, "algorithm", None)
    assert reordered(SHALOM, everything) is None


def test_a_long_line_is_broken_between_words_and_reads_from_the_top() -> None:
    words = ["\u05d0" * 4, "\u05d1" * 4, "\u05d2" * 4, "\u05d3" * 4]
    order = reordered(" ".join(words), lambda text: len(text) <= 9)
    assert order
    first, second = order.shown.split(" ")
    assert first.split("\u00a0") == words[1::-1]
    assert second.split("\u00a0") == words[:1:-1]
    assert order.logical(0, len(order.shown)) == " ".join(words)


@given(st.text(st.sampled_from("ab 12(),.\u05d0\u05d1\u0627\u0628\u202e"), max_size=40), st.integers(1, 20))
def test_each_letter_is_drawn_once_and_copied_as_it_was_written(text: str, wide: int) -> None:
    """Invariant: what is shown is a permutation of the text; marks of direction may be left out."""
    order = reordered(text, lambda line: len(line) <= wide)
    if order is None:
        return
    assert len(order.shown) == len(order.places)
    assert len(set(order.places)) == len(order.places)
    copied = order.logical(0, len(order.shown))
    assert copied.split() == text.replace("\u202e", "").split()
