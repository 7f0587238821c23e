"""One IRC message: parse a line, build a line. Knows no commands and no sockets.

Source: https://modern.ircdocs.horse "Message Format", https://ircv3.net/specs/extensions/message-tags
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chat.errors import WireError

CLIENT_TAG_BYTES = 512  # of client-only tags passed on with a message; as many as its line may have

_ESCAPES = {"\\": "\\\\", ";": "\\:", " ": "\\s", "\r": "\\r", "\n": "\\n"}
_UNESCAPES = {":": ";", "s": " ", "r": "\r", "n": "\n"}
# message-tags, "Rules for naming message tags": `+`, an optional vendor (a host name), and the name
_CLIENT_KEY = re.compile(r"\+(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9-]+")
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f]")


@dataclass(slots=True)
class Message:
    """A parsed line. An ASCII `verb` is in upper case; `tags` is the raw tag text, without the `@`."""

    verb: str
    params: list[str] = field(default_factory=list)
    source: str = ""
    tags: str = ""

    @property
    def line(self) -> str:
        """One line, without its line end, that `parse` reads as this message."""
        return _join(self.verb, self.params, self.source, self.tags)

    @property
    def nick(self) -> str:
        """The nickname in the source; a server's whole name when it has no `!`."""
        return self.source.partition("!")[0]

    def tag(self, key: str) -> str | None:
        """A tag's value, unescaped; None when the message does not carry it. Of two, the last counts."""
        return parse_tags(self.tags).get(key) if self.tags else None


def parse(line: str) -> Message:
    """Read one line, without its line end. Raises WireError when it holds no verb."""
    tags = source = ""
    if line.startswith("@"):
        tags, _, line = line[1:].partition(" ")
        line = line.lstrip(" ")
    if line.startswith(":"):
        source, _, line = line[1:].partition(" ")
    head, colon, trailing = line.lstrip(" ").partition(" :")
    params = head.split(" ")  # only the space separates: a tab belongs to its word
    if "" in params:
        params = [word for word in params if word]
    if not params:
        raise WireError("line has no command")
    verb = params.pop(0)
    if colon:
        params.append(trailing)
    if verb.isascii():  # `JOıN` is not JOIN, though upper() would make it so
        verb = verb.upper()
    return Message(verb, params, source, tags)


def build(verb: str, *params: str, source: str = "", tags: str = "") -> bytes:
    """One line with its line end. The last parameter may contain spaces, be empty or begin with a colon."""
    return f"{_join(verb, params, source, tags)}\r\n".encode()


def _join(verb: str, params: Sequence[str], source: str, tags: str) -> str:
    parts = [f"@{tags}"] if tags else []
    if source:
        parts.append(f":{source}")
    parts.append(verb)
    if params:
        parts += params
        last = params[-1]
        if not last or " " in last or last[0] == ":":
            parts[-1] = f":{last}"
    return " ".join(parts)


def parse_tags(text: str) -> dict[str, str]:
    """`a=b;c` as {"a": "b", "c": ""}, values unescaped."""
    tags = {}
    for item in text.split(";"):
        key, _, value = item.partition("=")
        if key:
            tags[key] = _unescape(value) if "\\" in value else value
    return tags


def build_tags(tags: Iterable[tuple[str, str]]) -> str:
    """The reverse of `parse_tags`."""
    return ";".join(f"{key}={''.join(_ESCAPES.get(c, c) for c in value)}" if value else key for key, value in tags)


def client_tags(tags: str) -> str:
    """The client-only tags among raw tags, which the server passes on: those with a valid key that begins with `+`.

    Of equal keys the last counts. A tag with a control character in its value is dropped. What is left has at most
    CLIENT_TAG_BYTES of UTF-8: the first tag that would pass that is dropped, with all behind it.
    """
    chosen: dict[str, str] = {}
    for tag in tags.split(";"):
        if tag.startswith("+"):
            key = tag.partition("=")[0]
            if _CLIENT_KEY.fullmatch(key) and not _CONTROL.search(tag):
                chosen[key] = tag
    kept = ";".join(chosen.values())
    data = kept.encode()
    if len(data) <= CLIENT_TAG_BYTES:
        return kept
    # The semicolon behind a tag that just fits is one byte past the limit.
    return data[: CLIENT_TAG_BYTES + 1].rpartition(b";")[0].decode()


def _unescape(value: str) -> str:
    out = []
    letters = iter(value)
    for letter in letters:
        if letter == "\\":
            letter = next(letters, "")  # a lone backslash at the end is dropped
            letter = _UNESCAPES.get(letter, letter)
        out.append(letter)
    return "".join(out)
