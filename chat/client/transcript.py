"""The transcript: a read-only, selectable text of one talk, line by line. Widgets only.

Switching talks must be instant, and 5,000 lines take a quarter of a second to fill in: the newest are drawn at once,
what stands above them in portions while nothing else is to be done.
"""

import tkinter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from tkinter import ttk

from chat.client import drawing, links, look
from chat.client.folding import Folding, Row
from chat.client.palette import LIGHT, Palette
from chat.client.tags import Tags
from chat.client.talk import Line

_AT_ONCE = 300  # rows drawn before the window answers again; takes some 20 ms
_PAUSE = 15  # ms between the portions above them, for keys and mouse


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the transcript asks for."""

    visit: Callable[[str], object]  # a link
    resend: Callable[[int], None]  # the line of one's own with this id
    menu: Callable[[int, int], None]  # the context menu, at this place of the screen


class Transcript(ttk.Frame):
    """Follows the talk while its end is in sight; stays where it is when someone has scrolled back."""

    def __init__(self, parent: tkinter.Misc, shown: Callable[[str], str], wishes: Wishes) -> None:
        super().__init__(parent)
        self._shown = shown  # text as this machine can draw it
        self._wishes = wishes
        self._palette: Palette = LIGHT
        self._folding = Folding()  # row k of it is row k of what is shown, counted with those not drawn yet
        self._above = 0  # so many rows are not drawn yet; they stand above those that are
        self._drawing: str | None = None
        self._following = True
        self._missed = 0
        self.text = tkinter.Text(self, width=20, height=5, wrap="word", state="disabled", relief="flat", cursor="xterm")
        self.text.configure(padx=look.px(self, 12), pady=look.px(self, 8), spacing1=look.px(self, 3), takefocus=True)
        self._bar = ttk.Scrollbar(self, command=self._scroll)
        self.text.configure(yscrollcommand=self._bar.set, font=look.TEXT, borderwidth=0, highlightthickness=1)
        self._bar.pack(side="right", fill="y")
        self.text.pack(side="left", fill="both", expand=True)
        self._tags = Tags(self.text)
        self.newer = ttk.Button(self, style="Accent.TButton", command=self.follow, takefocus=False)
        self._bind()

    def paint(self, palette: Palette) -> None:
        self._palette = palette
        self.text.configure(background=palette.paper, foreground=palette.ink, selectforeground=palette.ink)
        self.text.configure(selectbackground=palette.marked, inactiveselectbackground=palette.marked)
        self.text.configure(highlightbackground=palette.edge, highlightcolor=palette.accent)
        self._tags.paint(palette)
        self._redraw()

    def refit(self) -> None:
        """The fonts have another size."""
        self._tags.refit()
        self._keep_the_end()

    def show(self, lines: Iterable[Line]) -> None:
        """Another talk, from its end."""
        self._folding = Folding()
        for line in lines:
            self._folding.append(line)
        self._redraw()

    def append(self, lines: Sequence[Line], oldest: int) -> None:
        """Show these lines at the end; those before that with the id `oldest` are gone from the beginning."""
        following = self._following
        gone = 0
        rows: list[Row] = []
        for line in lines:
            step = self._folding.append(line)
            within = min(step.gone, len(rows))
            del rows[len(rows) - within :]
            gone += step.gone - within
            rows += step.rows
        at = len(self._folding.rows) - len(rows) - self._above
        forgotten = self._folding.forget(oldest)
        if following and len(rows) > _AT_ONCE:  # nobody reads what has gone by before it is drawn
            self._redraw()
            return
        self._edit(at, gone, rows)
        hidden = min(forgotten, self._above)
        self._above -= hidden
        self._edit(0, forgotten - hidden, [])
        self._keep_the_end()
        if not following:
            self._missed += sum(line.words for line in lines)
            self._offer_newer()

    def change(self, line: Line) -> None:
        """The line with this id looks so now."""
        index = self._folding.change(line)
        if index is not None and index >= self._above:
            self._edit(index - self._above, 1, [self._folding.rows[index]])
            self._keep_the_end()

    def remove(self, line: Line) -> None:
        """The line with this id is gone."""
        index = self._folding.remove(line)
        if index is not None and index < self._above:
            self._above -= 1
        elif index is not None:
            self._edit(index - self._above, 1, [])

    def follow(self) -> None:
        """To the newest line, and stay with the newest."""
        self._following = True
        self._missed = 0
        self.newer.place_forget()
        self.text.see("end")

    def complete(self) -> None:
        """Draw what is not drawn yet, all of it: somebody wants to search it or to take it away."""
        while self._above:
            self._draw_above()

    def _redraw(self) -> None:
        """All anew: the newest rows now, the others soon."""
        self.text.configure(state="normal")
        self.text.delete("1.0", "end")
        self.text.configure(state="disabled")
        self._above = max(0, len(self._folding.rows) - _AT_ONCE)
        self._edit(0, 0, self._folding.rows[self._above :])
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
        self._edit(0, 0, self._folding.rows[self._above : end])
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
            pieces: drawing.Pieces = []
            for row in rows:
                pieces += drawing.row_pieces(row, self._palette, self._shown)
            pieces = self._tags.known(pieces)
            if at:
                self.text.insert(f"{at}.0 lineend", *pieces)  # type: ignore[arg-type]  # (text, tags) over and over
            else:
                empty = self.text.compare("end-1c", "==", "1.0")
                self.text.insert("1.0", *pieces, *([] if empty else ["\n"]))  # type: ignore[arg-type]
                self.text.delete("1.0")
        self.text.configure(state="disabled")

    def _offer_newer(self) -> None:
        if self._missed:
            self.newer.configure(text=f"{self._missed:,} new ↓" if self._missed > 1 else "1 new ↓")
            self.newer.place(relx=0.5, rely=1.0, y=-look.px(self, 10), anchor="s")

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

    def _see_where(self) -> None:
        """Somebody has scrolled: back, or to the end again."""
        self._following = self.text.yview()[1] >= 1.0
        if self._following:
            self.follow()

    def _keep_the_end(self, event: object = None) -> None:
        if self._following:
            self.text.see("end")

    def _bind(self) -> None:
        self.text.bind("<Button-1>", lambda event: self.text.focus_set(), add=True)  # or Ctrl-C would copy nothing
        for event in ("<Configure>", "<<WidgetViewSync>>"):  # the latter once Tk knows how high all lines are
            self.text.bind(event, self._keep_the_end)
        for event in ("<MouseWheel>", "<Button-4>", "<Button-5>", "<B1-Motion>", "<KeyPress>"):
            self.text.bind(event, lambda event: self.after_idle(self._see_where), add=True)
        for name, act in (("link", self._visit), ("again", self._resend)):
            self.text.tag_bind(name, "<ButtonRelease-1>", act)
            self.text.tag_bind(name, "<Enter>", lambda event: self.text.configure(cursor="hand2"))
            self.text.tag_bind(name, "<Leave>", lambda event: self.text.configure(cursor="xterm"))
        for button in ("<Button-2>", "<Button-3>") if self._windows() == "aqua" else ("<Button-3>",):
            self.text.bind(button, lambda event: self._wishes.menu(event.x_root, event.y_root))

    def _windows(self) -> str:
        return str(self.tk.call("tk", "windowingsystem"))

    def _visit(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if self.text.tag_ranges("sel"):
            return  # the mouse was drawn over it, to copy it
        ends = self.text.tag_prevrange("link", f"@{event.x},{event.y} +1c")
        found = links.links(self.text.get(*ends)) if ends else []
        if found:
            self._wishes.visit(found[0].url)

    def _resend(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        number = int(self.text.index(f"@{event.x},{event.y}").split(".")[0])
        self._wishes.resend(self._folding.rows[self._above + number - 1].line.id)
