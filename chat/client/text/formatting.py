"""A peer's text to spans with a look, by formatting codes as mIRC and others send them, and the links in it. Pure.

What a span looks like is the window's. Source of the codes: https://modern.ircdocs.horse/formatting
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chat.client.text.clean import BLANKS, FORMATTING, clean, one_line, whole_characters
from chat.client.text.palette import Palette, readable


class Span(NamedTuple):
    """Text of one look. A colour is `#rrggbb`, or empty for the palette's own. `reverse` swaps the two.

    A tuple, as several are made for each line: with a frozen dataclass, `spans` takes four times as long.
    """

    text: str
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    mono: bool = False
    reverse: bool = False
    foreground: str = ""
    background: str = ""


_SWITCHES = {"\x02": "bold", "\x1d": "italic", "\x1f": "underline", "\x1e": "strike", "\x11": "mono", "\x16": "reverse"}
_RESET = "\x0f"
_PLAIN = Span("")

_TABLE = """
ffffff 000000 00007f 009300 ff0000 7f0000 9c009c fc7f00 ffff00 00fc00 009393 00ffff 0000fc ff00ff 7f7f7f d2d2d2
470000 472100 474700 324700 004700 00472c 004747 002747 000047 2e0047 470047 47002a
740000 743a00 747400 517400 007400 007449 007474 004074 000074 4b0074 740074 740045
b50000 b56300 b5b500 7db500 00b500 00b571 00b5b5 0063b5 0000b5 7500b5 b500b5 b5006b
ff0000 ff8c00 ffff00 b2ff00 00ff00 00ffa0 00ffff 008cff 0000ff a500ff ff00ff ff0098
ff5959 ffb459 ffff71 cfff60 6fff6f 65ffc9 6dffff 59b4ff 5959ff c459ff ff66ff ff59bc
ff9c9c ffd39c ffff9c e2ff9c 9cff9c 9cffdb 9cffff 9cd3ff 9c9cff dc9cff ff9cff ff94d3
000000 131313 282828 363636 4d4d4d 656565 818181 9f9f9f bcbcbc e2e2e2 ffffff
"""  # colours 0 to 98; 99 is the default
_COLOURS = tuple(f"#{colour}" for colour in _TABLE.split())


def spans(text: str) -> list[Span]:
    """A peer's text by its looks. Joined, the spans' texts are what `clean` makes of it; none is empty."""
    if not FORMATTING.search(text):
        text = clean(text)
        return [Span(text)] if text else []
    found: list[Span] = []
    blank = False  # what went before ends with blanks, which become one space with those that follow
    half = ""  # and with the first half of a character
    for look, piece in _pieces(text):
        follows = piece.lstrip(BLANKS) if blank else piece
        blank = piece[-1] in BLANKS if piece else blank
        piece = half + one_line(follows)
        half = piece[-1] if piece and "\ud800" <= piece[-1] <= "\udbff" else ""
        _add(found, piece.removesuffix(half), look)
    _add(found, half, found[-1] if found else _PLAIN)
    return found


def painted(span: Span, palette: Palette) -> Span:
    """The span with colours that can be read on the palette's paper, or on the span's own background.

    What was hidden, as black on black, can be read too. `reverse` is put into effect.
    """
    foreground, background = span.foreground, span.background
    if not (foreground or background or span.reverse):
        return span
    if span.reverse:
        foreground, background = background or palette.paper, foreground or palette.ink
    if background and not foreground:
        foreground = palette.ink
    if foreground:
        foreground = readable(foreground, background or palette.paper)
    return span._replace(reverse=False, foreground=foreground, background=background)


def _add(found: list[Span], text: str, look: Span) -> None:
    """Put it at the end, joined with the last where both look alike."""
    text = whole_characters(text)
    if not text:
        return
    if found and found[-1][1:] == look[1:]:
        text = found.pop().text + text
    found.append(look._replace(text=text))


def _pieces(text: str) -> Iterator[tuple[Span, str]]:
    """What stands between the codes, still as it was sent, and how it looks."""
    look, at = _PLAIN, 0
    for code in FORMATTING.finditer(text):
        yield look, text[at : code.start()]
        at = code.end()
        sign = code[0][0]
        if sign == _RESET:
            look = _PLAIN
        elif sign in _SWITCHES:
            name = _SWITCHES[sign]
            look = look._replace(**{name: not getattr(look, name)})  # type: ignore[arg-type]  # each a bool
        else:
            numbers, hexes = code.group(1, 2), code.group(3, 4)
            foreground, background = map(_number, numbers) if sign == "\x03" else map(_hex, hexes)
            if foreground is None:  # the code alone: back to the palette's own
                foreground = background = ""
            background = look.background if background is None else background
            look = look._replace(foreground=foreground, background=background)
    yield look, text[at:]


def _number(digits: str | None) -> str | None:
    return digits if digits is None else _COLOURS[int(digits)] if int(digits) < len(_COLOURS) else ""


def _hex(digits: str | None) -> str | None:
    return digits if digits is None else f"#{digits.lower()}"


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
