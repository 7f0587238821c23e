"""The `tilde` wire: the bare name, then bare texts; back comes `NAME~text`. Knows no sockets and no users.

Its client splits at `~` and shows the second part. A message without one is an IndexError, which ends its reading
thread; a message with two loses its end. So each send here contains exactly one.
"""

from dataclasses import dataclass

from chat.events import Event, Join, Kick, Leave, Quit, Rename, Say
from chat.wires.unframed import UnframedWire, plain, sends, shown
from chat.wires.wire import Command

READ_BYTES = 2_048  # the `recv` size of these clients


def _send(who: str, text: str) -> tuple[bytes, ...]:
    """`who~text`, with U+223C (the look-alike TILDE OPERATOR) for any other `~`."""
    return sends(f"{who.replace('~', '∼')}~", text.replace("~", "∼"), "", READ_BYTES)


@dataclass(frozen=True, slots=True)
class TildeDialect:
    framed = False
    wrap = None
    numerics = False
    echoes = True
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

    def summary(self, count: int) -> tuple[bytes, ...]:
        return _send("SERVER", f"and {count} more came or went")


TILDE = TildeDialect()


class TildeWire(UnframedWire):
    """The first line is the name, each later one a message."""

    __slots__ = ()

    dialect = TILDE
    registers_at_once = True
    listens = False

    def _read(self, line: str) -> Command:
        return self._speak(line) if self._inside else self._enter(line)
