"""The unframed wires of three more chat tutorials, as their users speak them; docs/protocol.md has the wires.

Nothing ends a message, and all are in one room. A server tells newcomers and leavers in words, which may stand before a
message: whoever said it is what its last line says.
"""

import re

from loadtest.wires.wire import Refused, Said, Step, Wire

_TILDE = "\u223c"  # what the tilde wire has for a tilde within a text


class JoinedWire(Wire, scheme="joined", port=10319, end=b""):
    """`joined:NAME` once, then `NAME: text`. Nobody is told that they themselves are in."""

    def enter(self, room: str) -> Step:
        yield from ()
        return f"joined:{self.nick}".encode()

    def say(self, room: str, words: str) -> bytes:
        return f"{self.nick}: {words}".encode()

    def said(self, message: bytes) -> Said | None:
        return _said(message, ": ")


class TildeWire(Wire, scheme="tilde", port=1100, end=b""):
    """The bare name first, then bare texts; from the server `NAME~text`, the sender's own too."""

    def enter(self, room: str) -> Step:
        yield self.nick.encode()
        return None

    def say(self, room: str, words: str) -> bytes:
        return words.encode()

    def said(self, message: bytes) -> Said | None:
        return _said(message, "~")


class NickWire(Wire, scheme="nick", port=5501, end=b""):
    """The server asks `NICK`, the user answers with the name; then `NAME: text` and a line feed, both ways."""

    def enter(self, room: str) -> Step:
        question = yield b""
        if question != b"NICK":
            raise Refused(question.decode(errors="replace"))
        yield self.nick.encode()
        return None

    def say(self, room: str, words: str) -> bytes:
        return f"{self.nick}: {words}\n".encode()

    def said(self, message: bytes) -> Said | None:
        return _said(message, ": ")


def _said(message: bytes, between: str) -> Said | None:
    """Notices may stand before it, so that the name is what is right before the separator that the stamp follows."""
    words = message.decode(errors="replace").strip("\n")
    head, mark, text = words.partition(between + "{")
    if mark:
        return Said(head.rpartition("\n")[2], "", "{" + text)
    who, mark, text = words.partition(between)
    return Said(who, "", text) if mark else None


_NOTICES = re.compile(r"^(?:\* \S+? (?:joined|left))+")


class RelayWire(Wire):
    scheme = "relay"
    port = 55555
    end = b""

    def say(self, room: str, words: str) -> bytes:
        return f"{self.nick}: {words}".encode()

    def said(self, message: bytes) -> Said | None:
        """Notices, `* NAME joined`, may stand before it: nothing ends them."""
        words = _NOTICES.sub("", message.decode(errors="replace"))
        who, colon, text = words.partition(": ")
        return Said(who, "", text) if colon else None
