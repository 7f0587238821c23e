"""The lists beside the transcript: talks with what is unread in them, and the members of a room. Widgets only."""

import tkinter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tkinter import ttk

from chat.client.irc.news import Member
from chat.client.model.talk import Talk, TalkKind
from chat.client.text.palette import LIGHT, Palette
from chat.client.ui import look
from chat.client.ui.widgets import PassingBar, Tooltip, ellipsised, menu_buttons

_ROW = 26  # pixels
_INSET = 12
_INDENT = 12  # of a room below its server


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `faint`: nobody hears us there."""

    talk: Talk
    faint: bool


class Sidebar(ttk.Frame):
    """`chosen` is called with the talk that the person chooses, `menu` with one and a place on the screen."""

    def __init__(
        self,
        parent: tkinter.Misc,
        shown: Callable[[str], str],
        chosen: Callable[[Talk], None],
        menu: Callable[[Talk, int, int], None],
    ) -> None:
        super().__init__(parent)
        self._shown = shown
        self._chosen = chosen
        self._menu = menu
        self._palette: Palette = LIGHT
        self._entries: list[Entry] = []
        self._current: Talk | None = None
        self._row = look.px(self, _ROW)
        self.list = tkinter.Canvas(self, width=10, height=10, borderwidth=0, highlightthickness=1, takefocus=True)
        self.list.pack(side="left", fill="both", expand=True)
        PassingBar(self, self.list)
        self._tooltip = Tooltip(self.list, self._whole_name)
        self.list.bind("<Configure>", lambda event: self._draw())
        self.list.bind("<Button-1>", self._clicked)
        for button in menu_buttons(self):
            self.list.bind(button, self._clicked)
        for keys, step in (("<Up>", -1), ("<Down>", 1)):
            self.list.bind(keys, lambda event, step=step: self._step(step))  # type: ignore[misc]
        for event in ("<FocusIn>", "<FocusOut>"):
            self.list.bind(event, lambda event: self._draw(), add=True)
        for wheel, step in (("<Button-4>", -1), ("<Button-5>", 1)):
            self.list.bind(wheel, lambda event, step=step: self.list.yview_scroll(step, "units"))  # type: ignore[misc]
        self.list.bind("<MouseWheel>", lambda event: self.list.yview_scroll(-1 if event.delta > 0 else 1, "units"))

    def paint(self, palette: Palette) -> None:
        self._palette = palette
        self._tooltip.paint(palette)
        self.list.configure(background=palette.surface, highlightbackground=palette.surface)
        self.list.configure(highlightcolor=palette.edge)
        self._draw()

    def refit(self) -> None:
        """The fonts have another size."""
        self._row = max(look.px(self, _ROW), look.line_height(self) + look.px(self, 6))
        self._draw()

    def show(self, entries: Sequence[Entry], current: Talk | None) -> None:
        """These talks in this order, each server before its rooms; the current one is marked and in sight."""
        moved = current is not self._current or len(entries) != len(self._entries)
        self._entries, self._current = list(entries), current
        self._draw()
        if moved:
            self._see_current()

    def rows(self) -> list[tuple[str, str]]:
        """What stands there: each name, and what is in its pills."""
        return [(self._shown(entry.talk.name), " ".join(_pills(entry.talk))) for entry in self._entries]

    def _draw(self) -> None:
        canvas, width = self.list, self.list.winfo_width()
        canvas.delete("all")
        canvas.configure(scrollregion=(0, 0, width, self._row * len(self._entries)), yscrollincrement=self._row)
        for number, entry in enumerate(self._entries):
            self._draw_entry(number, entry, width)

    def _draw_entry(self, number: int, entry: Entry, width: int) -> None:
        palette, talk, top = self._palette, entry.talk, number * self._row
        current, middle = talk is self._current, top + self._row // 2
        if current:
            self.list.create_rectangle(0, top, width, top + self._row, fill=palette.marked, width=0)
            if self.list.focus_displayof() is self.list:
                self.list.create_rectangle(1, top + 1, width - 2, top + self._row - 2, outline=palette.accent)
        right = width - look.px(self, _INSET)
        for pill in reversed(_pills(talk)):
            right = self._draw_pill(right, middle, pill, pill.startswith("@") or talk.kind is TalkKind.PERSON)
        server = talk.kind is TalkKind.SERVER
        left = look.px(self, _INSET + (0 if server else _INDENT))
        faint = entry.faint and not current
        font = look.SMALL if server else "TkDefaultFont"
        name = ellipsised(self, self._shown(talk.name), right - left - look.px(self, 4), font)
        colour = palette.faint if faint or (server and not current) else palette.ink
        self.list.create_text(left, middle, text=name, anchor="w", font=font, fill=colour)

    def _draw_pill(self, right: int, middle: int, text: str, called: bool) -> int:
        """One pill that ends there; where it begins."""
        palette = self._palette
        back, ink = (palette.accent, palette.on_accent) if called else (palette.edge, palette.ink)
        high = look.line_height(self, look.SMALL) // 2 + 1
        left = right - max(2 * high, look.width(self, text, look.SMALL) + high + 2)
        self.list.create_line(left + high, middle, right - high, middle, width=2 * high, capstyle="round", fill=back)
        self.list.create_text((left + right) // 2, middle, text=text, font=look.SMALL, fill=ink)
        return left - look.px(self, 4)

    def _at(self, y: int) -> Entry | None:
        number = int(self.list.canvasy(y)) // self._row
        return self._entries[number] if 0 <= number < len(self._entries) else None

    def _clicked(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        entry = self._at(event.y)
        if entry and event.num == 1:
            self._chosen(entry.talk)
        elif entry:
            self._menu(entry.talk, event.x_root, event.y_root)

    def _step(self, step: int) -> None:
        talks = [entry.talk for entry in self._entries]
        at = next((number for number, talk in enumerate(talks) if talk is self._current), 0)
        if talks:
            self._chosen(talks[min(max(0, at + step), len(talks) - 1)])

    def _see_current(self) -> None:
        at = next((number for number, entry in enumerate(self._entries) if entry.talk is self._current), 0)
        high, whole = self.list.winfo_height(), self._row * max(1, len(self._entries))
        top = self.list.canvasy(0)
        if at * self._row < top or (at + 1) * self._row > top + high:
            self.list.yview_moveto(max(0, (at + 1) * self._row - high) / whole)

    def _whole_name(self, x: int, y: int) -> str:
        entry = self._at(y)
        if entry is None:
            return ""
        room = self.list.winfo_width() - look.px(self, 3 * _INSET)
        return entry.talk.name if look.width(self, self._shown(entry.talk.name)) > room else ""


def _pills(talk: Talk) -> list[str]:
    """How many call, where that is not all; and how many are unread."""
    if not talk.unread:
        return []
    called = [f"@{talk.calls:,}"] if talk.calls and talk.kind is not TalkKind.PERSON else []
    return [*called, f"{talk.unread:,}"]


_MANY = 300  # members; redrawing more than these with each that comes would cost more than it tells
_SHORT = 12  # characters that fit into any list
_MEMBER_ROW = 26  # pixels
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
        self.chosen = ""  # the nickname of the row that is marked
        self._palette: Palette = LIGHT
        self._waiting: str | None = None
        self._ask: Callable[[], Sequence[Member]] = tuple
        self.count = ttk.Label(self, text="Members", style="Header.TLabel")
        self.count.pack(fill="x")
        self.list = tkinter.Listbox(self, width=10, relief="flat", activestyle="none", exportselection=False)
        self.list.configure(borderwidth=look.px(self, 8), highlightthickness=1)
        self.refit()
        self.list.pack(side="left", fill="both", expand=True)
        PassingBar(self, self.list)
        self._tooltip = Tooltip(self.list, self._whole_name)
        for event in ("<Return>", "<KP_Enter>", "<Double-Button-1>"):
            self.list.bind(event, self._open)
        self.list.bind("<<ListboxSelect>>", self._selected)
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
        self.list.configure(selectborderwidth=max(1, (look.px(self, _MEMBER_ROW) - look.line_height(self) - 1) // 2))

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
        if not any(member.nick == self.chosen for member in members):
            self.chosen = ""
        top = self.list.yview()[0]
        self.list.delete(0, "end")
        self.list.insert("end", *map(self._row, members))
        for index, member in enumerate(members):
            colour = self._palette.faint if member.away else self._colour(member.nick)
            self.list.itemconfigure(index, foreground=colour)
            if member.nick == self.chosen:
                self.list.itemconfigure(index, background=self._palette.marked)
        self._members = members
        self.list.yview_moveto(top)
        self.count.configure(text=f"Members ({len(members):,})" if members else "Members")

    def _row(self, member: Member) -> str:
        """As much of the name as fits; few are long enough to be measured."""
        name = self._shown(f"{member.rank}{member.nick}")
        room = self.list.winfo_width() - look.px(self, 26)
        return ellipsised(self, name, room, "TkDefaultFont") if len(name) > _SHORT and room > 0 else name

    def _selected(self, event: object = None) -> None:
        indices = self.list.curselection()  # type: ignore[no-untyped-call]
        if indices:
            self._choose(indices[0])

    def _choose(self, chosen: int) -> None:
        """Mark this row with a background of its own: Tk's selection has raised edges, as high as the rows' insets."""
        self.list.selection_clear(0, "end")
        before, self.chosen = self.chosen, self._members[chosen].nick if chosen < len(self._members) else ""
        for index, member in enumerate(self._members):
            if member.nick in (before, self.chosen):
                self.list.itemconfigure(index, background=self._palette.marked if member.nick == self.chosen else "")

    def _open(self, event: object) -> None:
        nick = self.chosen or (self._members[self.list.index("active")].nick if self._members else "")
        if nick:
            self._chosen(nick)

    def _at(self, y: int) -> int | None:
        index = self.list.nearest(y)  # type: ignore[no-untyped-call]
        box = self.list.bbox(index) if index >= 0 else None
        return index if box and box[1] <= y <= box[1] + box[3] and index < len(self._members) else None

    def _post_menu(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        index = self._at(event.y)
        if index is not None:
            self._choose(index)
            self._menu(self._members[index].nick, event.x_root, event.y_root)

    def _whole_name(self, x: int, y: int) -> str:
        index = self._at(y)
        if index is None:
            return ""
        member = self._members[index]
        long = look.width(self, member.rank + member.nick) > self.list.winfo_width() - look.px(self, 24)
        return member.nick if long or member.away else ""
