"""Cut text to a size in bytes of UTF-8, between characters as a reader sees them. Knows no wire."""

import unicodedata
from collections.abc import Iterator

_JOINER = "\u200d"  # ZERO WIDTH JOINER: makes one emoji of several
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


def cut(text: str, size: int) -> str:
    """The beginning of the text, at most `size` bytes.

    A letter keeps its accents and an emoji its parts, unless that would cost half of what fits.
    """
    fits = _fitting(text, size)
    return text if fits == len(text) else text[: _edge(text, fits)]


def split(text: str, size: int) -> Iterator[str]:
    """The text in pieces, as `split_once` cuts them; none for no text."""
    while text:
        piece, text = split_once(text, size)
        yield piece


def split_once(text: str, size: int) -> tuple[str, str]:
    """A first piece of at most `size` bytes and the rest, cut at white space where that leaves at least half a piece.

    `text` has no white space around it, `size` is 4 at least. White space at the cut is lost.
    """
    assert size >= 4, f"a piece of {size} bytes cannot hold every character"
    fits = _fitting(text, size)
    if fits == len(text):
        return text, ""
    space = text.rfind(" ", 0, fits + 1)
    end = space if space * 2 >= fits else _edge(text, fits)
    return text[:end].rstrip(), text[end:].lstrip()


def _fitting(text: str, size: int) -> int:
    """How many characters from the beginning have `size` bytes at most."""
    start = text[:size]
    if start.isascii():
        return len(start)
    return len(start.encode(errors="replace")[:size].decode(errors="ignore"))


def _edge(text: str, fits: int) -> int:
    """Where to cut so that at most `fits` characters stay; there are more."""
    for end in range(fits, fits // 2, -1):
        if not _belongs_to_previous(text, end):
            return end
    return fits


def _belongs_to_previous(text: str, at: int) -> bool:
    letter = text[at]
    return unicodedata.category(letter)[0] == "M" or letter in _SKIN_TONES or _JOINER in (letter, text[at - 1])
