"""The list of a room's members, with their ranks and who is away. Widgets only."""

import tkinter
from collections.abc import Callable, Sequence
from tkinter import ttk

from chat.client.irc.news import Member
from chat.client.text.palette import LIGHT, Palette
from chat.client.ui import fonts
from chat.client.ui.widgets import PassingBar, Tooltip, ellipsised, menu_buttons

_MANY = 300  # members; redrawing more than these with each that comes would cost more than it tells
_SHORT = 12  # characters that fit into any list
_ROW = 26  # pixels
_PAUSE = 500  # ms between two drawings of many


class MemberList(ttk.Frame):
    """`chosen` is called with a nickname to talk to alone, `menu` with one and a place on the screen."""

    def __init__(
        self,
        parent: tkinter.Misc,
        shown: Callable[[str], str],
        chosen: Callable[[str], None],
        menu: Callable[[str, int, int], None],
        colour: Callable[[str], str],
    ) -> None:
        super().__init__(parent)
        self._shown = shown
        self._chosen = chosen
        self._menu = menu
        self._colour = colour
        self._members: Sequence[Member] = ()
        self._palette: Palette = LIGHT
        self._waiting: str | None = None
        self._ask: Callable[[], Sequence[Member]] = tuple
        self.count = ttk.Label(self, text="Members", style="Header.TLabel")
        self.count.pack(fill="x")
        self.list = tkinter.Listbox(self, width=10, relief="flat", activestyle="none", exportselection=False)
        self.list.configure(borderwidth=fonts.px(self, 8), highlightthickness=1)
        self.refit()
        self.list.pack(side="left", fill="both", expand=True)
        PassingBar(self, self.list)
        self._tooltip = Tooltip(self.list, self._whole_name)
        for event in ("<Return>", "<KP_Enter>", "<Double-Button-1>"):
            self.list.bind(event, self._open)
        self.list.bind("<Configure>", lambda event: self._draw())
        for button in menu_buttons(self):
            self.list.bind(button, self._post_menu)

    def paint(self, palette: Palette) -> None:
        self._palette = palette
        self._tooltip.paint(palette)
        self.list.configure(background=palette.surface, foreground=palette.ink, font="TkDefaultFont")
        self.list.configure(selectbackground=palette.marked, selectforeground=palette.ink)
        self.list.configure(highlightbackground=palette.surface, highlightcolor=palette.edge)
        self._draw()

    def refit(self) -> None:
        """The fonts have another size."""
        self.list.configure(selectborderwidth=max(1, (fonts.px(self, _ROW) - fonts.line_height(self) - 1) // 2))

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
        self.list.insert("end", *map(self._row, members))
        for index, member in enumerate(members):
            colour = self._palette.faint if member.away else self._colour(member.nick)
            self.list.itemconfigure(index, foreground=colour)
            if member.nick == chosen:
                self.list.selection_set(index)
        self._members = members
        self.list.yview_moveto(top)
        self.count.configure(text=f"Members ({len(members):,})" if members else "Members")

    def _row(self, member: Member) -> str:
        """As much of the name as fits; few are long enough to be measured."""
        name = self._shown(f"{member.rank}{member.nick}")
        room = self.list.winfo_width() - fonts.px(self, 26)
        return ellipsised(self, name, room, "TkDefaultFont") if len(name) > _SHORT and room > 0 else name

    def chosen(self) -> str:
        """The nickname that is selected, or nothing."""
        indices = self.list.curselection()  # type: ignore[no-untyped-call]
        return self._members[indices[0]].nick if indices and indices[0] < len(self._members) else ""

    def _open(self, event: object) -> None:
        nick = self.chosen() or (self._members[self.list.index("active")].nick if self._members else "")
        if nick:
            self._chosen(nick)

    def _at(self, y: int) -> int | None:
        index = self.list.nearest(y)  # type: ignore[no-untyped-call]
        box = self.list.bbox(index) if index >= 0 else None
        return index if box and box[1] <= y <= box[1] + box[3] and index < len(self._members) else None

    def _post_menu(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        index = self._at(event.y)
        if index is not None:
            self.list.selection_clear(0, "end")
            self.list.selection_set(index)
            self._menu(self._members[index].nick, event.x_root, event.y_root)

    def _whole_name(self, x: int, y: int) -> str:
        index = self._at(y)
        if index is None:
            return ""
        member = self._members[index]
        long = fonts.width(self, member.rank + member.nick) > self.list.winfo_width() - fonts.px(self, 24)
        return member.nick if long or member.away else ""
