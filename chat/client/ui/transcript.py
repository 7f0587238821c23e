"""The transcript: a read-only, selectable text of one talk, row by row. Widgets only.

Switching talks must be instant, and 5,000 lines take a quarter of a second to fill in: the newest are drawn at once,
what stands above them in portions while nothing else is to be done.
"""

import tkinter
from collections.abc import Callable, Iterable, Sequence
from tkinter import ttk
from typing import Protocol

from chat.client.model.rows import Edit, Row, RowKind, Rows
from chat.client.model.talk import Line, Talk
from chat.client.text import links
from chat.client.text.palette import LIGHT, Palette
from chat.client.ui import fonts
from chat.client.ui.drawing import Pen, Pieces
from chat.client.ui.tags import Tags
from chat.client.ui.widgets import Tooltip, menu_buttons

_AT_ONCE = 300  # rows drawn before the window answers again; takes some 20 ms
_PAUSE = 15  # ms between the portions above them, for keys and mouse
_FEW = 200  # rows of which it is looked whether they fill the height


class Actions(Protocol):
    """What the transcript asks for."""

    def visit(self, url: str) -> object: ...
    def resend(self, line: int) -> None: ...
    def text_menu(self, line: Line | None, url: str, x: int, y: int) -> None: ...
    def load_more(self) -> None: ...
    def nick_colour(self, nick: str) -> str: ...


