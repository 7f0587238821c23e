"""The rows that a transcript shows: runs of joins and leaves as one, a row between days, one before what is new.

Pure. Each change of the lines is an Edit of the rows, so that what is shown is changed in that place alone.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from itertools import islice

from chat.client.model.talk import Line, LineKind, Move, Moved
from chat.wires.names import fold

FEW = 3  # moves in a run that are still shown one by one, with their reasons; one more, and all are one row
_NAMED = 3  # people a folded row names of each kind; of more it names one less, and counts the others
_RUN = 600.0  # s between two lines of one speaker that still belong together


class RowKind(Enum):
    LINE = "line"
    DAY = "day"  # between days; it belongs to the line after it
    NEW = "new"  # before the first unread line, to which it belongs


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is what to show. It stands for the lines of the transcript from the id `first` to the id `last`."""

    line: Line
    first: int
    last: int
    kind: RowKind = RowKind.LINE
    lines: int = 1  # that it stands for; more than one where they are folded
    follows: bool = False  # the row above has the same speaker, who need not be named again


@dataclass(frozen=True, slots=True)
class Edit:
    """Take `gone` rows away at this place, and put these there."""

    at: int
    gone: int
    rows: tuple[Row, ...]


class Rows:
    """The rows of one transcript. `rows` is for reading: row k of it is row k of what is shown."""

    def __init__(self, first_unread: int = 0, was_away: bool = False) -> None:
        self._new = "while you were away" if was_away else "new"
        self.rows: list[Row] = []
        self._first_unread = first_unread
        self._day: date | None = None  # of the last line
        self._run = _Run()

    def append(self, line: Line, first_unread: int = 0) -> Edit:
        """A line came to the transcript's end; `first_unread` is the id of the first line that is new."""
        self._first_unread = first_unread or self._first_unread
        day = datetime.fromtimestamp(line.at).date()
        new: list[Row] = []
        if self._day not in (None, day):
            new.append(Row(Line(line.at, LineKind.EVENT, day_line(day)), line.id, line.id, RowKind.DAY))
        if line.id == self._first_unread:
            new.append(Row(Line(line.at, LineKind.EVENT, self._new), line.id, line.id, RowKind.NEW))
        if new or line.move is None:
            self._run = _Run()
        self._day = day
        shown = self._run.rows
        if line.move:
            self._run.add(line)
        gone = 0
        if self._run.moves > FEW:
            folded = replace(line, text=self._run.text() or line.text, raw="")
            new.append(Row(folded, self._run.first, line.id, lines=self._run.moves))
            gone, self._run.rows = shown, 1
        else:
            above = new[-1] if new else self.rows[-1] if self.rows else None
            new.append(Row(line, line.id, line.id, follows=follows(above, line)))
            self._run.rows += line.move is not None
        return self._edit(len(self.rows) - gone, gone, new)

    def forget(self, oldest: int) -> Edit:
        """The lines before that with the id `oldest` were pushed out."""
        gone = bisect_left(self.rows, oldest, key=lambda row: row.last)
        self._run.rows = min(self._run.rows, len(self.rows) - gone)
        return self._edit(0, gone, ()) if gone else Edit(0, 0, ())

    def change(self, line: Line) -> Edit | None:
        """The line with this id looks so now; None where it has no row of its own."""
        place = self._find(line)
        if place is None:
            return None
        above = self.rows[place - 1] if place else None
        return self._edit(place, 1, (Row(line, line.id, line.id, follows=follows(above, line)),))

    def remove(self, line: Line) -> Edit | None:
        """The line with this id is gone; None where it had no row of its own."""
        place = self._find(line)
        return None if place is None else self._edit(place, 1, ())

    def unmark(self) -> Edit | None:
        """What was new is no longer so; None where nothing was."""
        self._first_unread, self._new = 0, "new"
        for place in range(len(self.rows) - 1, -1, -1):
            if self.rows[place].kind is RowKind.NEW:
                return self._edit(place, 1, ())
        return None

    def unfold(self, place: int, lines: Iterable[Line]) -> Edit:
        """Show each of the lines that this row stands for; `lines` are the transcript's."""
        row = self.rows[place]
        rows = [Row(line, line.id, line.id) for line in lines if row.first <= line.id <= row.last]
        if place == len(self.rows) - 1:
            self._run = _Run()  # what comes now is another run
        return self._edit(place, 1, rows)

    def place_of(self, line: int) -> int:
        """The row that stands for the line with this id, or for the next one."""
        return bisect_left(self.rows, line, key=lambda row: row.last)

    def place_of_new(self) -> int | None:
        """Where the row stands before what is new."""
        return next((place for place, row in enumerate(self.rows) if row.kind is RowKind.NEW), None)

    def _edit(self, at: int, gone: int, rows: Sequence[Row]) -> Edit:
        """Do it; the row after it is drawn again where it names its speaker now, or needs to no longer."""
        self.rows[at : at + gone] = rows
        after = at + len(rows)
        if after < len(self.rows) and self.rows[after].kind is RowKind.LINE and self.rows[after].lines == 1:
            row = self.rows[after]
            named = follows(self.rows[after - 1] if after else None, row.line)
            if named != row.follows:
                self.rows[after] = replace(row, follows=named)
                return Edit(at, gone + 1, (*rows, self.rows[after]))
        return Edit(at, gone, tuple(rows))

    def _find(self, line: Line) -> int | None:
        place = bisect_left(self.rows, line.id, key=lambda row: row.last)
        while place < len(self.rows) and self.rows[place].kind is not RowKind.LINE:
            place += 1
        found = place < len(self.rows) and self.rows[place].last == line.id and self.rows[place].lines == 1
        return place if found else None


def follows(above: Row | None, line: Line) -> bool:
    """Whether the line need not say whose it is: the one above says it."""
    if above is None or above.kind is not RowKind.LINE or line.kind is not LineKind.SAY or not line.nick:
        return False
    before = above.line
    return before.kind is LineKind.SAY and before.nick == line.nick and 0 <= line.at - before.at <= _RUN


def day_line(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


class _Run:
    """What came of each person since the last words: who joined and left again did not come to stay."""

    def __init__(self) -> None:
        self.moves = 0
        self.first = 0  # id of the first line
        self.rows = 0  # that show it
        self._joined: dict[str, str] = {}  # nicknames as they are shown, by the folded one
        self._left: dict[str, str] = {}
        self._visited: dict[str, str] = {}  # joined and left
        self._back: dict[str, str] = {}  # left and joined
        self._renamed: dict[str, tuple[str, str]] = {}  # from what to what, by the folded new name

    def add(self, line: Line) -> None:
        assert line.move
        move = line.move
        self.first = self.first or line.id
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
