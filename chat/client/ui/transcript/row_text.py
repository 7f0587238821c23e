"""Rows as the text of a Tk text widget: row k of them is line k of it. Knows nothing of scrolling.

Switching talks must be instant, and 5,000 lines take a quarter of a second to fill in: the newest are drawn at once,
what stands above them in portions while nothing else is to be done.
"""

import tkinter
from collections.abc import Callable, Iterable, Sequence

from chat.client.model.talk import Line, Talk
from chat.client.text.palette import LIGHT, Palette
from chat.client.ui import look
from chat.client.ui.transcript.drawing import Pen, Pieces, Tags
from chat.client.ui.transcript.rows import Edit, Row, RowKind, Rows

AT_ONCE = 300  # rows drawn before the window answers again; takes some 20 ms
_PAUSE = 15  # ms between the portions above them, for keys and mouse
_FEW = 200  # rows of which it is looked whether they fill the height
_LONG = 16  # characters of a word that may be wider than the narrowest transcript


class RowText:
    """`shown` gives text as this machine can draw it, `colour` a nickname's; `grown` is called after rows came in."""

    def __init__(
        self,
        text: tkinter.Text,
        shown: Callable[[str], str],
        colour: Callable[[str], str],
        grown: Callable[[], None],
    ) -> None:
        self.text = text
        self._shown = shown
        self._colour = colour
        self._grown = grown
        self.orders = text.tk.call("tk", "windowingsystem") == "x11"  # elsewhere Tk orders right-to-left text itself
        self._width = 0  # pixels for which it was ordered
        self._lines: Iterable[Line] = ()
        self._rows = Rows()
        self._above = 0  # number of rows not drawn yet, above those that are
        self._drawing: str | None = None
        self._tags = Tags(text)
        self._pen = self._make_pen(LIGHT)

    def paint(self, palette: Palette) -> None:
        self._pen = self._make_pen(palette)
        self._tags.paint(palette)
        self.redraw()

    def refit(self) -> bool:
        """The fonts or the widget have another size. Whether all was drawn from the start for it."""
        self._tags.refit()
        redrawn = self._tags.little != self._pen.little
        if redrawn:
            self._pen.little = self._tags.little
            self.redraw()
        if self._tags.room != self._width:
            self._width = self._tags.room
            self._order_again()
            self.text.tag_remove("broken", "1.0", "end")
            self._break(0, len(self._rows.rows) - self._above)
        self.sink()
        return redrawn

    def show(self, talk: Talk) -> None:
        """All of this talk."""
        self._lines = talk.lines
        self._rows = Rows(talk.first_unread, talk.was_away)
        for line in talk.lines:
            self._rows.append(line)
        self.redraw()

    def append(self, lines: Sequence[Line], talk: Talk, newest_first: bool) -> None:
        """Show these lines at the end; those that the talk has no longer are gone from the beginning.

        Of very many, the newest are drawn first if one may do so: nobody reads what has gone by before it is drawn.
        """
        if any(line.id == talk.first_unread for line in lines):
            self._apply(self._rows.unmark())
        before = len(self._rows.rows)
        gone = 0
        rows: list[Row] = []
        for line in lines:
            edit = self._rows.append(line, talk.first_unread)
            within = min(edit.gone, len(rows))
            del rows[len(rows) - within :]
            gone += edit.gone - within
            rows += edit.rows
        forget = self._rows.forget(talk.lines[0].id if talk.lines else 0)
        if newest_first and len(rows) > AT_ONCE:
            self.redraw()
            return
        self._edit(before - gone - self._above, gone, rows)
        self._apply(forget)
        self.sink()

    def change(self, line: Line) -> None:
        """The line with this id looks so now."""
        self._apply(self._rows.change(line))

    def remove(self, line: Line) -> None:
        """The line with this id is gone."""
        self._apply(self._rows.remove(line))

    def unfold(self, place: int) -> None:
        """Show each of the lines that this row stands for."""
        self._apply(self._rows.unfold(place, self._lines))

    def row_at(self, x: int, y: int) -> tuple[int, Row | None]:
        """The row at this place of the widget, and its number."""
        place = self._above + int(self.text.index(f"@{x},{y}").split(".")[0]) - 1
        return place, self._rows.rows[place] if place < len(self._rows.rows) else None

    @property
    def whole(self) -> bool:
        """Whether all rows are drawn."""
        return not self._above

    def line_of(self, line: int) -> str:
        """Where the row stands that has the line with this id; all rows are drawn by then."""
        self.complete()
        return f"{self._rows.place_of(line) + 1}.0"

    def line_of_new(self) -> str:
        """Where the row stands before what is new; all rows are drawn by then. Empty where nothing is."""
        place = self._rows.place_of_new()
        if place is None:
            return ""
        self.complete()
        return f"{place + 1}.0"

    def complete(self) -> None:
        """Draw what is not drawn yet, all of it: somebody wants to search it or to take it away."""
        while self._above:
            self._draw_above()

    def selected(self, start: str, end: str) -> str:
        """The text between two places, right-to-left words in the order in which they were written."""
        (first, left), (last, right) = (map(int, place.split(".")) for place in (start, end))
        texts = []
        for number in range(first, last + 1):
            drawn = self.text.get(f"{number}.0", f"{number}.end")
            low = len(self.text.get(f"{number}.0", f"{number}.{left}")) if number == first else 0
            high = len(self.text.get(f"{number}.0", f"{number}.{right}")) if number == last else len(drawn)
            order = self._pen.reordered(self._pen.words(self._rows.rows[self._above + number - 1].line))
            at = drawn.find(order.shown) if order else -1
            if order is None or at < 0:
                texts.append(drawn[low:high])
                continue
            after = at + len(order.shown)
            words = order.logical(low - at, min(high, after) - at)
            texts.append(f"{drawn[low : min(high, at)]}{words}{drawn[max(low, after) : high]}")
        return "\n".join(texts)

    def redraw(self) -> None:
        """All from the start: the newest rows now, the others soon."""
        self.text.configure(state="normal")
        self.text.delete("1.0", "end")
        self.text.configure(state="disabled")
        self._above = max(0, len(self._rows.rows) - AT_ONCE)
        self._edit(0, 0, self._rows.rows[self._above :])
        self.sink()
        self._draw_later()

    def sink(self) -> None:
        """Few lines stand at the bottom, by the message box."""
        free = 0
        if len(self._rows.rows) <= _FEW and self.text.winfo_height() > 1:
            self.text.tag_remove("top", "1.0", "end")
            high = self.text.count("1.0", "end", "update", "ypixels")
            used = (high[0] if isinstance(high, tuple) else high) or 0
            free = self.text.winfo_height() - used - 2 * int(str(self.text.cget("pady"))) - 2
        if free > 0:
            self.text.tag_configure("top", spacing1=free + look.px(self.text, 3))
            self.text.tag_add("top", "1.0", "2.0")
        else:
            self.text.tag_remove("top", "1.0", "end")

    def _make_pen(self, palette: Palette) -> Pen:
        fits = (lambda text: look.width(self.text, text) <= self._tags.room) if self.orders else None
        pen = Pen(palette, self._shown, self._colour, fits)
        pen.little = self._tags.little
        return pen

    def _order_again(self) -> None:
        """Rows of right-to-left text are broken into other lines now."""
        for place in range(self._above, len(self._rows.rows)):
            row = self._rows.rows[place]
            if not row.line.text.isascii() and self._pen.reordered(row.line.text):
                self._edit(place - self._above, 1, [row])

    def _apply(self, edit: Edit | None) -> None:
        """Do what was done to the rows to those that are drawn."""
        if edit is None or not (edit.gone or edit.rows):
            return
        if edit.at + edit.gone <= self._above and edit.at < self._above:
            self._above += len(edit.rows) - edit.gone  # all of it happened above what is drawn
            return
        hidden = max(0, self._above - edit.at)
        self._above -= hidden
        self._edit(edit.at - self._above, edit.gone - hidden, edit.rows)

    def _edit(self, at: int, delete: int, rows: Sequence[Row]) -> None:
        """Take rows away at this place of those that are drawn, and put these there.

        Each row begins with its line feed, but for the first: the text never ends with an empty line.
        """
        if not (delete or rows):
            return
        self.text.configure(state="normal")
        if delete:
            first, last = (f"{at}.0 lineend", f"{at + delete}.0 lineend") if at else ("1.0", f"{delete + 1}.0")
            self.text.delete(first, last)
        if rows:
            pieces: Pieces = []
            for row in rows:
                pieces += self._pen.row(row)
            pieces = self._tags.known(pieces)
            if at:
                self.text.insert(f"{at}.0 lineend", *pieces)  # type: ignore[arg-type]  # (text, tags) over and over
            else:
                empty = self.text.compare("end-1c", "==", "1.0")
                self.text.insert("1.0", *pieces, *([] if empty else ["\n"]))  # type: ignore[arg-type]
                self.text.delete("1.0")
            self._tint(at, len(rows))
            self._break(at, len(rows))
        self.text.configure(state="disabled")

    def _tint(self, at: int, count: int) -> None:
        """The rows that call the person, to the right edge: the line feed that ends a row came with the one below."""
        first = max(0, at - 1)
        rows = self._rows.rows[self._above + first : self._above + at + count]
        for place, row in enumerate(rows, first + 1):
            if row.kind is RowKind.LINE and row.line.mention:
                last = self.text.compare(f"{place + 1}.0", ">=", "end")  # Tk's own line feed goes on to the next row
                self.text.tag_add("called", f"{place}.0", "end-1c" if last else f"{place + 1}.0")

    def _break(self, at: int, count: int) -> None:
        """Rows that begin with a word wider than the widget: Tk would leave their first line empty.

        It breaks a line as the line's first sign says: inside words on the row's first line, between words below.
        """
        for place, row in enumerate(self._rows.rows[self._above + at : self._above + at + count], at + 1):
            word = row.line.text.partition(" ")[0]
            if len(word) >= _LONG and look.width(self.text, word) > self._tags.room:
                self.text.tag_add("broken", f"{place}.0")

    def _draw_later(self) -> None:
        if self._above and self._drawing is None:
            self._drawing = self.text.after(_PAUSE, self._draw_portion)

    def _draw_portion(self) -> None:
        self._drawing = None
        self._draw_above()
        self._draw_later()

    def _draw_above(self) -> None:
        end, self._above = self._above, max(0, self._above - AT_ONCE)
        self._edit(0, 0, self._rows.rows[self._above : end])
        self._grown()
