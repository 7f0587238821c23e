"""The `tilde` wire: the bare name, then bare texts; back comes `NAME~text`. Knows neither sockets nor who is online.

Its client splits at `~` and shows the second part. A message without one is an IndexError, which ends its reading
thread; of a message with two it loses the end. So each send here holds exactly one.
"""

from dataclasses import dataclass

from chat.events import Event, Join, Kick, Leave, Quit, Rename, Say
from chat.wires.names import nickname_from
from chat.wires.unframed import TextReader, plain, sends, shown, speak
from chat.wires.wire import Command, Dialect, Enter

READ_BYTES = 2_048  # what these clients `recv` at a time


def _send(who: str, text: str) -> tuple[bytes, ...]:
    """`who~text`, with U+223C (the look-alike TILDE OPERATOR) for any other `~`."""
    return sends(f"{who.replace('~', '∼')}~", text.replace("~", "∼"), "", READ_BYTES)


@dataclass(frozen=True, slots=True)
class TildeDialect:
    framed = False
    hears_itself = True
    sees_own_join = True

    def encode(self, event: Event) -> tuple[bytes, ...]:
        match event:
            case Say():
                return _send(event.who.nick, shown(event))
            case Join():
                return _send("SERVER", f"{event.who.nick} joined the chat app")
            case Leave(who=gone) | Quit(who=gone) | Kick(whom=gone):
                return _send("SERVER", f"{gone.nick} left the chat app")
            case Rename():
                return _send("SERVER", f"{event.who.nick} is now {event.nick}")
        return ()

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        return ()

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        return _send("SERVER", plain(reason))


TILDE = TildeDialect()


class TildeWire:
    """The first line is the name, each later one a message."""

    __slots__ = ("_inside", "_texts")

    dialect: Dialect = TILDE
    greeting: tuple[bytes, ...] = ()
    hasty = False  # some of its programs connect first and ask for the name then
    opening: tuple[Command, ...] = ()

    def __init__(self) -> None:
        self._inside = False
        self._texts = TextReader()

    def feed(self, data: bytes) -> list[Command]:
        commands: list[Command] = []
        for line in self._texts.feed(data):
            if self._inside:
                commands += speak(line)
            else:
                self._inside = True
                commands.append(Enter(nickname_from(line)))
        return commands
