"""The common parts of the four wires without framing: text out of what arrived, sends out of text.

One `recv` here is one `send` of the client, and so one message. Any bytes are text, except for a connection that begins
with HTTP or TLS. When TCP joins two sends into one `recv`, they are read as one message: nothing in these wires marks
where the first ended.
"""

import codecs
import re
from abc import ABC, abstractmethod

from chat.errors import WireError
from chat.events import Kind, Say
from chat.wires.foreign import TLS_RECORD, refuse_foreign
from chat.wires.names import nickname_from
from chat.wires.text import split, split_once
from chat.wires.wire import BLANK, Command, Dialect, Enter, Speak, TakeName

# Bytes of UTF-8 in one Speak, so that it fits one IRC line of 512 for every speaker. Around the text stand at most
# `:` nick 30 `!` user 12 `@` host 63 ` PRIVMSG #lobby :` CR LF = 1+30+1+12+1+63+17+2 = 127, which leaves 385; the
# other 35 are kept for a lobby with a longer name.
SPEAK_BYTES = 350

HELD_BYTES = 4_096  # of a line whose last character is not whole yet; over ten times what one IRC line carries
OWN_NAME_LENGTH = 256  # characters of a claimed name that are remembered, to recognise the client's own `NAME: `

_CLAIM = re.compile(r"([\w-]{1,30}): ")
# https://modern.ircdocs.horse/formatting: bold, italics … are one control character each, colours carry digits too.
_COLOURS = re.compile(r"\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?")
# IRC cannot carry NUL, CR and LF, and clients show the others as rubbish, or as formatting.
_CONTROLS: dict[int, str | None] = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))
_CONTROLS[ord("\t")] = " "


class TextReader:
    """Takes the bytes of each `recv`; `next` returns the lines of the messages, one at a time.

    A line has no control characters and no white space before it; a blank one is "". White space behind it stays:
    in `ana: ` it tells the prefix with nothing behind it from the word `ana:`.

    A line that ends inside a UTF-8 sequence was cut on its way, so it waits for its rest. If the next `recv` does not
    go on with that sequence, it never was UTF-8, and the line ends with U+FFFD. A line of more than HELD_BYTES does
    not wait, only its last sequence does.
    """

    __slots__ = ("_at", "_buffer", "_is_open", "_is_refused", "_start")

    def __init__(self) -> None:
        self._buffer = b""  # messages with a line feed between them
        self._at = 0  # where in the buffer the next line begins
        self._is_open = False  # the buffer ends inside a UTF-8 sequence
        self._is_refused = False
        self._start: bytes | None = b""  # the first bytes, too few to tell TLS from text; None once that is known

    @property
    def waiting(self) -> int:
        """Bytes received that `next` has not returned yet."""
        return len(self._buffer) - self._at + len(self._start or b"")

    def receive(self, data: bytes) -> None:
        """Raises WireError when the first bytes that are not white space are HTTP or TLS."""
        if self._is_refused:
            return
        if self._start is not None:
            data = self._look(self._start + data)
        if not data:
            return
        waiting = self._buffer[self._at :]
        goes_on = self._is_open and data[0] & 0xC0 == 0x80  # a continuation byte
        if waiting and not goes_on and not waiting.endswith(b"\n"):
            waiting += b"\n"
        data = waiting + data
        unfinished = _unfinished(data)
        if unfinished and len(data) - data.rfind(b"\n") - 1 > HELD_BYTES:
            data = data[:-unfinished] + b"\n" + data[-unfinished:]
        self._buffer = data
        self._at = 0
        self._is_open = unfinished > 0

    def _look(self, start: bytes) -> bytes:
        """The first bytes, once they are known to be text; until then none."""
        text = start.lstrip()
        if text == TLS_RECORD[:1]:
            self._start = text
            return b""
        try:
            refuse_foreign(text)
        except WireError:
            self._is_refused = True
            self._buffer, self._start = b"", None
            raise
        self._start = None if text else b""
        return start

    def next(self) -> str | None:
        """The next line; None when no whole one is there."""
        buffer, at = self._buffer, self._at
        end = buffer.find(b"\n", at)
        if end < 0:
            if self._is_open or not buffer:
                return None
            end = len(buffer)
        self._at = end + 1
        if self._at >= len(buffer):
            self._buffer, self._at = b"", 0
        return buffer[at:end].decode(errors="replace").translate(_CONTROLS).lstrip()

    def end(self) -> None:
        """No input follows: a line that waits for the rest of its last character is whole."""
        self._is_open = False


def _unfinished(data: bytes) -> int:
    """How many bytes at the end begin a character and do not finish it."""
    tail = data[-3:]
    return len(tail) - codecs.utf_8_decode(tail, "replace", False)[1]


class UnframedWire(ABC):
    """One connection's reader: the parts that the four wires share. The first line enters the lobby."""

    __slots__ = ("_inside", "_rest", "_texts")

    dialect: Dialect
    greeting: tuple[bytes, ...] = ()
    registers_at_once: bool
    listens: bool
    answers_ping = False
    has_commands = False
    wants_to_send = False
    has_ended = False

    def __init__(self) -> None:
        self._texts = TextReader()
        self._rest = ""  # of a line, still to be spoken
        self._inside = False

    @property
    def waiting(self) -> int:
        return self._texts.waiting + len(self._rest.encode())

    def receive(self, data: bytes) -> None:
        self._texts.receive(data)

    def next(self) -> Command | None:
        if self._rest:
            return self._speak(self._rest)
        line = self._texts.next()
        if line is None:
            return None
        return self._read(line) if line else BLANK

    def end(self) -> None:
        self._texts.end()

    def data_to_send(self) -> bytes:
        return b""

    @abstractmethod
    def _read(self, line: str) -> Command:
        """The first command of a line that is not blank; text to speak after it goes to `_rest`."""

    def _enter(self, name: str, text: str = "") -> Command:
        """Enter the lobby or, when inside already, take the name if there is one; then speak."""
        nick = nickname_from(name)
        if self._inside and not nick:
            return self._speak(text)
        self._rest = text.strip()
        if self._inside:
            return TakeName(nick)
        self._inside = True
        return Enter(nick)

    def _speak(self, text: str) -> Command:
        """As much of the text as fits one IRC line; the rest is for the next call."""
        piece, self._rest = split_once(text.strip(), SPEAK_BYTES)
        return Speak(piece) if piece else BLANK


def claim(line: str) -> tuple[str, str]:
    """The name at the beginning of a line, as written, and the text after it; an empty name when there is none."""
    found = _CLAIM.match(line)
    return (found[1], line[found.end() :]) if found else ("", line)


def without_own_name(line: str, name: str) -> str:
    """The line without the client's own `NAME: `. A name may have been entered with white space at its end."""
    if line.startswith(name):
        rest = line[len(name) :].lstrip()
        if rest.startswith(": "):
            return rest[2:]
    return line


def shown(say: Say) -> str:
    """A Say as these clients show it, without the name; empty when they do not show it."""
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
    whole = f"{before}{text}{after}".encode(errors="replace")
    if len(whole) <= limit:
        return (whole,) if text else ()
    room = limit - len((before + after).encode(errors="replace"))
    return tuple(f"{before}{piece}{after}".encode(errors="replace") for piece in split(text, room))
