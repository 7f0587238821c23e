"""The `relay` wire of many chat tutorials: `NAME: text` both ways, no handshake, no end of a message, one room.

A user is in the room once connected, and nothing tells it so: what is said before the server accepts the connection
does not reach it.
"""

import re

from loadtest.wires.wire import Said, Wire

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
