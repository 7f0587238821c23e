"""The transcript: a read-only, selectable text of one talk, that follows its end. Widgets only."""

import tkinter
from collections.abc import Callable, Sequence
from tkinter import ttk
from typing import Protocol

from chat.client.model.talk import Line, Talk
from chat.client.text import formatting
from chat.client.text.palette import Palette
from chat.client.ui import look
from chat.client.ui.transcript.row_text import RowText
from chat.client.ui.transcript.rows import RowKind
from chat.client.ui.widgets import Tooltip, menu_buttons


class Actions(Protocol):
    """The transcript's requests to the window."""

    def visit(self, url: str) -> object: ...
    def resend(self, line: int) -> None: ...
    def text_menu(self, line: Line | None, url: str, x: int, y: int) -> None: ...
    def load_more(self) -> None: ...
    def nick_colour(self, nick: str) -> str: ...


class Transcript(ttk.Frame):
    """Follows the talk while its end is in sight; stays where it is when someone has scrolled back."""

    def __init__(self, parent: tkinter.Misc, shown: Callable[[str], str], actions: Actions) -> None:
        super().__init__(parent)
        self._actions = actions
        self._following = True
        self._scrolling = False
        self._missed = 0
        self.text = tkinter.Text(self, width=20, height=5, wrap="word", state="disabled", relief="flat", cursor="xterm")
        self.text.configure(padx=look.px(self, 12), pady=look.px(self, 8), spacing1=look.px(self, 3), takefocus=True)
        self._bar = ttk.Scrollbar(self, command=self._scroll, style="Paper.Vertical.TScrollbar")
        self.text.configure(yscrollcommand=self._bar.set, font=look.TEXT, borderwidth=0, highlightthickness=1)
        self._bar.pack(side="right", fill="y")
        self.text.pack(side="left", fill="both", expand=True)
        self._rows = RowText(self.text, shown, actions.nick_colour, self._keep_the_end)
        self._tooltip = Tooltip(self.text, self._whole_name)
        self.newer = ttk.Button(self, style="Accent.TButton", command=self.follow, takefocus=False)
        self._bind()

    def paint(self, palette: Palette) -> None:
        self.text.configure(background=palette.paper, foreground=palette.ink, selectforeground=palette.ink)
        self.text.configure(selectbackground=palette.marked, inactiveselectbackground=palette.marked)
        self.text.configure(highlightbackground=palette.paper, highlightcolor=palette.edge)
        self._tooltip.paint(palette)
        position = self.position()
        self._rows.paint(palette)
        self._go_back(position)

    def refit(self, event: object = None) -> None:
        """The fonts or the window have another size."""
        position = self.position()
        redrawn = self._rows.refit()
        self._go_back(position if redrawn else 0)

    def show(self, talk: Talk) -> None:
        """All of this talk, from its end, or from where one has scrolled to."""
        self._rows.show(talk)
        self.follow()
        if talk.position:
            self._go(self._rows.line_of(talk.position))

    def _go_back(self, position: int) -> None:
        """All is drawn from the start: the same line at the top again, or the end, which was followed."""
        if position:
            self._go(self._rows.line_of(position))
        self._keep_the_end()

    def _go(self, index: str) -> None:
        """Have this line at the top."""
        self.text.yview(index)
        self._see_where()

    def position(self) -> int:
        """The id of the line at the top, where one has scrolled back; 0 at the end."""
        row = self._rows.row_at(0, 0)[1]
        return 0 if self._following or row is None else row.last

    def append(self, lines: Sequence[Line], talk: Talk) -> None:
        """Show these lines at the end; those that the talk has no longer are gone from the beginning."""
        following = self._following
        self._rows.append(lines, talk, newest_first=following)
        self._keep_the_end()
        if not following:
            self._missed += sum(line.words for line in lines)
            self._offer_newer()

    def change(self, line: Line) -> None:
        """The line with this id looks so now."""
        self._rows.change(line)
        self._keep_the_end()

    def remove(self, line: Line) -> None:
        """The line with this id is gone."""
        self._rows.remove(line)

    def follow(self) -> None:
        """To the newest line, and stay with the newest."""
        self._following = True
        self._missed = 0
        self.newer.place_forget()
        self.text.see("end")

    def to_new(self) -> bool:
        """To the row before what is new; whether there is one."""
        index = self._rows.line_of_new()
        if index:
            self._go(index)
        return bool(index)

    def complete(self) -> None:
        """Draw what is not drawn yet: somebody wants to search it or to take it away."""
        self._rows.complete()

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
        """The scroll bar's request."""
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
        if top <= 0.0 and self._rows.whole and bottom < 1.0:
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

    def _copy(self, event: object) -> str | None:
        """What is selected, right-to-left text in the order in which it was written."""
        ranges = self.text.tag_ranges("sel")
        if not (self._rows.orders and ranges):
            return None
        text = self._rows.selected(str(ranges[0]), str(ranges[1]))
        if text == self.text.get(*ranges[:2]):
            return None
        self.clipboard_clear()
        self.clipboard_append(text)
        return "break"

    def _url_at(self, x: int, y: int) -> str:
        ends = self.text.tag_prevrange("link", f"@{x},{y} +1c")
        inside = len(ends) == 2 and self.text.compare(f"@{x},{y}", "<", ends[1])
        found = formatting.links(self.text.get(*ends)) if inside else []
        return found[0].url if found else ""

    def _menu(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        row = self._rows.row_at(event.x, event.y)[1]
        line = row.line if row and row.kind is RowKind.LINE else None
        self._actions.text_menu(line, self._url_at(event.x, event.y), event.x_root, event.y_root)

    def _visit(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if self.text.tag_ranges("sel"):
            return  # the mouse was drawn over it, to copy it
        url = self._url_at(event.x, event.y)
        if url:
            self._actions.visit(url)

    def _resend(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        row = self._rows.row_at(event.x, event.y)[1]
        if row:
            self._actions.resend(row.line.id)

    def _unfold(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        self._rows.unfold(self._rows.row_at(event.x, event.y)[0])

    def _whole_name(self, x: int, y: int) -> str:
        """The name that is cut short in its column."""
        row = self._rows.row_at(x, y)[1] if "nick" in self.text.tag_names(f"@{x},{y}") else None
        return row.line.nick if row and row.kind is RowKind.LINE else ""
