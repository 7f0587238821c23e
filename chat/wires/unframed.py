"""What the four wires without framing have in common: text out of what arrived, sends out of text.

One `recv` of ours is one message of theirs. Any bytes are text, so nothing here raises. What two sends of a client
became in one `recv` (TCP may join them) is read as one message: nothing in these wires marks where the first ended.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator

from chat.events import Kind, Say
from chat.wires.wire import Speak

# Bytes of UTF-8 in one Speak, so that it fits one IRC line of 512 whoever says it. Around the text stand at most
# `:` nick 30 `!` user 12 `@` host 63 ` PRIVMSG #lobby :` CR LF = 1+30+1+12+1+63+17+2 = 127, which leaves 385; the
# other 35 are kept for a lobby with a longer name.
SPEAK_BYTES = 350

HELD_BYTES = 4_096  # of a message whose last character is not whole yet; over ten times what one IRC line carries
OWN_NAME_LENGTH = 256  # characters of a claimed name that are remembered, to know the client's own `NAME: `

_CLAIM = re.compile(r"([\w-]{1,30}): ")
# https://modern.ircdocs.horse/formatting: bold, italics … are one control character each, colours carry digits too.
_COLOURS = re.compile(r"\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?")
# IRC cannot carry NUL, CR and LF, and clients show the others as rubbish, or as formatting.
_CONTROLS: dict[int, str | None] = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))
_CONTROLS[ord("\t")] = " "
_CONTROLS_BUT_LINE_FEED = {code: to for code, to in _CONTROLS.items() if code != ord("\n")}
_JOINER = "\u200d"  # ZERO WIDTH JOINER: makes one emoji of several
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


class TextReader:
    """Feed it what each `recv` returned; it gives back the lines of the messages that are whole.

    A line has no control characters and no white space before it, and is never blank. White space behind it stays:
    in `ana: ` it tells the prefix with nothing behind it from the word `ana:`.

    A message that ends inside a UTF-8 sequence was cut on its way, so it waits for its rest; if what comes next does
    not go on with that sequence, it never was UTF-8, and becomes a message with U+FFFD at its end. One of more than
    HELD_BYTES does not wait, only its last sequence does.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[str]:
        if not data:
            return []
        lines: list[str] = []
        if self._held:
            if data[0] & 0xC0 == 0x80:  # a continuation byte
                data = self._held + data
            else:
                lines += _lines(self._held.decode(errors="replace"))
            self._held = b""
        text, used = codecs.utf_8_decode(data, "replace", False)
        if used < len(data) <= HELD_BYTES:
            self._held = data
        else:
            self._held = data[used:]
            lines += _lines(text)
        return lines


def _lines(text: str) -> Iterator[str]:
    for line in text.translate(_CONTROLS_BUT_LINE_FEED).split("\n"):
        line = line.lstrip()
        if line:
            yield line


def claim(line: str) -> tuple[str, str]:
    """The name that a line begins with, as it was written, and the text behind; an empty name when there is none."""
    found = _CLAIM.match(line)
    return (found[1], line[found.end() :]) if found else ("", line)


def without_own_name(line: str, name: str) -> str:
    """The line without the client's own `NAME: `; white space before the colon is the end of the name in its box."""
    if line.startswith(name):
        rest = line[len(name) :].lstrip()
        if rest.startswith(": "):
            return rest[2:]
    return line


def speak(text: str) -> Iterator[Speak]:
    """The text as commands, each of which fits one IRC line; none when it is blank."""
    return map(Speak, split(text.strip(), SPEAK_BYTES))


def shown(say: Say) -> str:
    """What these clients show of a Say, without the name; empty when they are not told of it."""
    text = say.text
    if say.kind is Kind.TAGS:
        return ""
    action = text.startswith("\x01")
    if action:
        verb, _, text = text.strip("\x01").partition(" ")
        if verb.upper() != "ACTION":
            return ""
    text = plain(text)
    if not text:
        return ""
    if action:
        text = f"* {text}"
    return text if say.to.startswith("#") else f"(private) {text}"


def plain(text: str) -> str:
    """The text without IRC formatting, control characters and white space around it."""
    return _COLOURS.sub("", text).translate(_CONTROLS).strip()


def sends(before: str, text: str, after: str, limit: int) -> tuple[bytes, ...]:
    """The text as one send or several, each with `before` and `after` at most `limit` bytes; none for no text.

    `before` and `after` must leave 4 bytes, the longest UTF-8 sequence.
    """
    room = limit - len((before + after).encode(errors="replace"))
    return tuple(f"{before}{piece}{after}".encode(errors="replace") for piece in split(text, room))


def split(text: str, limit: int) -> Iterator[str]:
    """Pieces of at most `limit` bytes each, cut at white space where that leaves at least half a piece.

    `text` has no white space around it, `limit` is 4 at least. White space at a cut is lost.
    """
    assert limit >= 4, f"a piece of {limit} bytes cannot hold every character"
    while len(text) > limit or len(text.encode(errors="replace")) > limit:
        fits = len(text[:limit].encode(errors="replace")[:limit].decode(errors="ignore"))
        cut = _cut(text, fits)
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    if text:
        yield text


def _cut(text: str, fits: int) -> int:
    """Where to end a piece of at most `fits` characters."""
    space = text.rfind(" ", 0, fits + 1)
    if space * 2 >= fits:
        return space
    for cut in range(fits, fits // 2, -1):
        if not _is_one_with_the_previous(text, cut):
            return cut
    return fits


def _is_one_with_the_previous(text: str, at: int) -> bool:
    letter = text[at]
    return unicodedata.category(letter)[0] == "M" or letter in _SKIN_TONES or _JOINER in (letter, text[at - 1])
