"""The `nick` wire: the server asks `NICK`, the answer is the name, then `NAME: text` lines both ways.

Knows no sockets and no users. Its client shows each read unchanged, so each send ends with a line feed. The
question does not, because the client may compare a whole read with `NICK`.
"""

from dataclasses import dataclass

from chat.events import Event, Join, Kick, Leave, Quit, Rename, Say
from chat.wires.unframed import OWN_NAME_LENGTH, UnframedWire, plain, sends, shown, without_own_name
from chat.wires.wire import Command

READ_BYTES = 1_024  # the `recv` size of these clients


@dataclass(frozen=True, slots=True)
class NickDialect:
    framed = False
    wrap = None
    numerics = False
    echoes = False
    sees_own_join = False

    def encode(self, event: Event) -> tuple[bytes, ...]:
        match event:
            case Say():
                return sends(f"{event.who.nick}: ", shown(event), "\n", READ_BYTES)
            case Join():
                return (f"{event.who.nick} connected to the server!\n".encode(),)
            case Leave(who=gone) | Quit(who=gone) | Kick(whom=gone):
                return (f"{gone.nick} has left the chat.\n".encode(),)
            case Rename():
                return (f"{event.who.nick} is now {event.nick}\n".encode(),)
        return ()

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        return (b"Connected to the server",)  # as in the tutorial, without a line feed

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        return sends("", plain(reason), "\n", READ_BYTES)

    def summary(self, count: int) -> tuple[bytes, ...]:
        return (f"and {count} more came or went\n".encode(),)


NICK = NickDialect()


class NickWire(UnframedWire):
    """The first line answers the question, each later one is a message."""

    __slots__ = ("_name",)

    dialect = NICK
    greeting = (b"NICK",)
    registers_at_once = True
    listens = False

    def __init__(self) -> None:
        super().__init__()
        self._name = ""  # as the client writes it, whatever nickname the server made of it

    def _read(self, line: str) -> Command:
        if self._inside:
            return self._speak(without_own_name(line, self._name))
        self._name = line.strip()[:OWN_NAME_LENGTH]
        return self._enter(line)
