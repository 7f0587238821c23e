"""The `joined` wire: `joined:NAME` once, then `NAME: text` a message. Knows neither sockets nor who is online.

Its client takes every text that holds the word `joined` for a notice of a join, and the part between the first and the
second colon for the name. Without a colon that is an IndexError, which ends its reading thread: the window stays open
and never shows anything again. So each send here either holds a colon or does not hold the word.

`joined:ana` and a message sent right after it may arrive in one `recv`: nothing marks where the name ends, so all of
that is the name. People need longer than that from the Join button to their first message.
"""

from dataclasses import dataclass

from chat.events import Event, Join, Kick, Leave, Quit, Rename, Say
from chat.wires.names import nickname_from
from chat.wires.unframed import OWN_NAME_LENGTH, TextReader, claim, plain, sends, shown, speak, without_own_name
from chat.wires.wire import Command, Dialect, Enter, TakeName

# What this client reads at a time. It decodes each read by itself, so a UTF-8 sequence cut there ends its thread too.
READ_BYTES = 256

_JOINED = "joined:"


def _not_a_join(notice: str) -> str:
    """The notice with a look-alike of the word `joined` in it: `unjoined has left` must not look like a join.

    The look-alike has U+043E (Cyrillic o) for the `o`. The client compares case-sensitively, and so does this.
    """
    return notice.replace("joined", "j\u043eined")


@dataclass(frozen=True, slots=True)
class JoinedDialect:
    framed = False
    hears_itself = False
    sees_own_join = False

    def encode(self, event: Event) -> tuple[bytes, ...]:
        match event:
            case Say():
                # What people say stays as it is, the word too: the client shows it as an odd join, but lives.
                return sends(f"{event.who.nick}: ", shown(event), "", READ_BYTES)
            case Join():
                return (f"{_JOINED}{event.who.nick}".encode(),)
            case Leave(who=gone) | Quit(who=gone) | Kick(whom=gone):
                return (_not_a_join(f"{gone.nick} has left").encode(),)
            case Rename():
                return (_not_a_join(f"{event.who.nick} is now {event.nick}").encode(),)
        return ()

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        return ()

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        return sends("SERVER: ", _not_a_join(plain(reason)), "", READ_BYTES)


JOINED = JoinedDialect()


class JoinedWire:
    """Pressing Join or, without that, the first text is the way in; the first name that comes is the one that counts.

    Who talks without a name is a guest, and may still press Join.
    """

    __slots__ = ("_inside", "_name", "_texts")

    dialect: Dialect = JOINED
    greeting: tuple[bytes, ...] = ()
    hasty = False  # its user presses Join when they like
    opening: tuple[Command, ...] = ()

    def __init__(self) -> None:
        self._inside = False
        self._name = ""  # as the client writes it, whatever nickname the server made of it
        self._texts = TextReader()

    def feed(self, data: bytes) -> list[Command]:
        commands: list[Command] = []
        for line in self._texts.feed(data):
            commands += self._read(line)
        return commands

    def _read(self, line: str) -> list[Command]:
        if self._name:
            text = without_own_name(line, self._name)
            if text == line and line.startswith(_JOINED):  # pressed Join again
                return []
            return list(speak(text))
        if line.startswith(_JOINED):
            name, text = line.removeprefix(_JOINED).strip(), ""
        else:
            name, text = claim(line)
        commands: list[Command] = []
        if not self._inside:
            commands.append(Enter(nickname_from(name)))
        elif name:
            commands.append(TakeName(nickname_from(name)))
        self._inside = True
        self._name = name[:OWN_NAME_LENGTH]
        return [*commands, *speak(text)]
