"""Links in what people write. Pure; only schemes that a click may open without harm."""

import re
from dataclasses import dataclass

# A scheme or `www.` at a word's beginning, then all that is not blank and not a sign that encloses links in prose.
# What a browser would run or read from this machine (javascript:, data:, file:) is no link here.
_LINK = re.compile(r"""(?<![\w@.+/-])(?:(?:https?|ircs?)://|mailto:|www\.)[^\s<>"`{}|\\^«»“”„]+""", re.IGNORECASE)
_ENDS_A_SENTENCE = ".,:;!?…'’*_~。、，！？"  # at a link's end these belong to the sentence around it
_PAIRS = {")": "(", "]": "["}
_ADDRESS = re.compile(r"(?:https?|ircs?)://[^/?#]*[\w\]]|mailto:[^@?\s]+@\w|www\.\w[^/?#]*\.\w", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Link:
    """`text[start:end]` is what is shown, `url` what it opens."""

    start: int
    end: int
    url: str


def links(text: str) -> list[Link]:
    """The links in a line, in their order."""
    found = []
    for match in _LINK.finditer(text):
        shown = _trimmed(match[0])
        if _ADDRESS.match(shown):
            url = f"https://{shown}" if shown[:4].lower() == "www." else shown
            found.append(Link(match.start(), match.start() + len(shown), url))
    return found


def _trimmed(shown: str) -> str:
    """Without the punctuation of the sentence, and without closing brackets that the link does not open."""
    surplus = {close: shown.count(close) - shown.count(opening) for close, opening in _PAIRS.items()}
    end = len(shown)
    while end:
        last = shown[end - 1]
        if last in _PAIRS and surplus[last] > 0:
            surplus[last] -= 1
        elif last not in _ENDS_A_SENTENCE:
            break
        end -= 1
    return shown[:end]
