"""The `joined` wire: `joined:NAME` once, then `NAME: text` a message. Knows no sockets and no users.

Its client takes every text that contains the word `joined` for a notice of a join, and the part between the first and
the second colon for the name. Without a colon that is an IndexError, which ends its reading thread: the window stays
open and never shows anything again. So each send here either contains a colon or does not contain the word.

`joined:ana` and a message sent right after it may arrive in one `recv`. Nothing marks where the name ends, so all of
that is the name. A person takes longer than that from the Join button to a first message.
"""

from dataclasses import dataclass

from chat.events import Event, Join, Kick, Leave, Quit, Rename, Say
from chat.wires.unframed import OWN_NAME_LENGTH, UnframedWire, claim, plain, sends, shown, without_own_name
from chat.wires.wire import BLANK, Command

# This client's `recv` size. It decodes each read by itself, so a UTF-8 sequence cut there ends its thread too.
READ_BYTES = 256

_JOINED = "joined:"


def _not_a_join(notice: str) -> str:
    """The notice with a look-alike of the word `joined`, so that `unjoined has left` does not look like a join.

    The look-alike has U+043E (Cyrillic o) for the `o`. The client's comparison is case-sensitive, and so is this one.
    """
    return notice.replace("joined", "j\u043eined")


@dataclass(frozen=True, slots=True)
class JoinedDialect:
    framed = False
    wrap = None
    numerics = False
    echoes = False
    sees_own_join = False

    def encode(self, event: Event) -> tuple[bytes, ...]:
        match event:
            case Say():
                # A text may hold `joined`: with a colon before it, it shows as an odd join and does no harm.
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

    def summary(self, count: int) -> tuple[bytes, ...]:
        return (f"and {count} more came or went".encode(),)


JOINED = JoinedDialect()


class JoinedWire(UnframedWire):
    """The user enters by pressing Join or, without that, with a first text; the first name counts.

    A user who speaks without a name is a guest, and may still press Join.
    """

    __slots__ = ("_name",)

    dialect = JOINED
    registers_at_once = False  # a user presses Join in their own time
    listens = True

    def __init__(self) -> None:
        super().__init__()
        self._name = ""  # as the client writes it, whatever nickname the server made of it

    def _read(self, line: str) -> Command:
        if self._name:
            text = without_own_name(line, self._name)
            is_join = text == line and line.startswith(_JOINED)
            return BLANK if is_join else self._speak(text)  # only the first press of Join counts
        if line.startswith(_JOINED):
            name, text = line.removeprefix(_JOINED).strip(), ""
        else:
            name, text = claim(line)
        self._name = name[:OWN_NAME_LENGTH]
        return self._enter(name, text)
