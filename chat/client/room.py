"""One room as it is shown: who is in it, and the last lines of what was said. Pure state, no Tk."""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from chat.client.text import clean
from chat.wires.names import fold

SCROLLBACK = 5_000  # lines; a busy evening, and some 10 MB in a Tk text widget


class Look(Enum):
    """What a line of the transcript is; the window gives each its own look."""

    SAY = "say"
    ACTION = "action"  # /me
    NOTICE = "notice"  # what programs say
    HAPPENING = "happening"  # joins, leaves, renames
    SERVER = "server"
    HINT = "hint"  # this program's own words
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the transcript. `text` is clean and `nick` says whose words it is, if anybody's."""

    at: float  # seconds since the epoch
    look: Look
    text: str
    nick: str = ""
    mine: bool = False
    private: bool = False  # to us alone


class Room:
    """The members and the transcript of one room."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: deque[Line] = deque(maxlen=SCROLLBACK)
        self._members: dict[str, str] = {}  # the nickname folded, as it is shown

    def __contains__(self, nick: str) -> bool:
        return fold(nick) in self._members

    def __len__(self) -> int:
        return len(self._members)

    def members(self) -> list[str]:
        """Everybody's nickname, in the order of the alphabet."""
        return [self._members[key] for key in sorted(self._members)]

    def enter(self, *nicks: str) -> None:
        for nick in nicks:
            self._members[fold(nick)] = clean(nick)

    def leave(self, nick: str) -> None:
        self._members.pop(fold(nick), None)

    def empty(self) -> None:
        self._members.clear()

    def append(self, line: Line) -> int:
        """Add to the transcript; how many of the oldest lines that pushed out."""
        pushed_out = 1 if len(self.lines) == SCROLLBACK else 0
        self.lines.append(line)
        return pushed_out
