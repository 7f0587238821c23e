"""The topic of the room that is shown: one line with its links, opened to its length by a button. Widgets only."""

import tkinter
from collections.abc import Callable
from tkinter import ttk

from chat.client.text.links import links
from chat.client.text.palette import Palette
from chat.client.ui import fonts
from chat.client.ui.widgets import index

_MOST_LINES = 6


class Topic(ttk.Frame):
    """`visit` is called with a link that is clicked."""

    def __init__(self, parent: tkinter.Misc, visit: Callable[[str], object]) -> None:
        super().__init__(parent)
        self._visit = visit
        self._words = ""
        self.open = False
        self.text = tkinter.Text(self, width=1, height=1, wrap="none", font=fonts.TEXT, cursor="xterm", takefocus=False)
        self.text.configure(relief="flat", borderwidth=0, highlightthickness=0, padx=0, pady=0, state="disabled")
        self.more = ttk.Button(self, text="▾", width=2, style="Flat.TButton", command=self.toggle, takefocus=False)
        self.text.pack(side="left", fill="x", expand=True)
        self.text.bind("<Configure>", self._fit)
        self.text.tag_bind("link", "<ButtonRelease-1>", self._clicked)

    def paint(self, palette: Palette) -> None:
        self.text.configure(background=palette.surface, foreground=palette.faint)
        self.text.configure(selectbackground=palette.marked, selectforeground=palette.ink)
        self.text.tag_configure("link", foreground=palette.accent, underline=True)

    def show(self, words: str) -> None:
        if words != self._words:
            self._words = words
            self.open = False
            self.text.configure(state="normal")
            self.text.delete("1.0", "end")
            self.text.insert("1.0", words)
            for link in links(words):
                self.text.tag_add("link", *(index(self, words, edge) for edge in (link.start, link.end)))
            self.text.configure(state="disabled")
            self._fit()

    def toggle(self) -> None:
        self.open = not self.open
        self._fit()

    def _fit(self, event: object = None) -> None:
        fits = fonts.width(self, self._words) <= self.text.winfo_width() or not self._words
        self.open = self.open and not fits
        self.text.configure(wrap="word" if self.open else "none")
        lines = self.text.count("1.0", "end", "update", "displaylines") if self.open else 1
        lines = (lines[0] if isinstance(lines, tuple) else lines) or 1
        self.text.configure(height=min(_MOST_LINES, lines))
        self.more.configure(text="▴" if self.open else "▾")
        if not fits or self.open:
            self.more.pack(side="right", anchor="n", before=self.text)
        elif self.more.winfo_manager() and fonts.width(self, self._words) <= self.winfo_width():
            self.more.pack_forget()

    def _clicked(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        ends = self.text.tag_prevrange("link", f"@{event.x},{event.y} +1c")
        found = links(self.text.get(*ends)) if ends else []
        if found and not self.text.tag_ranges("sel"):
            self._visit(found[0].url)
