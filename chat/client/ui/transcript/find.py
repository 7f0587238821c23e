"""The find bar over the transcript: words to look for, next, previous. Widgets only."""

import re
import tkinter
from collections.abc import Callable
from tkinter import ttk

from chat.client.ui import look
from chat.client.ui.transcript.transcript import Transcript
from chat.client.ui.widgets import index


class FindBar(ttk.Frame):
    """Marks all places in the transcript; Enter leads to the one before, as the newest lines are the last."""

    def __init__(self, parent: tkinter.Misc, transcript: Transcript, closed: Callable[[], None]) -> None:
        super().__init__(parent, padding=(0, look.px(parent, 6)))
        self._transcript = transcript
        self._text = transcript.text
        self._closed = closed
        self._words = tkinter.StringVar(self)
        ttk.Label(self, text="Find").pack(side="left")
        self.field = ttk.Entry(self, textvariable=self._words, font=look.TEXT, width=12)
        self.field.pack(side="left", fill="x", expand=True, padx=look.px(self, 6))
        self.found = ttk.Label(self, style="Faint.TLabel")
        self.found.pack(side="left", padx=(0, look.px(self, 6)))
        for text, act in (("↑", self.previous), ("↓", self.next), ("✕", self.close)):
            ttk.Button(self, text=text, width=2, command=act).pack(side="left")
        self.field.bind("<Escape>", lambda event: self.close())
        self._words.trace_add("write", lambda *_: self._look())
        self.field.bind("<Return>", lambda event: self.previous())
        self.field.bind("<KP_Enter>", lambda event: self.previous())
        self.field.bind("<Shift-Return>", lambda event: self.next())

    def open(self) -> None:
        """Show the bar, with the cursor in it."""
        self.pack(side="top", fill="x", before=self._transcript)
        self.field.focus_set()
        self.field.selection_range(0, "end")
        self._look()

    @property
    def opened(self) -> bool:
        return bool(self.winfo_manager())

    def close(self) -> None:
        self._unmark()
        self.pack_forget()
        self._closed()

    def forget(self) -> None:
        """Another talk is shown: look through it, if one was looking."""
        if self.opened:
            self._look()

    def next(self) -> None:
        self._go(1)

    def previous(self) -> None:
        self._go(-1)

    def _look(self) -> None:
        """Mark every place, and go to the newest."""
        self._unmark()
        self._mark_all()
        found = self.places()
        self._show(len(found) - 1, found)

    def _go(self, step: int) -> None:
        if not self.opened:
            self.open()
            return
        self._mark_all()  # lines may have come
        found = self.places()
        here = self._text.tag_ranges("here")
        at = next((i for i, place in enumerate(found) if here and place[0] == str(here[0])), len(found))
        self._show((at + step) % len(found) if found else -1, found)

    def _mark_all(self) -> None:
        words = self._words.get()
        self._text.tag_remove("found", "1.0", "end")
        if not words.strip():
            return
        self._transcript.complete()
        wanted = re.compile(re.escape(words), re.IGNORECASE)
        # Not by Tk's own search: that of Tk 8.6 ends the whole program where it ignores case and comes by an emoji.
        for number, line in enumerate(self._text.get("1.0", "end-1c").split("\n"), 1):
            for match in wanted.finditer(line):
                self._text.tag_add("found", *(index(self, line, edge, number) for edge in match.span()))

    def places(self) -> list[tuple[str, str]]:
        ranges = [str(index) for index in self._text.tag_ranges("found")]
        return list(zip(ranges[::2], ranges[1::2], strict=True))

    def _show(self, at: int, found: list[tuple[str, str]]) -> None:
        self._text.tag_remove("here", "1.0", "end")
        if found:
            self._text.tag_add("here", *found[at])
            self._transcript.look_at(found[at][0])
            self.found.configure(text=f"{at + 1:,} of {len(found):,}")
        else:
            self.found.configure(text="not found" if self._words.get().strip() else "")

    def _unmark(self) -> None:
        for tag in ("found", "here"):
            self._text.tag_remove(tag, "1.0", "end")
