"""What the person prefers: what calls them, and how; whether what is said is kept. Widgets only."""

import tkinter
from collections.abc import Callable
from dataclasses import replace
from tkinter import ttk

from chat.client.model.settings import Settings
from chat.client.text.palette import Palette
from chat.client.ui import fonts
from chat.client.ui.widgets import dialog


class Preferences:
    """`apply` is called with the settings as they are to be."""

    def __init__(self, root: tkinter.Tk, palette: Palette, known: Settings, apply: Callable[[Settings], None]) -> None:
        self._known = known
        self._apply = apply
        self.window = dialog(root, "preferences", "Preferences", palette.surface)
        box = ttk.Frame(self.window, padding=fonts.px(root, 16))
        box.pack(fill="both", expand=True)
        gap = fonts.px(root, 8)
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
        self._apply(replace(self._known, highlights=words, **flags))  # type: ignore[arg-type]
        self.window.destroy()
