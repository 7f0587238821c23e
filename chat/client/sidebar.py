"""The list of talks: the server's own words, rooms and persons, with what is unread. Widgets only."""

import tkinter
from collections.abc import Callable, Iterable
from tkinter import ttk

from chat.client import look
from chat.client.bars import PassingBar
from chat.client.palette import Palette
from chat.client.talk import Talk, TalkKind


class Sidebar(ttk.Frame):
    """`chosen` is called with the talk that the person chooses."""

    def __init__(self, parent: tkinter.Misc, shown: Callable[[str], str], chosen: Callable[[Talk], None]) -> None:
        super().__init__(parent)
        self._shown = shown
        self._chosen = chosen
        self._talks: dict[str, Talk] = {}  # by the row's name in Tk
        self.title = ttk.Label(self, text="Talks", style="Strong.TLabel")
        self.title.pack(fill="x", padx=look.px(self, 8), pady=(0, look.px(self, 4)))
        self.list = ttk.Treeview(self, style="Talks.Treeview", show="", columns=("name", "unread"), selectmode="browse")
        self.list.column("name", width=look.px(self, 90), minwidth=look.px(self, 40), stretch=True)
        self.list.column("unread", width=look.px(self, 40), minwidth=look.px(self, 32), stretch=False, anchor="e")
        self.list.pack(side="left", fill="both", expand=True)
        PassingBar(self, self.list)
        self.list.bind("<<TreeviewSelect>>", self._selected)

    def paint(self, palette: Palette) -> None:
        self.list.tag_configure("unread", font=look.BOLD)
        self.list.tag_configure("mention", font=look.BOLD, foreground=palette.accent)
        self.list.tag_configure("away", foreground=palette.faint)

    def show(self, talks: Iterable[Talk], current: Talk) -> None:
        """These talks in this order; the current one is marked."""
        wanted = {f"talk{id(talk)}": talk for talk in talks}
        if list(wanted) != list(self._talks):
            self.list.delete(*(name for name in self._talks if name not in wanted))
            for index, name in enumerate(wanted):
                if self.list.exists(name):
                    self.list.move(name, "", index)
                else:
                    self.list.insert("", index, iid=name)
        self._talks = wanted
        for name, talk in wanted.items():
            count = f"@{talk.mentions:,}" if talk.mentions else f"{talk.unread:,}" if talk.unread else ""
            self.list.item(name, values=(self._shown(talk.name), count), tags=_tag(talk))
        row = f"talk{id(current)}"
        if self.list.selection() != (row,):
            self.list.selection_set(row)
            self.list.see(row)
        if self.list.focus() != row:
            self.list.focus(row)

    def _selected(self, event: object) -> None:
        chosen = self.list.selection()
        if chosen and chosen[0] in self._talks:
            self._chosen(self._talks[chosen[0]])


def _tag(talk: Talk) -> tuple[str, ...]:
    if talk.mentions or (talk.unread and talk.kind is TalkKind.PERSON):
        return ("mention",)
    if talk.unread:
        return ("unread",)
    return ("away",) if talk.kind is TalkKind.ROOM and not talk.joined else ()
