"""The keys of the message box: Tab completes names, commands and rooms; Up and Down recall what was sent. Pure."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chat.wires.names import fold


@dataclass(frozen=True, slots=True)
class Candidates:
    """What there is to complete, each in the order in which it is offered."""

    nicks: Sequence[str] = ()  # `by_speech` puts them in order
    commands: Sequence[str] = ()  # without the slash
    rooms: Sequence[str] = ()  # with their sign


def by_speech(nicks: Sequence[str], spoke: Sequence[str]) -> list[str]:
    """Those who spoke last come first, then the others in their order. `spoke`: the nick of each line, oldest first."""
    last = {fold(nick): place for place, nick in enumerate(spoke)}
    return sorted(nicks, key=lambda nick: -last.get(fold(nick), -1))


class Completion:
    """One run of Tab and Shift+Tab: `next` goes round and round through what fits, and through what was typed.

    Any other key ends the run: `goes_on` says whether text and cursor are still as the run left them.
    """

    def __init__(self, text: str, cursor: int, candidates: Candidates) -> None:
        start = max(text.rfind(blank, 0, cursor) for blank in " \n") + 1
        self._before, self._after = text[:start], text[cursor:]
        word = text[start:cursor]
        self._choices = [word, *dict.fromkeys(_fitting(word, self._before, self._after, candidates))]
        self._at = 0
        self._shown = (text, cursor)

    def goes_on(self, text: str, cursor: int) -> bool:
        return self._shown == (text, cursor)

    def next(self, back: bool = False) -> tuple[str, int]:
        """The text and the cursor with the next that fits, or the one before; as they were where nothing does."""
        self._at = (self._at + (-1 if back else 1)) % len(self._choices)
        choice = self._choices[self._at]
        self._shown = (self._before + choice + self._after, len(self._before) + len(choice))
        return self._shown


def _fitting(word: str, before: str, after: str, candidates: Candidates) -> Iterator[str]:
    """Whole replacements for the word, with what is to follow them."""
    if not word:
        return
    wanted = fold(word)
    space = "" if after.startswith(" ") else " "
    first = not before or before.endswith("\n")
    if first and word.startswith("/"):
        yield from (f"/{name}{space}" for name in candidates.commands if fold(name).startswith(wanted[1:]))
        return
    yield from (f"{room}{space}" for room in candidates.rooms if fold(room).startswith(wanted))
    ending = ": " if first and not after else space
    for nick in candidates.nicks:
        if fold(nick).startswith(wanted):
            yield f"{nick}{ending}"
        elif word.startswith("@") and fold(nick).startswith(wanted[1:]):
            yield f"@{nick}{ending}"


REMEMBERED = 200  # messages; more than anybody pages through


class Recall:
    """Going up leads to ever older ones; below the newest waits what was being written when one went up."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._sent: deque[str] = deque(maxlen=limit)
        self._back = 0  # how far up one is; 0 is the draft
        self._draft = ""

    def add(self, text: str) -> None:
        """It was sent. The next Up leads to it."""
        if text and not (self._sent and self._sent[-1] == text):
            self._sent.append(text)
        self._back = 0
        self._draft = ""

    def up(self, now: str) -> str | None:
        """What to show in the box, which holds `now`; None at the top."""
        return self._go(1, now)

    def down(self, now: str) -> str | None:
        """What to show in the box; None at the bottom."""
        return self._go(-1, now)

    def _go(self, step: int, now: str) -> str | None:
        back = self._back + step
        if not 0 <= back <= len(self._sent):
            return None
        if self._back == 0:
            self._draft = now
        self._back = back
        return self._sent[-back] if back else self._draft
