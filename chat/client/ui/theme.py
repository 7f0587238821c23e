"""Light or dark, large or small: what is chosen, put into effect. Holds no widgets.

ttk's clam theme, in the palette's colours throughout. What ttk does not reach (texts, lists, menus) each widget paints
itself, from the same palette.
"""

import tkinter
from collections.abc import Callable
from tkinter import ttk

from chat.client.text.palette import DARK, LIGHT, Palette
from chat.client.ui import fonts
from chat.client.ui.desktop import Desktop

_ASK_AGAIN = 50  # ms until the desktop is asked again which colours it prefers; it knows after some 100


class Theme:
    """`paint` is called with each new palette, `refit` after the size of the text has changed."""

    def __init__(
        self, root: tkinter.Tk, desktop: Desktop, paint: Callable[[Palette], None], refit: Callable[[], None]
    ) -> None:
        self._root = root
        self._desktop = desktop
        self._paint = paint
        self._refit = refit
        self.chosen = tkinter.StringVar(root, "system")
        self.points = fonts.usual_points(root)
        self.palette: Palette = LIGHT
        self._worn: Palette | None = None

    def begin(self, chosen: str, points: int) -> None:
        self.chosen.set(chosen)
        self.points = points
        fonts.size_fonts(self._root, points)
        self.wear()
        self._wait_for_desktop()

    def wear(self) -> None:
        """Put the chosen colours into effect."""
        dark = self._desktop.dark if self.chosen.get() == "system" else self.chosen.get() == "dark"
        self.palette = DARK if dark else LIGHT
        if self.palette is not self._worn:
            self._worn = self.palette
            dress(self._root, self.palette)
            self._paint(self.palette)

    def resize(self, step: int) -> None:
        """Larger or smaller text; 0 gives the usual size."""
        points = self.points + step if step else fonts.usual_points(self._root)
        self.points = min(max(points, fonts.SMALLEST), fonts.LARGEST)
        fonts.size_fonts(self._root, self.points)
        self._refit()

    def _wait_for_desktop(self) -> None:
        if self._desktop.known.is_set():
            self.wear()
        else:
            self._root.after(_ASK_AGAIN, self._wait_for_desktop)


def dress(root: tkinter.Tk, palette: Palette) -> None:
    """Give all of ttk's widgets, there already or to come, this palette's colours."""
    style = ttk.Style(root)
    style.theme_use("clam")
    root.configure(background=palette.surface)
    surface, paper, edge, accent = palette.surface, palette.paper, palette.edge, palette.accent
    style.configure(".", background=surface, foreground=palette.ink, font="TkDefaultFont", troughcolor=surface)
    style.configure(".", selectbackground=palette.marked, selectforeground=palette.ink, insertcolor=palette.ink)
    style.configure(".", bordercolor=edge, lightcolor=surface, darkcolor=surface)
    _dress_labels(style, palette)
    _dress_fields(root, style, palette)
    style.configure("Paper.TFrame", background=paper)
    style.configure("Alarm.TFrame", background=palette.alarm_surface)
    style.configure("TButton", width=0, padding=(fonts.px(root, 14), fonts.px(root, 5)), background=paper)
    style.map("TButton", background=[("pressed", edge), ("active", surface)], bordercolor=[("focus", accent)])
    style.configure("Flat.TButton", background=surface, padding=(fonts.px(root, 8), 0), relief="flat", borderwidth=0)
    style.map("Flat.TButton", background=[("active", edge)])
    style.configure("Accent.TButton", background=accent, foreground=palette.on_accent, bordercolor=accent)
    style.configure("Accent.TButton", lightcolor=accent, darkcolor=accent)
    style.map(
        "Accent.TButton",
        background=[("pressed", palette.pressed), ("active", palette.pressed)],
        foreground=[("disabled", edge)],
        bordercolor=[("focus", palette.ink)],
    )
    _dress_bars(root, style, palette)


def _dress_labels(style: ttk.Style, palette: Palette) -> None:
    style.configure("TLabel", padding=0, borderwidth=0)
    style.configure("Title.TLabel", font=fonts.TITLE)
    style.configure("Header.TLabel", foreground=palette.faint)
    style.configure("Strong.TLabel", background=palette.paper)
    style.configure("Reply.TLabel", background=palette.paper, foreground=palette.faint, font=fonts.SMALL)
    style.configure("Faint.TLabel", foreground=palette.faint)
    style.configure("Status.TLabel", foreground=palette.faint, font=fonts.SMALL)
    style.configure("Alarm.TLabel", background=palette.alarm_surface, foreground=palette.alarm)
    style.configure("Notice.TLabel", foreground=palette.alarm)


def _dress_fields(root: tkinter.Tk, style: ttk.Style, palette: Palette) -> None:
    for field in ("TEntry", "TCombobox", "TSpinbox"):
        style.configure(field, padding=fonts.px(root, 6), fieldbackground=palette.paper, lightcolor=palette.paper)
        style.configure(field, arrowcolor=palette.faint, foreground=palette.ink)
        style.map(field, bordercolor=[("focus", palette.accent)], lightcolor=[("focus", palette.paper)])
        style.map(field, fieldbackground=[("readonly", palette.paper)], background=[("active", palette.surface)])
    style.configure("TCheckbutton", indicatorbackground=palette.paper, indicatorforeground=palette.accent)
    style.map("TCheckbutton", background=[("active", palette.surface)])
    style.configure("Treeview", background=palette.paper, fieldbackground=palette.paper, foreground=palette.ink)
    style.configure("Treeview", rowheight=fonts.line_height(root) + fonts.px(root, 8), borderwidth=0)
    style.configure("Treeview.Heading", background=palette.surface, foreground=palette.faint, relief="flat")
    style.map("Treeview", background=[("selected", palette.marked)], foreground=[("selected", palette.ink)])
    style.map("Treeview.Heading", background=[("active", palette.edge)])


def _dress_bars(root: tkinter.Tk, style: ttk.Style, palette: Palette) -> None:
    """A bare thumb, unseen while everything is in sight."""
    thumb = ("Vertical.Scrollbar.thumb", {"expand": True, "sticky": "nswe"})
    trough = ("Vertical.Scrollbar.trough", {"sticky": "ns", "children": [thumb]})
    for name, paper in (("Vertical.TScrollbar", palette.surface), ("Paper.Vertical.TScrollbar", palette.paper)):
        style.layout(name, [trough])  # type: ignore[list-item]  # the stubs do not know of "expand"
        style.configure(name, arrowsize=fonts.px(root, 10), gripcount=0, background=palette.thumb, troughcolor=paper)
        style.configure(name, bordercolor=paper, lightcolor=palette.thumb, darkcolor=palette.thumb)
        unseen = [("disabled", paper)]
        active = ("active", palette.faint)
        style.map(name, background=[*unseen, active], lightcolor=unseen, darkcolor=unseen)
