"""The `relay` wire of many chat tutorials: `NAME: text` both ways, no handshake, no end of a message, one room.

A user is in the room once connected, and nothing tells it so: what is said before the server accepts the connection
does not reach it.
"""

from loadtest.wires.wire import Said, Wire


class RelayWire(Wire):
    scheme = "relay"
    port = 55555
    end = b""

    def say(self, room: str, words: str) -> bytes:
        return f"{self.nick}: {words}".encode()

    def said(self, message: bytes) -> Said | None:
        who, colon, text = message.decode(errors="replace").partition(": ")
        return Said(who, "", text) if colon and not who.startswith("* ") else None
