"""One field to go anywhere: to a talk, a person, a command. Widgets only."""

import tkinter
from collections.abc import Callable, Iterable
from tkinter import ttk

from chat.client.text.palette import Palette
from chat.client.ui import fonts
from chat.client.ui.widgets import dialog

_SHOWN = 10

Place = tuple[str, str, Callable[[], object]]  # what it is called, what it is, how to get there


class GoTo:
    """Up and Down choose, Enter goes there, Escape stays."""

    def __init__(
        self, root: tkinter.Tk, palette: Palette, places: Iterable[Place], shown: Callable[[str], str]
    ) -> None:
        self._shown = shown
        self._places = list(places)
        self.found: list[Place] = []
        self.window = dialog(root, "go", "Go to", palette.surface)
        self.words = tkinter.StringVar(self.window)
        self.field = ttk.Entry(self.window, textvariable=self.words, font=fonts.TEXT, width=44)
        gap = fonts.px(root, 12)
        self.field.pack(fill="x", padx=gap, pady=gap)
        self.list = tkinter.Listbox(self.window, height=_SHOWN, relief="flat", activestyle="none", takefocus=False)
        self.list.configure(
            background=palette.surface, foreground=palette.ink, highlightthickness=0, borderwidth=gap // 2
        )
        self.list.configure(selectbackground=palette.marked, selectforeground=palette.ink, font="TkDefaultFont")
        self.list.pack(fill="both", expand=True, padx=gap // 2, pady=(0, gap // 2))
        self.words.trace_add("write", lambda *_: self._draw())
        self.list.bind("<ButtonRelease-1>", lambda event: self.go())
        self.field.bind("<Up>", lambda event: self._step(-1))
        self.field.bind("<Down>", lambda event: self._step(1))
        for key in ("<Return>", "<KP_Enter>"):
            self.field.bind(key, lambda event: self.go())
        left = root.winfo_rootx() + (root.winfo_width() - self.window.winfo_reqwidth()) // 2
        self.window.geometry(f"+{max(0, left)}+{root.winfo_rooty() + 3 * gap}")
        self._draw()
        self.field.focus_set()

    def go(self) -> None:
        chosen = self.list.curselection()  # type: ignore[no-untyped-call]
        self.window.destroy()
        if chosen:
            self.found[chosen[0]][2]()

    def _draw(self) -> None:
        words = self.words.get().strip().casefold()
        begin = [place for place in self._places if place[0].casefold().lstrip("#/&").startswith(words.lstrip("#/&"))]
        within = [place for place in self._places if words in place[0].casefold() and place not in begin]
        self.found = (begin + within)[:_SHOWN]
        self.list.delete(0, "end")
        self.list.insert("end", *(self._shown(f"{name}    {what}") for name, what, _ in self.found))
        self.list.selection_set(0)

    def _step(self, step: int) -> str:
        chosen = self.list.curselection()  # type: ignore[no-untyped-call]
        at = min(max(0, (chosen[0] if chosen else 0) + step), len(self.found) - 1)
        self.list.selection_clear(0, "end")
        self.list.selection_set(at)
        self.list.see(at)
        return "break"
