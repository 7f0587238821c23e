"""Right-to-left text in the order in which one reads it, for a text widget that draws from left to right. Pure.

By the Unicode bidirectional algorithm of the package `python-bidi`, an extra: https://www.unicode.org/reports/tr9
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

try:
    from bidi import algorithm
except ImportError:  # the extra `client` is not installed: text stays in the order of its letters
    algorithm = None

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")
_LONGEST = 2_000  # characters; a line of IRC has at most 500
_NO_BREAK = "\u00a0"


@dataclass(frozen=True, slots=True)
class Reordered:
    """`shown` is what to draw; its character k is character `places[k]` of the text, or none of them for -1."""

    text: str
    shown: str
    places: tuple[int, ...]

    def logical(self, start: int, end: int) -> str:
        """What `shown[start:end]` says, in the order in which it was written."""
        places = sorted(place for place in self.places[max(0, start) : max(0, end)] if place >= 0)
        return "".join(self.text[place] for place in places)


def reordered(text: str, fits: Callable[[str], bool]) -> Reordered | None:
    """The text to be drawn in lines that `fits` tells the width of; None where it can be drawn as it is.

    Within a line there is no place to break it, so that the lines are broken between those that belong together.
    """
    if algorithm is None or len(text) > _LONGEST or not _RIGHT_TO_LEFT.search(text):
        return None
    characters, storage = _levels(text)
    shown: list[str] = []
    places: list[int] = []
    for line in _lines(text, fits):
        if shown:
            shown.append(" ")
            places.append(line.start - 1)
        wanted = [character for character in characters if character["index"] in line]
        storage["chars"] = wanted
        algorithm.reorder_resolved_levels(storage, False)
        algorithm.apply_mirroring(storage, False)
        for character in storage["chars"]:
            shown.append(_NO_BREAK if character["ch"] == " " else character["ch"])
            places.append(character["index"])
    return Reordered(text, "".join(shown), tuple(places))


def _levels(text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The characters with their levels, each with its place in the text."""
    storage = algorithm.get_empty_storage()
    storage["base_level"] = algorithm.get_base_level(text)
    storage["base_dir"] = ("L", "R")[storage["base_level"]]
    algorithm.get_embedding_levels(text, storage)
    for index, character in enumerate(storage["chars"]):
        character["index"] = index
    for step in ("explicit_embed_and_overrides", "resolve_weak_types", "resolve_neutral_types"):
        getattr(algorithm, step)(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    return storage["chars"], storage


def _lines(text: str, fits: Callable[[str], bool]) -> list[range]:
    """The words that stand together on a line, as places in the text; the blank between two lines is in neither."""
    lines: list[range] = []
    start = end = 0
    for word in re.finditer(r"\S+", text):
        if end > start and not fits(text[start : word.end()]):
            lines.append(range(start, end))
            start = word.start()
        end = word.end()
    return [*lines, range(start, len(text))]
