"""Words in all logs, the newest first. Widgets only; the files are read a few at a time, between keys and mouse."""

import re
import time
import tkinter
from collections.abc import Iterator
from pathlib import Path
from tkinter import ttk

from chat.client.model import logs
from chat.client.text.palette import Palette
from chat.client.ui import fonts
from chat.client.ui.widgets import dialog

_SLICE = 0.02  # s of reading between two looks at keys and mouse
_MOST = 500  # lines that are shown


class LogSearch:
    def __init__(self, root: tkinter.Tk, palette: Palette, folder: Path) -> None:
        self._folder = folder
        self._left: Iterator[str | None] = iter(())
        self._due: str | None = None
        self.window = dialog(root, "logs", "Search All Logs", palette.surface)
        inset = fonts.px(root, 12)
        head = ttk.Frame(self.window)
        head.pack(fill="x", padx=inset, pady=inset)
        self.field = ttk.Entry(head, font=fonts.TEXT)
        self.field.pack(side="left", fill="x", expand=True)
        button = ttk.Button(head, text="Search", style="Accent.TButton", command=self.search)
        button.pack(side="right", padx=(inset // 2, 0))
        self.found = ttk.Label(self.window, style="Faint.TLabel")
        self.found.pack(side="bottom", fill="x", padx=inset, pady=inset // 2)
        self.text = tkinter.Text(self.window, width=96, height=24, wrap="word", font=fonts.TEXT, relief="flat")
        self.text.configure(background=palette.paper, foreground=palette.ink, padx=inset, pady=inset // 2)
        self.text.configure(highlightthickness=0, selectbackground=palette.marked, selectforeground=palette.ink)
        self.text.configure(state="disabled", spacing1=fonts.px(root, 2))
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
