"""The widgets' looks, light or dark: Sun Valley's where the package sv-ttk is there, else Tk's own clam, plainer.

Holds no widgets. What ttk does not reach (texts, lists, menus) each widget paints itself, from the same palette.
"""

import contextlib
import tkinter
from tkinter import ttk

from chat.client import look
from chat.client.palette import Palette

try:
    import sv_ttk
except ImportError:  # the extra `client` is not installed
    sv_ttk = None  # type: ignore[assignment]


def wear(root: tkinter.Tk, palette: Palette) -> None:
    """Give all widgets, there already or to come, this palette's looks."""
    style = ttk.Style(root)
    if sv_ttk:
        sv_ttk.set_theme(palette.name, root)
        _quieten(root)
    else:
        style.theme_use("clam")
    root.configure(background=palette.surface)
    style.configure(".", background=palette.surface, foreground=palette.ink, font="TkDefaultFont")
    style.configure(".", selectbackground=palette.marked, selectforeground=palette.ink, insertcolor=palette.ink)
    if not sv_ttk:
        _dress_clam(root, style, palette)
    _dress_ours(root, style, palette)
    fit_rows(root)


def fit_rows(root: tkinter.Tk) -> None:
    """Rows of lists as high as their text, which may have become larger."""
    ttk.Style(root).configure("Talks.Treeview", rowheight=look.line_height(root) + look.px(root, 8))


def _quieten(root: tkinter.Tk) -> None:
    """Sun Valley repaints every widget when the theme changes, with fonts in pixels: fonts and colours are ours."""
    for name in (root.winfo_class(), "TEntry", "TCombobox", "TSpinbox", "Menu"):
        root.unbind_class(name, "<<ThemeChanged>>")
    for name in ("Caption", "Body", "BodyStrong", "BodyLarge"):
        with contextlib.suppress(tkinter.TclError):
            actual = root.tk.splitlist(root.tk.call("font", "actual", "TkDefaultFont"))
            root.tk.call("font", "configure", f"SunValley{name}Font", *actual)


def _dress_ours(root: tkinter.Tk, style: ttk.Style, palette: Palette) -> None:
    """Styles that this program adds to either theme."""
    style.configure("Title.TLabel", font=look.TITLE)
    style.configure("Strong.TLabel", font=look.BOLD)
    style.configure("Faint.TLabel", foreground=palette.faint)
    style.configure("Status.TLabel", foreground=palette.faint, font=look.SMALL)
    style.configure("Alarm.TFrame", background=palette.alarm_surface)
    style.configure("Alarm.TLabel", background=palette.alarm_surface, foreground=palette.alarm)
    style.configure("Notice.TLabel", foreground=palette.alarm)
    style.configure("Link.TLabel", foreground=palette.accent)
    style.configure("Sash", sashthickness=look.px(root, 8), gripcount=0, background=palette.surface)
    for colour in ("lightcolor", "darkcolor", "bordercolor"):
        style.configure("Sash", **{colour: palette.surface})
    style.layout("Talks.Treeview", [("Treeview.treearea", {"sticky": "nswe"})])
    style.layout("Talks.Treeview.Item", [("Treeitem.padding", {"sticky": "nswe", "children": [("Treeitem.text", {})]})])
    style.configure("Talks.Treeview", background=palette.surface, fieldbackground=palette.surface, borderwidth=0)
    style.configure("Talks.Treeview", foreground=palette.ink, font="TkDefaultFont")
    style.map(
        "Talks.Treeview",
        background=[("selected", "focus", palette.accent), ("selected", palette.marked)],
        foreground=[("selected", "focus", palette.on_accent), ("selected", palette.ink)],
    )


def _dress_clam(root: tkinter.Tk, style: ttk.Style, palette: Palette) -> None:
    surface, paper, edge, accent = palette.surface, palette.paper, palette.edge, palette.accent
    style.configure(".", bordercolor=edge, lightcolor=surface, darkcolor=surface, troughcolor=surface)
    style.configure("TEntry", padding=look.px(root, 6), fieldbackground=paper, lightcolor=paper)
    style.map("TEntry", bordercolor=[("focus", accent)], lightcolor=[("focus", paper)])
    style.configure("TButton", width=0, padding=(look.px(root, 14), look.px(root, 5)), background=paper)
    style.map("TButton", background=[("pressed", edge), ("active", surface)], bordercolor=[("focus", accent)])
    style.map("TCheckbutton", background=[("active", surface)])
    style.configure("Accent.TButton", background=accent, foreground=palette.on_accent, bordercolor=accent)
    style.configure("Accent.TButton", lightcolor=accent, darkcolor=accent)
    style.map(
        "Accent.TButton",
        background=[("pressed", palette.pressed), ("active", palette.pressed)],
        foreground=[("disabled", edge)],
        bordercolor=[("focus", palette.ink)],
    )
    # A bare thumb, unseen while everything is in sight.
    thumb = ("Vertical.Scrollbar.thumb", {"expand": True, "sticky": "nswe"})
    trough = ("Vertical.Scrollbar.trough", {"sticky": "ns", "children": [thumb]})
    style.layout("Vertical.TScrollbar", [trough])  # type: ignore[list-item]  # the stubs do not know of "expand"
    style.configure("Vertical.TScrollbar", arrowsize=look.px(root, 10), gripcount=0, background=palette.thumb)
    style.configure("Vertical.TScrollbar", bordercolor=surface, lightcolor=palette.thumb, darkcolor=palette.thumb)
    unseen = [("disabled", surface)]
    active = ("active", palette.faint)
    style.map("Vertical.TScrollbar", background=[*unseen, active], lightcolor=unseen, darkcolor=unseen)
