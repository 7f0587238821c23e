"""The `relay` wire: `NAME: text` both ways and no handshake. Knows neither sockets nor who is online.

Who connects is in the room as a guest, until a text begins with their name.
"""

from dataclasses import dataclass

from chat.events import Event, Join, Kick, Leave, Quit, Rename, Say
from chat.wires.names import nickname_from
from chat.wires.unframed import TextReader, claim, plain, sends, shown, speak, without_own_name
from chat.wires.wire import Command, Dialect, Enter, TakeName

READ_BYTES = 1_024  # what these clients `recv` at a time


@dataclass(frozen=True, slots=True)
class RelayDialect:
    framed = False
    hears_itself = False
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


RELAY = RelayDialect()


class RelayWire:
    """The first text with a name claims it; from then on only that name is cut off a text's beginning."""

    __slots__ = ("_name", "_texts")

    dialect: Dialect = RELAY
    greeting: tuple[bytes, ...] = ()
    hasty = True
    opening: tuple[Command, ...] = (Enter(),)

    def __init__(self) -> None:
        self._name = ""  # as the client writes it, whatever nickname the server made of it
        self._texts = TextReader()

    def feed(self, data: bytes) -> list[Command]:
        commands: list[Command] = []
        for line in self._texts.feed(data):
            if self._name:
                text = without_own_name(line, self._name)
            else:
                self._name, text = claim(line)
                if self._name:
                    commands.append(TakeName(nickname_from(self._name)))
            commands += speak(text)
        return commands
