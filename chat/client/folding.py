"""The rows that a transcript shows: runs of joins, leaves and renames as one, and a row between days.

Pure, and stable while lines are appended: each answer says how many of the last rows go, and which come.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice

from chat.client.talk import Line, Look, Move, Moved
from chat.wires.names import fold

FEW = 3  # moves in a run that are still shown one by one, with their reasons; one more, and all are one row
_NAMED = 3  # people a folded row names of each kind; of more it names one less, and counts the others


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is what to show. It stands for the lines of the transcript up to that with the id `last`."""

    line: Line
    last: int
    day: bool = False  # a line between days, which belongs to the line after it
    lines: int = 1  # that it stands for; more than one where they are folded


@dataclass(frozen=True, slots=True)
class Step:
    """Take `gone` rows from the end, then append these."""

    gone: int
    rows: tuple[Row, ...]


class Folding:
    """The rows of one transcript. `rows` is for reading: row k of it is row k of what is shown."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._day: date | None = None  # of the last line
        self._run = _Run()

    def append(self, line: Line) -> Step:
        """A line came to the transcript's end."""
        day = datetime.fromtimestamp(line.at).date()
        new: list[Row] = []
        if self._day not in (None, day):
            new.append(Row(Line(line.at, Look.HAPPENING, day_line(day)), line.id, day=True))
        if new or line.move is None:
            self._run = _Run()
        self._day = day
        shown = self._run.rows
        if line.move:
            self._run.add(line.move)
        gone = 0
        if self._run.moves > FEW:
            new.append(Row(replace(line, text=self._run.text() or line.text, raw=""), line.id, lines=self._run.moves))
            gone, self._run.rows = shown, 1
        else:
            new.append(Row(line, line.id))
            self._run.rows += line.move is not None
        del self.rows[len(self.rows) - gone :]
        self.rows += new
        return Step(gone, tuple(new))

    def forget(self, oldest: int) -> int:
        """The lines before that with the id `oldest` were pushed out: how many rows go from the beginning."""
        gone = bisect_left(self.rows, oldest, key=lambda row: row.last)
        del self.rows[:gone]
        self._run.rows = min(self._run.rows, len(self.rows))
        return gone

    def change(self, line: Line) -> int | None:
        """The line with this id looks so now: the number of its row, counted from 0; None where it has none."""
        place = self._find(line)
        if place is not None:
            self.rows[place] = Row(line, line.id)
        return place

    def remove(self, line: Line) -> int | None:
        """The line with this id is gone: the number that its row had; None where it had none."""
        place = self._find(line)
        if place is not None:
            del self.rows[place]
        return place

    def _find(self, line: Line) -> int | None:
        place = bisect_left(self.rows, line.id, key=lambda row: row.last)
        if place < len(self.rows) and self.rows[place].day:
            place += 1
        found = place < len(self.rows) and self.rows[place].last == line.id and self.rows[place].lines == 1
        return place if found else None


def day_line(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


class _Run:
    """What came of each person since the last words: who joined and left again did not come to stay."""

    def __init__(self) -> None:
        self.moves = 0
        self.rows = 0  # that show it
        self._joined: dict[str, str] = {}  # nicknames as they are shown, by the folded one
        self._left: dict[str, str] = {}
        self._visited: dict[str, str] = {}  # joined and left
        self._back: dict[str, str] = {}  # left and joined
        self._renamed: dict[str, tuple[str, str]] = {}  # from what to what, by the folded new name

    def add(self, move: Move) -> None:
        self.moves += 1
        key = fold(move.nick)
        if move.how is Moved.RENAMED:
            self._rename(key, move)
            return
        came = move.how is Moved.JOINED
        before = next((kind for kind in self._kinds() if kind.pop(key, None)), None)
        if came:
            after = self._back if before is self._left or before is self._back else self._joined
        else:
            after = self._visited if before is self._joined else self._left
        after[key] = move.nick

    def text(self) -> str:
        renamed = [f"{old} is now {new}" for old, new in islice(self._renamed.values(), _NAMED)]
        parts = (
            _several(self._joined.values(), len(self._joined), "joined"),
            _several(self._visited.values(), len(self._visited), "joined and left"),
            _several(self._left.values(), len(self._left), "left"),
            _several(self._back.values(), len(self._back), "left and came back"),
            _several(renamed, len(self._renamed), "", "have new names"),
        )
        return "; ".join(part for part in parts if part)

    def _kinds(self) -> tuple[dict[str, str], ...]:
        return self._joined, self._left, self._visited, self._back

    def _rename(self, key: str, move: Move) -> None:
        for kind in (self._joined, self._back):
            if kind.pop(key, None):  # came, and is known by the new name from now on
                kind[fold(move.to)] = move.to
                return
        first, _ = self._renamed.pop(key, (move.nick, ""))
        if first != move.to:
            self._renamed[fold(move.to)] = (first, move.to)


def _several(names: Iterable[str], count: int, did: str, others_did: str = "") -> str:
    """`anna, ben and 14 others joined`; nothing for nobody."""
    shown = list(islice(names, _NAMED))
    if count == 0:
        return ""
    if count > _NAMED:
        shown = shown[: _NAMED - 1]
        return f"{', '.join(shown)} and {count - len(shown):,} others {others_did or did}"
    listed = shown[0] if count == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"{listed} {did}".rstrip()
