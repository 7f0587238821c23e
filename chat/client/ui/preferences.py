"""What the person prefers: what calls them, and how; whether what is said is kept. Widgets only."""

from __future__ import annotations

import tkinter
from dataclasses import replace
from tkinter import ttk
from typing import TYPE_CHECKING

from chat.client.ui import fonts
from chat.client.ui.widgets import dialog

if TYPE_CHECKING:
    from chat.client.ui.window import Window


class Preferences:
    def __init__(self, window: Window) -> None:
        self._window = window
        known = window.client.settings
        self.window = dialog(window.root, "preferences", "Preferences", window.theme.palette.surface)
        box = ttk.Frame(self.window, padding=fonts.px(window.root, 16))
        box.pack(fill="both", expand=True)
        gap = fonts.px(window.root, 8)
        ttk.Label(box, text="Words that call you, beside your name; with commas between them").pack(anchor="w")
        self.words = ttk.Entry(box, font=fonts.TEXT, width=44)
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
        self._window.apply(replace(self._window.client.settings, highlights=words, **flags))  # type: ignore[arg-type]
        self.window.destroy()
