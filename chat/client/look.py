"""Colours, fonts and paddings: how the window looks, in one place. Holds no widgets."""

import tkinter
import zlib
from tkinter import font, ttk

PAPER = "#ffffff"  # under text to read or write
SURFACE = "#f3f4f6"  # under everything else
EDGE = "#d5d9df"
_THUMB = "#c3c8d0"
INK = "#1f2328"
FAINT = "#68707a"
ACCENT = "#1a5fb4"
ALARM = "#b3261e"
ALARM_SURFACE = "#fdeceb"
MARKED = "#cfe0f7"

# Readable on PAPER, each at a contrast of 4.5 or more, and told apart by most of the colour-blind by their darkness.
_NICK_COLOURS = ("#9a3412", "#166534", "#6b21a8", "#0e7490", "#a21caf", "#854d0e", "#5b6200", "#be123c")

BOLD = "FanfareBold"  # fonts, which live in Tk under these names
TITLE = "FanfareTitle"

GAP = 10  # pixels between parts of the window


def nick_colour(nick: str) -> str:
    """The same colour for the same person, today and tomorrow."""
    return _NICK_COLOURS[zlib.crc32(nick.encode()) % len(_NICK_COLOURS)]


def dress(root: tkinter.Tk) -> None:
    """Give the window's widgets their looks. Call once, before there are any."""
    for name in ("TkDefaultFont", "TkTextFont", "TkMenuFont"):
        font.nametofont(name, root).configure(size=11)
    family = font.nametofont("TkTextFont", root).actual("family")
    root.tk.call("font", "create", BOLD, "-family", family, "-size", 11, "-weight", "bold")
    root.tk.call("font", "create", TITLE, "-family", family, "-size", 15, "-weight", "bold")
    style = ttk.Style(root)
    style.theme_use("clam")
    root.configure(background=SURFACE)
    style.configure(".", background=SURFACE, foreground=INK, bordercolor=EDGE, lightcolor=SURFACE, darkcolor=SURFACE)
    style.configure("Title.TLabel", font=TITLE)
    style.configure("Strong.TLabel", font=BOLD)
    style.configure("Faint.TLabel", foreground=FAINT)
    style.configure("Alarm.TFrame", background=ALARM_SURFACE)
    style.configure("Alarm.TLabel", background=ALARM_SURFACE, foreground=ALARM)
    style.configure("Notice.TLabel", foreground=ALARM)
    style.configure("TEntry", padding=6, fieldbackground=PAPER, lightcolor=PAPER)
    style.map("TEntry", bordercolor=[("focus", ACCENT)], lightcolor=[("focus", PAPER)])
    style.configure("TButton", padding=(14, 5), background=PAPER)
    style.map("TButton", background=[("pressed", EDGE), ("active", SURFACE)], bordercolor=[("focus", ACCENT)])
    style.configure("Main.TButton", background=ACCENT, foreground=PAPER, bordercolor=ACCENT)
    style.map("Main.TButton", background=[("pressed", INK), ("active", "#174f96")], foreground=[("disabled", EDGE)])
    style.configure("Sash", sashthickness=8, gripcount=0, background=SURFACE)
    _dress_scrollbar(style)


def _dress_scrollbar(style: ttk.Style) -> None:
    """A bare thumb, unseen while everything is in sight."""
    thumb = ("Vertical.Scrollbar.thumb", {"expand": True, "sticky": "nswe"})
    trough = ("Vertical.Scrollbar.trough", {"sticky": "ns", "children": [thumb]})
    style.layout("Vertical.TScrollbar", [trough])  # type: ignore[list-item]  # the stubs do not know of "expand"
    style.configure("Vertical.TScrollbar", arrowsize=10, gripcount=0, background=_THUMB, troughcolor=SURFACE)
    style.configure("Vertical.TScrollbar", bordercolor=SURFACE, lightcolor=_THUMB, darkcolor=_THUMB)
    unseen = [("disabled", SURFACE)]
    style.map("Vertical.TScrollbar", background=[*unseen, ("active", FAINT)], lightcolor=unseen, darkcolor=unseen)