class Transcript(ttk.Frame):
    """Follows the talk while its end is in sight; stays where it is when someone has scrolled back."""

    def __init__(self, parent: tkinter.Misc, shown: Callable[[str], str], actions: Actions) -> None:
        super().__init__(parent)
        self._shown = shown  # text as this machine can draw it
        self._actions = actions
        self._orders = self.tk.call("tk", "windowingsystem") == "x11"  # elsewhere Tk orders right-to-left text itself
        self._width = 0  # pixels for which it was ordered
        self._lines: Iterable[Line] = ()
        self._rows = Rows()  # row k of it is row k of what is shown, counted with those not drawn yet
        self._above = 0  # so many rows are not drawn yet; they stand above those that are
        self._drawing: str | None = None
        self._following = True
        self._scrolling = False
        self._missed = 0
        self.text = tkinter.Text(self, width=20, height=5, wrap="word", state="disabled", relief="flat", cursor="xterm")
        self.text.configure(padx=fonts.px(self, 12), pady=fonts.px(self, 8), spacing1=fonts.px(self, 3), takefocus=True)
        self._bar = ttk.Scrollbar(self, command=self._scroll, style="Paper.Vertical.TScrollbar")
        self.text.configure(yscrollcommand=self._bar.set, font=fonts.TEXT, borderwidth=0, highlightthickness=1)
        self._bar.pack(side="right", fill="y")
        self.text.pack(side="left", fill="both", expand=True)
        self._tags = Tags(self.text)
        self._pen = self._make_pen(LIGHT)
        self._tooltip = Tooltip(self.text, self._whole_name)
        self.newer = ttk.Button(self, style="Accent.TButton", command=self.follow, takefocus=False)
        self._bind()

    def paint(self, palette: Palette) -> None:
        self._pen = self._make_pen(palette)
        self.text.configure(background=palette.paper, foreground=palette.ink, selectforeground=palette.ink)
        self.text.configure(selectbackground=palette.marked, inactiveselectbackground=palette.marked)
        self.text.configure(highlightbackground=palette.paper, highlightcolor=palette.edge)
        self._tags.paint(palette)
        self._tooltip.paint(palette)
        self._redraw()

    def _make_pen(self, palette: Palette) -> Pen:
        fits = (lambda text: fonts.width(self, text) <= self._tags.room) if self._orders else None
        pen = Pen(palette, self._shown, self._actions.nick_colour, fits)
        pen.little = self._tags.little
        return pen

    def refit(self, event: object = None) -> None:
        """The fonts or the window have another size."""
        self._tags.refit()
        if self._tags.little != self._pen.little:
            self._pen.little = self._tags.little
            self._redraw()
        if self._tags.room != self._width:
            self._width = self._tags.room
            self._order_again()
        self._sink()
        self._keep_the_end()

    def show(self, talk: Talk, stay: bool = False) -> None:
        """All of this talk, from its end, or from where one has scrolled to; `stay` where lines only came above it."""
        before = self.text.index("end-1c").split(".")[0], self.text.yview()[0]
        self._lines = talk.lines
        self._rows = Rows(talk.first_unread, talk.was_away)
        for line in talk.lines:
            self._rows.append(line)
        self._redraw()
        if talk.position:
            self.complete()
            self.text.yview(f"{self._rows.place_of(talk.position) + 1}.0")
            self._see_where()
        elif stay:
            self.complete()
            new = int(self.text.index("end-1c").split(".")[0]) - int(before[0])
            self.text.see(f"{max(1, new)}.0")
            self.text.yview(f"{max(1, new)}.0")
            self._see_where()

    def position(self) -> int:
        """The id of the line at the top, where one has scrolled back; 0 at the end."""
        if self._following or not self._rows.rows:
            return 0
        return self._rows.rows[min(self._row_at(0, 0), len(self._rows.rows) - 1)].last

    def append(self, lines: Sequence[Line], talk: Talk) -> None:
        """Show these lines at the end; those that the talk has no longer are gone from the beginning."""
        following = self._following
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
        if following and len(rows) > _AT_ONCE:  # nobody reads what has gone by before it is drawn
            self._redraw()
            return
        self._edit(before - gone - self._above, gone, rows)
        self._apply(forget)
        self._sink()
        self._keep_the_end()
        if not following:
            self._missed += sum(line.words for line in lines)
            self._offer_newer()

    def change(self, line: Line) -> None:
        """The line with this id looks so now."""
        self._apply(self._rows.change(line))
        self._keep_the_end()

    def remove(self, line: Line) -> None:
        """The line with this id is gone."""
        self._apply(self._rows.remove(line))

    def follow(self) -> None:
        """To the newest line, and stay with the newest."""
        self._following = True
        self._missed = 0
        self.newer.place_forget()
        self.text.see("end")

    def to_new(self) -> bool:
        """To the row before what is new; whether there is one."""
        place = self._rows.place_of_new()
        if place is None:
            return False
        self.complete()
        self.text.yview(f"{max(1, place)}.0")
        self._see_where()
        return True

    def complete(self) -> None:
        """Draw what is not drawn yet, all of it: somebody wants to search it or to take it away."""
        while self._above:
            self._draw_above()

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

    def _redraw(self) -> None:
        """All from the start: the newest rows now, the others soon."""
        self.text.configure(state="normal")
        self.text.delete("1.0", "end")
        self.text.configure(state="disabled")
        self._above = max(0, len(self._rows.rows) - _AT_ONCE)
        self._edit(0, 0, self._rows.rows[self._above :])
        self._sink()
        self.follow()
        self._draw_later()

    def _draw_later(self) -> None:
        if self._above and self._drawing is None:
            self._drawing = self.after(_PAUSE, self._draw_portion)

    def _draw_portion(self) -> None:
        self._drawing = None
        self._draw_above()
        self._draw_later()

    def _draw_above(self) -> None:
        end, self._above = self._above, max(0, self._above - _AT_ONCE)
        self._edit(0, 0, self._rows.rows[self._above : end])
        self._keep_the_end()

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
        self.text.configure(state="disabled")

    def _tint(self, at: int, count: int) -> None:
        """The rows that call the person, to the right edge: the line feed that ends a row came with the one below."""
        first = max(0, at - 1)
        rows = self._rows.rows[self._above + first : self._above + at + count]
        for place, row in enumerate(rows, first + 1):
            if row.kind is RowKind.LINE and row.line.mention:
                last = self.text.compare(f"{place + 1}.0", ">=", "end")  # Tk's own line feed goes on to the next row
                self.text.tag_add("called", f"{place}.0", "end-1c" if last else f"{place + 1}.0")

    def _sink(self) -> None:
        """Few lines stand at the bottom, by the message box."""
        free = 0
        if len(self._rows.rows) <= _FEW and self.text.winfo_height() > 1:
            self.text.tag_remove("top", "1.0", "end")
            high = self.text.count("1.0", "end", "update", "ypixels")
            used = (high[0] if isinstance(high, tuple) else high) or 0
            free = self.text.winfo_height() - used - 2 * int(str(self.text.cget("pady"))) - 2
        if free > 0:
            self.text.tag_configure("top", spacing1=free + fonts.px(self, 3))
            self.text.tag_add("top", "1.0", "1.0 lineend")
        else:
            self.text.tag_remove("top", "1.0", "end")

    def _offer_newer(self) -> None:
        if self._missed:
            self.newer.configure(text=f"{self._missed:,} new ↓" if self._missed > 1 else "1 new ↓")
            self.newer.place(relx=0.5, rely=1.0, y=-fonts.px(self, 10), anchor="s")

    def look_at(self, index: str) -> None:
        """Bring this place into sight, and stay there."""
        self.text.see(index)
        self._see_where()

    def page(self, step: int) -> str:
        """A page back or forth, for whoever has the keyboard elsewhere."""
        self.text.yview_scroll(step, "pages")
        self._see_where()
        return "break"

    def _scroll(self, *how: str) -> None:
        """What the scroll bar asks for."""
        self.text.yview(*how)
        self._see_where()

    def _scrolls(self, event: object) -> None:
        """Somebody scrolls with keys or mouse: until it is known where to, the end is not kept in sight."""
        if not self._scrolling:
            self._scrolling = True
            self.after_idle(self._see_where)

    def _see_where(self) -> None:
        """Somebody has scrolled: back, or to the end again."""
        self._scrolling = False
        top, bottom = self.text.yview()
        self._following = bottom >= 1.0
        if self._following:
            self.follow()
        if top <= 0.0 and not self._above and bottom < 1.0:
            self._actions.load_more()

    def _keep_the_end(self, event: object = None) -> None:
        if self._following and not self._scrolling:
            self.text.see("end")

    def _bind(self) -> None:
        self.text.bind("<Button-1>", lambda event: self.text.focus_set(), add=True)  # or Ctrl-C would copy nothing
        self.text.bind("<Configure>", self.refit)
        self.text.bind("<<Copy>>", self._copy)
        self.text.bind("<<WidgetViewSync>>", self._keep_the_end)  # once Tk knows how high all lines are
        for event in ("<MouseWheel>", "<Button-4>", "<Button-5>", "<B1-Motion>", "<KeyPress>"):
            self.text.bind(event, self._scrolls, add=True)
        for name, act in (("link", self._visit), ("again", self._resend), ("fold", self._unfold)):
            self.text.tag_bind(name, "<ButtonRelease-1>", act)
            self.text.tag_bind(name, "<Enter>", lambda event: self.text.configure(cursor="hand2"))
            self.text.tag_bind(name, "<Leave>", lambda event: self.text.configure(cursor="xterm"))
        for button in menu_buttons(self):
            self.text.bind(button, self._menu)

    def _order_again(self) -> None:
        """Rows of right-to-left text are broken into other lines now."""
        for place in range(self._above, len(self._rows.rows)):
            row = self._rows.rows[place]
            if not row.line.text.isascii() and self._pen.reordered(row.line.text):
                self._edit(place - self._above, 1, [row])

    def _copy(self, event: object) -> str | None:
        """What is selected, right-to-left text in the order in which it was written."""
        ranges = self.text.tag_ranges("sel")
        if not (self._orders and ranges):
            return None
        text = self._selected(str(ranges[0]), str(ranges[1]))
        if text == self.text.get(*ranges[:2]):
            return None
        self.clipboard_clear()
        self.clipboard_append(text)
        return "break"

    def _selected(self, start: str, end: str) -> str:
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

    def _row_at(self, x: int, y: int) -> int:
        """The row at this place of the widget, counted with those that are not drawn."""
        return self._above + int(self.text.index(f"@{x},{y}").split(".")[0]) - 1

    def _url_at(self, x: int, y: int) -> str:
        ends = self.text.tag_prevrange("link", f"@{x},{y} +1c")
        inside = len(ends) == 2 and self.text.compare(f"@{x},{y}", "<", ends[1])
        found = links.links(self.text.get(*ends)) if inside else []
        return found[0].url if found else ""

    def _menu(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        place = self._row_at(event.x, event.y)
        row = self._rows.rows[place] if place < len(self._rows.rows) else None
        line = row.line if row and row.kind is RowKind.LINE else None
        self._actions.text_menu(line, self._url_at(event.x, event.y), event.x_root, event.y_root)

    def _visit(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if self.text.tag_ranges("sel"):
            return  # the mouse was drawn over it, to copy it
        url = self._url_at(event.x, event.y)
        if url:
            self._actions.visit(url)

    def _resend(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        self._actions.resend(self._rows.rows[self._row_at(event.x, event.y)].line.id)

    def _unfold(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        self._apply(self._rows.unfold(self._row_at(event.x, event.y), self._lines))

    def _whole_name(self, x: int, y: int) -> str:
        """The name that is cut short in its column."""
        if "nick" not in self.text.tag_names(f"@{x},{y}"):
            return ""
        row = self._rows.rows[self._row_at(x, y)]
        return row.line.nick if row.kind is RowKind.LINE else ""
