"""The transcript: a read-only, selectable text of one line for each line of the room. Widgets only."""

import time
import tkinter
from collections.abc import Callable, Sequence
from tkinter import font, ttk

from chat.client import look
from chat.client.talk import Line, Look, State

_COLOURS = {
    Look.NOTICE: look.FAINT,
    Look.HAPPENING: look.FAINT,
    Look.SERVER: look.FAINT,
    Look.HINT: look.ACCENT,
    Look.TROUBLE: look.ALARM,
}


class Transcript(ttk.Frame):
    """Follows the conversation while its end is in sight; stays where it is when someone has scrolled back."""

    def __init__(self, parent: tkinter.Misc, shown: Callable[[str], str]) -> None:
        super().__init__(parent)
        self._shown = shown  # text as this machine can draw it
        self._nicks: set[str] = set()
        self.text = tkinter.Text(
            self,
            width=20,  # the pane decides, not this
            height=5,
            wrap="word",
            state="disabled",
            relief="flat",
            padx=look.GAP,
            pady=look.GAP,
            spacing1=3,
            background=look.PAPER,
            foreground=look.INK,
            font="TkTextFont",
            selectbackground=look.MARKED,
            inactiveselectbackground=look.MARKED,
            highlightthickness=1,
            highlightbackground=look.EDGE,
            highlightcolor=look.EDGE,
            cursor="xterm",
        )
        bar = ttk.Scrollbar(self, command=self.text.yview)
        self.text.configure(yscrollcommand=bar.set)
        bar.pack(side="right", fill="y")
        self.text.pack(side="left", fill="both", expand=True)
        self._make_tags()
        self.text.bind("<Button-1>", lambda event: self.text.focus_set(), add=True)  # or Ctrl-C would copy nothing
        self.text.bind("<Configure>", self._keep_the_end)
        self._following = True

    def append(self, lines: Sequence[Line], pushed_out: int) -> None:
        """Show these lines at the end, and take `pushed_out` from the beginning."""
        self._following = self.text.yview()[1] >= 1.0
        parts: list[str | tuple[str, ...]] = []
        for line in lines:
            parts += self._parts(line)
        self.text.configure(state="normal")
        empty = self.text.compare("end-1c", "==", "1.0")
        self.text.insert("end", *parts)  # type: ignore[arg-type]  # (text, tags) over and over
        if empty:
            self.text.delete("1.0", "2.0")  # each line begins with its line feed; the first needs none
        if pushed_out:
            self.text.delete("1.0", f"{pushed_out + 1}.0")
        self.text.configure(state="disabled")
        if self._following:
            self.text.see("end")

    def replace(self, line: Line, gone: bool = False) -> None:
        """Show an own line as it is now, or no more."""
        tag = f"own{line.id}"
        place = self.text.tag_ranges(tag)
        if not place:
            return
        self.text.configure(state="normal")
        start = self.text.index(place[0])
        self.text.delete(place[0], place[-1])
        if not gone:
            self.text.insert(start, *self._parts(line))  # type: ignore[arg-type]  # (text, tags) over and over
        self.text.configure(state="disabled")

    def clear(self) -> None:
        self.text.configure(state="normal")
        self.text.delete("1.0", "end")
        self.text.configure(state="disabled")

    def _parts(self, line: Line) -> list[str | tuple[str, ...]]:
        kind = line.look.value
        clock = time.strftime("%H:%M", time.localtime(line.at))
        parts: list[str | tuple[str, ...]] = [f"\n{clock}\t", ("line", "time")]
        if line.nick:
            nick = f"• {line.nick}" if line.look is Look.ACTION else line.nick
            parts += [self._shown(nick), ("line", self._nick_tag(line))]
            parts += [" (to you alone)" if line.private else "", ("line", "time")]
            parts += [" " if line.look is Look.ACTION else "  ", ("line",)]
        parts += [self._shown(line.text), ("line", kind)]
        if line.state is not State.SENT:
            note = " (not sent)" if line.state is State.UNSENT else " …"
            own = f"own{line.id}"  # by which the line is found when it changes
            parts = [*parts, note, ("line", "time")]
            return [part if isinstance(part, str) else (*part, own) for part in parts]
        return parts

    def _nick_tag(self, line: Line) -> str:
        if line.mine:
            return "me"
        colour = look.nick_colour(line.nick)
        tag = f"nick{colour}"
        if tag not in self._nicks:
            self._nicks.add(tag)
            self.text.tag_configure(tag, foreground=colour, font=look.BOLD)
        return tag

    def _make_tags(self) -> None:
        column = font.nametofont("TkTextFont", self).measure("00:00") + 14  # pixels for the time
        self.text.tag_configure("line", tabs=column, lmargin2=column)
        self.text.tag_configure("time", foreground=look.FAINT)
        self.text.tag_configure("me", foreground=look.ACCENT, font=look.BOLD)
        for kind, colour in _COLOURS.items():
            self.text.tag_configure(kind.value, foreground=colour)
        self.text.tag_raise("sel")

    def _keep_the_end(self, event: object) -> None:
        if self._following:
            self.text.see("end")
