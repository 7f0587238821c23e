"""The `nick` wire: the server asks `NICK`, the answer is the name, then `NAME: text` lines both ways.

Knows neither sockets nor who is online. Its client shows what it reads as it is, so what the server sends ends with a
line feed; but it may compare a whole read with `NICK`, so the question does not.
"""

from dataclasses import dataclass

from chat.events import Event, Join, Kick, Leave, Quit, Rename, Say
from chat.wires.names import nickname_from
from chat.wires.unframed import OWN_NAME_LENGTH, TextReader, plain, sends, shown, speak, without_own_name
from chat.wires.wire import Command, Dialect, Enter

READ_BYTES = 1_024  # what these clients `recv` at a time


@dataclass(frozen=True, slots=True)
class NickDialect:
    framed = False
    hears_itself = False
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


NICK = NickDialect()


class NickWire:
    """The first line answers the question, each later one is a message."""

    __slots__ = ("_name", "_texts")

    dialect: Dialect = NICK
    greeting: tuple[bytes, ...] = (b"NICK",)
    hasty = True
    opening: tuple[Command, ...] = ()

    def __init__(self) -> None:
        self._name = ""  # as the client writes it, whatever nickname the server made of it
        self._texts = TextReader()

    def feed(self, data: bytes) -> list[Command]:
        commands: list[Command] = []
        for line in self._texts.feed(data):
            if self._name:
                commands += speak(without_own_name(line, self._name))
            else:
                commands.append(Enter(nickname_from(line)))
                self._name = line.strip()[:OWN_NAME_LENGTH]
        return commands
