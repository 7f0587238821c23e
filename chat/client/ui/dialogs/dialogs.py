"""The small windows beside the main one: opened, kept up to date, at most one of each kind. Widgets only."""

import re
import time
import tkinter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from tkinter import ttk

from chat.client.model import commands
from chat.client.model.network import Network
from chat.client.model.settings import Settings
from chat.client.store import logs
from chat.client.text.palette import Palette
from chat.client.ui import look, menus
from chat.client.ui.actions import Host
from chat.client.ui.dialogs.choosers import GoTo, Place, RoomList, Servers
from chat.client.ui.widgets import dialog

_BOX_KEYS = (
    ("Enter", "Send"),
    ("Shift+Enter", "A second line, sent as a message of its own"),
    ("Tab, Shift+Tab", "Complete a name, a command or a room"),
    ("Up, Down", "What was sent before"),
    ("PageUp, PageDown", "Scroll the transcript"),
)


def help_lines() -> list[tuple[str, str]]:
    """Pairs of what to press or write and what that does; a heading has nothing beside it."""
    lines = [("Keys", "")]
    lines += [(menus.all_keys(item), item.label) for item in menus.ITEMS if item.keys]
    lines += [("In the message box", ""), *_BOX_KEYS, ("Commands", "")]
    return [*lines, *commands.HELP]


def show_help(root: tkinter.Tk, palette: Palette) -> tkinter.Toplevel:
    """Open it, or raise it if it is open. Escape closes it."""
    window = dialog(root, "help", "Keys and Commands", palette.surface)
    text = tkinter.Text(window, width=72, height=30, wrap="word", relief="flat", borderwidth=0, font=look.TEXT)
    text.configure(background=palette.paper, foreground=palette.ink, padx=look.px(root, 14), pady=look.px(root, 10))
    text.configure(highlightthickness=0, spacing1=look.px(root, 3))
    column = look.width(root, "Ctrl+PageDown, Alt+Down    ", look.BOLD)
    text.tag_configure("line", tabs=column, lmargin2=column)
    text.tag_configure("key", font=look.BOLD)
    text.tag_configure("heading", font=look.TITLE, spacing1=look.px(root, 12), foreground=palette.accent)
    for left, right in help_lines():
        if right:
            text.insert("end", f"{left}\t", ("line", "key"), f"{right}\n", ("line",))
        else:
            text.insert("end", f"{left}\n", ("heading",))
    text.configure(state="disabled")
    bar = ttk.Scrollbar(window, command=text.yview)
    text.configure(yscrollcommand=bar.set)
    bar.pack(side="right", fill="y")
    text.pack(fill="both", expand=True)
    text.focus_set()
    return window


