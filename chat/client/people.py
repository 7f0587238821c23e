"""The list of a room's members, with their ranks and who is away. Widgets only."""

import tkinter
from collections.abc import Callable, Sequence
from tkinter import ttk

from chat.client import look
from chat.client.bars import PassingBar
from chat.client.members import Member
from chat.client.palette import LIGHT, Palette

_MANY = 300  # members; redrawing more than these with each that comes would cost more than it tells
_PAUSE = 500  # ms between two drawings of many


class People(ttk.Frame):
    """`chosen` is called with the nickname of somebody to talk to alone."""

    def __init__(self, parent: tkinter.Misc, shown: Callable[[str], str], chosen: Callable[[str], None]) -> None:
        super().__init__(parent)
        self._shown = shown
        self._chosen = chosen
        self._members: Sequence[Member] = ()
        self._palette: Palette = LIGHT
        self._waiting: str | None = None
        self._ask: Callable[[], Sequence[Member]] = tuple
        self.count = ttk.Label(self, text="Members", style="Strong.TLabel")
        self.count.pack(fill="x", padx=look.px(self, 4), pady=(0, look.px(self, 4)))
        self.list = tkinter.Listbox(self, width=10, relief="flat", activestyle="dotbox", exportselection=False)
        self.list.configure(borderwidth=look.px(self, 3), highlightthickness=1)
        self.list.pack(side="left", fill="both", expand=True)
        PassingBar(self, self.list)
        for event in ("<Return>", "<KP_Enter>", "<Double-Button-1>"):
            self.list.bind(event, self._open)

    def paint(self, palette: Palette) -> None:
        self._palette = palette
        self.list.configure(background=palette.paper, foreground=palette.ink, font="TkDefaultFont")
        self.list.configure(selectbackground=palette.marked, selectforeground=palette.ink)
        self.list.configure(highlightbackground=palette.edge, highlightcolor=palette.accent)
        self._draw()

    def show(self, ask: Callable[[], Sequence[Member]], at_once: bool) -> None:
        """Draw the members that `ask` gives: at once, or where they are many soon, with whatever changed till then."""
        self._ask = ask
        if at_once or self.list.size() < _MANY:
            self._draw()
        elif self._waiting is None:
            self._waiting = self.after(_PAUSE, self._draw)

    def _draw(self) -> None:
        if self._waiting is not None:
            self.after_cancel(self._waiting)
            self._waiting = None
        members = self._ask()
        chosen = self.chosen()
        top = self.list.yview()[0]
        self.list.delete(0, "end")
        self.list.insert("end", *(self._shown(f"{member.rank}{member.nick}") for member in members))
        for index, member in enumerate(members):
            if member.away:
                self.list.itemconfigure(index, foreground=self._palette.faint)
            if member.nick == chosen:
                self.list.selection_set(index)
        self._members = members
        self.list.yview_moveto(top)
        self.count.configure(text=f"Members ({len(members):,})" if members else "Members")

    def chosen(self) -> str:
        """The nickname that is selected, or nothing."""
        indices = self.list.curselection()  # type: ignore[no-untyped-call]
        return self._members[indices[0]].nick if indices and indices[0] < len(self._members) else ""

    def _open(self, event: object) -> None:
        nick = self.chosen() or (self._members[self.list.index("active")].nick if self._members else "")
        if nick:
            self._chosen(nick)
