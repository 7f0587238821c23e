"""The `relay` wire: `NAME: text` both ways and no handshake. Knows no sockets and no users.

A client gets the lobby's events from the start. With its first text it enters, under the name that the text begins with
or, without one, as a guest.
"""

from dataclasses import dataclass

from chat.events import Event, Join, Kick, Leave, Quit, Rename, Say
from chat.wires.unframed import UnframedWire, claim, plain, sends, shown, without_own_name
from chat.wires.wire import Command

READ_BYTES = 1_024  # the `recv` size of these clients


@dataclass(frozen=True, slots=True)
class RelayDialect:
    framed = False
    wrap = None
    numerics = False
    echoes = False
    sees_own_join = False

    def encode(self, event: Event) -> tuple[bytes, ...]:
        match event:
            case Say():
                return sends(f"{event.who.nick}: ", shown(event), "", READ_BYTES)
            case Join():
                return (f"* {event.who.nick} joined".encode(),)
            case Leave(who=gone) | Quit(who=gone) | Kick(whom=gone):
                return (f"* {gone.nick} left".encode(),)
            case Rename():
                return (f"* {event.who.nick} is now {event.nick}".encode(),)
        return ()

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        return ()

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        return sends("* ", plain(reason), "", READ_BYTES)

    def summary(self, count: int) -> tuple[bytes, ...]:
        return (f"* and {count} more came or went".encode(),)


RELAY = RelayDialect()


class RelayWire(UnframedWire):
    """The first name that a text begins with is the client's; from then on only that name is removed from texts."""

    __slots__ = ("_name",)

    dialect = RELAY
    registers_at_once = False
    listens = True

    def __init__(self) -> None:
        super().__init__()
        self._name = ""  # as the client writes it, whatever nickname the server made of it

    def _read(self, line: str) -> Command:
        if self._name:
            return self._speak(without_own_name(line, self._name))
        self._name, text = claim(line)
        return self._enter(self._name, text)