class Preferences:
    """`apply` is called with the settings as they are to be."""

    def __init__(self, root: tkinter.Tk, palette: Palette, known: Settings, apply: Callable[[Settings], None]) -> None:
        self._known = known
        self._apply = apply
        self.window = dialog(root, "preferences", "Preferences", palette.surface)
        box = ttk.Frame(self.window, padding=look.px(root, 16))
        box.pack(fill="both", expand=True)
        gap = look.px(root, 8)
        ttk.Label(box, text="Words that call you, beside your name; with commas between them").pack(anchor="w")
        self.words = ttk.Entry(box, font=look.TEXT, width=44)
        self.words.insert(0, ", ".join(known.highlights))
        self.words.pack(fill="x", pady=(gap // 2, gap))
        self.flags: dict[str, tkinter.BooleanVar] = {}
        for name, text in (
            ("notify", "Show a notification when somebody calls while you look elsewhere"),
            ("sound", "Play a sound then"),
            ("typing", "Tell others when you are typing, where the server passes it on"),
            ("log", "Keep what is said in text files, one for each talk and day"),
        ):
            self.flags[name] = tkinter.BooleanVar(self.window, getattr(known, name))
            ttk.Checkbutton(box, text=text, variable=self.flags[name]).pack(anchor="w", pady=gap // 2)
        buttons = ttk.Frame(box)
        buttons.pack(fill="x", pady=(gap, 0))
        save = ttk.Button(buttons, text="Save", style="Accent.TButton", command=self.save)
        save.pack(side="right")
        ttk.Button(buttons, text="Cancel", command=self.window.destroy).pack(side="right", padx=(0, gap))
        for key in ("<Return>", "<KP_Enter>"):
            self.window.bind(key, lambda event: self.save())
        self.words.focus_set()

    def save(self) -> None:
        words = tuple(dict.fromkeys(word.strip() for word in self.words.get().split(",") if word.strip()))
        flags = {name: variable.get() for name, variable in self.flags.items()}
        self._apply(replace(self._known, highlights=words, **flags))  # type: ignore[arg-type]
        self.window.destroy()


_SLICE = 0.02  # s of reading between two looks at keys and mouse
_MOST = 500  # lines that are shown


class LogSearch:
    def __init__(self, root: tkinter.Tk, palette: Palette, folder: Path) -> None:
        self._folder = folder
        self._left: Iterator[str | None] = iter(())
        self._due: str | None = None
        self.window = dialog(root, "logs", "Search All Logs", palette.surface)
        inset = look.px(root, 12)
        head = ttk.Frame(self.window)
        head.pack(fill="x", padx=inset, pady=inset)
        self.field = ttk.Entry(head, font=look.TEXT)
        self.field.pack(side="left", fill="x", expand=True)
        button = ttk.Button(head, text="Search", style="Accent.TButton", command=self.search)
        button.pack(side="right", padx=(inset // 2, 0))
        self.found = ttk.Label(self.window, style="Faint.TLabel")
        self.found.pack(side="bottom", fill="x", padx=inset, pady=inset // 2)
        self.text = tkinter.Text(self.window, width=96, height=24, wrap="word", font=look.TEXT, relief="flat")
        self.text.configure(background=palette.paper, foreground=palette.ink, padx=inset, pady=inset // 2)
        self.text.configure(highlightthickness=0, selectbackground=palette.marked, selectforeground=palette.ink)
        self.text.configure(state="disabled", spacing1=look.px(root, 2))
        self.text.tag_configure("place", foreground=palette.faint)
        self.text.tag_configure("words", background=palette.found)
        bar = ttk.Scrollbar(self.window, command=self.text.yview, style="Paper.Vertical.TScrollbar")
        self.text.configure(yscrollcommand=bar.set)
        bar.pack(side="right", fill="y")
        self.text.pack(fill="both", expand=True)
        self.field.bind("<Return>", lambda event: self.search())
        self.window.bind("<Destroy>", lambda event: self._stop(), add=True)
        self.field.focus_set()

    def search(self) -> None:
        words = self.field.get().strip()
        self._stop()
        self.text.configure(state="normal")
        self.text.delete("1.0", "end")
        self.text.configure(state="disabled")
        self._shown = 0
        self._wanted = re.compile(re.escape(words), re.IGNORECASE)
        self._left = self._lines(words) if words else iter(())
        self._go_on()

    def _go_on(self) -> None:
        """Read for a moment."""
        self._due = None
        until = time.monotonic() + _SLICE
        for line in self._left:
            if line is not None:
                self._show(line)
            if self._shown >= _MOST:
                self.found.configure(text=f"The newest {_MOST} lines")
                return
            if time.monotonic() > until:
                self.found.configure(text=f"{self._shown:,} lines so far …")
                self._due = self.window.after(1, self._go_on)
                return
        self.found.configure(text=f"{self._shown:,} lines" if self._shown != 1 else "1 line")

    def _lines(self, words: str) -> Iterator[str | None]:
        """Those with the words; None now and then, so that one may stop."""
        try:
            files = [file for talk in self._folder.glob("*/*") for file in logs.days(talk)]
        except OSError:
            files = []
        wanted = words.casefold()
        for file in sorted(files, key=lambda file: file.name, reverse=True):
            yield None
            try:
                text = file.read_text("utf-8", "replace")
            except OSError:
                continue
            if wanted in text.casefold():
                where = f"{file.stem}  {logs.name_of(file.parent)}"
                yield from (f"{where}\t{line}" for line in reversed(text.splitlines()) if wanted in line.casefold())

    def _show(self, line: str) -> None:
        where, _, text = line.partition("\t")
        self._shown += 1
        self.text.configure(state="normal")
        self.text.insert("end", f"{where}  ", "place")
        at = 0
        for match in self._wanted.finditer(text):
            self.text.insert("end", text[at : match.start()], "", match[0], "words")
            at = match.end()
        self.text.insert("end", f"{text[at:]}\n")
        self.text.configure(state="disabled")

    def _stop(self) -> None:
        if self._due is not None:
            self.window.after_cancel(self._due)
            self._due = None


class Dialogs:
    def __init__(self, host: Host, shown: Callable[[str], str]) -> None:
        self._host = host
        self._shown = shown
        self.room_list: RoomList | None = None
        self.open_servers: Servers | None = None
        self.open_go_to: GoTo | None = None
        self.open_log_search: LogSearch | None = None

    def help(self) -> None:
        show_help(self._host.root, self._host.theme.palette)

    def servers(self) -> None:
        self.open_servers = Servers(self._host)

    def preferences(self) -> None:
        host = self._host
        Preferences(host.root, host.theme.palette, host.client.settings, host.apply)

    def search_logs(self) -> None:
        self.open_log_search = LogSearch(self._host.root, self._host.theme.palette, self._host.logs)

    def go_to(self, places: Iterable[Place]) -> None:
        self.open_go_to = GoTo(self._host.root, self._host.theme.palette, places, self._shown)

    def rooms(self, network: Network) -> None:
        """The list of rooms, which the server was just asked for."""

        def join(name: str) -> None:
            self._host.show(network.join(name))
            self._host.flush()

        if self.room_list and self.room_list.window.winfo_exists():
            self.room_list.window.destroy()
        self.room_list = RoomList(self._host.root, self._host.theme.palette, network, join, self._shown)

    def rooms_listed(self, complete: bool) -> None:
        if self.room_list and self.room_list.window.winfo_exists():
            self.room_list.draw(complete)
