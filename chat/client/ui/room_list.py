"""The rooms of a server, to be searched and joined. Widgets only."""

import tkinter
from collections.abc import Callable
from tkinter import ttk

from chat.client.model.network import Network
from chat.client.text.clean import clean
from chat.client.text.palette import Palette
from chat.client.ui import fonts
from chat.client.ui.widgets import dialog

_SHOWN = 1_000  # rooms at a time; who looks for one among more, types a part of its name


class RoomList:
    """`join` is called with the room that the person chooses."""

    def __init__(
        self,
        root: tkinter.Tk,
        palette: Palette,
        network: Network,
        join: Callable[[str], None],
        shown: Callable[[str], str],
    ) -> None:
        self._network = network
        self._enter = join
        self._shown = shown
        self._complete = False
        self.window = dialog(root, "rooms", f"Rooms of {network.server}", palette.surface)
        inset = fonts.px(root, 12)
        self.words = tkinter.StringVar(self.window)
        self.field = ttk.Entry(self.window, textvariable=self.words, font=fonts.TEXT)
        self.field.pack(fill="x", padx=inset, pady=(inset, inset // 2))
        foot = ttk.Frame(self.window)
        foot.pack(side="bottom", fill="x", padx=inset, pady=(inset // 2, inset))
        self.count = ttk.Label(foot, style="Faint.TLabel")
        self.count.pack(side="left", fill="x", expand=True)
        ttk.Button(foot, text="Join", style="Accent.TButton", command=self.join).pack(side="right")
        self.list = ttk.Treeview(self.window, columns=("room", "members", "topic"), show="headings", height=14)
        for column, width in (("room", 160), ("members", 100), ("topic", 340)):
            self.list.heading(column, text=column.capitalize(), anchor="w")
            self.list.column(column, width=fonts.px(root, width), anchor="w", stretch=column == "topic")
        bar = ttk.Scrollbar(self.window, command=self.list.yview)
        self.list.configure(yscrollcommand=bar.set)
        bar.pack(side="right", fill="y")
        self.list.pack(fill="both", expand=True, padx=(inset, 0))
        self.words.trace_add("write", lambda *_: self.draw(self._complete))
        for key in ("<Return>", "<KP_Enter>", "<Double-Button-1>"):
            self.list.bind(key, lambda event: self.join())
        self.field.bind("<Return>", lambda event: self.join())
        self.field.bind("<Down>", lambda event: self.list.focus_set())
        self.field.focus_set()
        self.draw(complete=False)

    def draw(self, complete: bool) -> None:
        """Those that hold the words, the fullest first."""
        self._complete = complete
        words = self.words.get().strip().casefold()
        rooms = self._network.room_list
        found = [one for one in rooms if words in one.room.casefold() or words in one.topic.casefold()]
        found.sort(key=lambda one: (-one.members, one.room))
        self.list.delete(*self.list.get_children())
        for one in found[:_SHOWN]:
            self.list.insert("", "end", values=(one.room, one.members, self._shown(clean(one.topic))))
        first = self.list.get_children()[:1]
        self.list.selection_set(first)
        self.list.focus(first[0] if first else "")
        more = f", of which the first {_SHOWN:,} are shown" if len(found) > _SHOWN else ""
        waiting = "" if complete else " so far …"
        self.count.configure(text=f"{len(found):,} of {len(rooms):,} rooms{more}{waiting}")

    def join(self) -> None:
        for row in self.list.selection()[:1]:
            room = str(self.list.item(row, "values")[0])
            self.window.destroy()
            self._enter(room)
