"""The help window: every key and every command, from the tables that the program runs on. Widgets only."""

import tkinter
from tkinter import ttk

from chat.client.model import commands
from chat.client.text.palette import Palette
from chat.client.ui import fonts, menus
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
    text = tkinter.Text(window, width=72, height=30, wrap="word", relief="flat", borderwidth=0, font=fonts.TEXT)
    text.configure(background=palette.paper, foreground=palette.ink, padx=fonts.px(root, 14), pady=fonts.px(root, 10))
    text.configure(highlightthickness=0, spacing1=fonts.px(root, 3))
    column = fonts.width(root, "Ctrl+PageDown, Alt+Down    ", fonts.BOLD)
    text.tag_configure("line", tabs=column, lmargin2=column)
    text.tag_configure("key", font=fonts.BOLD)
    text.tag_configure("heading", font=fonts.TITLE, spacing1=fonts.px(root, 12), foreground=palette.accent)
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
