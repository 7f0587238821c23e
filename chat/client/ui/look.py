"""How the window looks: fonts and sizes that fit the desktop, and colours, light or dark. Holds no widgets.

ttk's clam theme, in the palette's colours throughout. What ttk does not reach (texts, lists, menus) each widget paints
itself, from the same palette.
"""

import contextlib
import re
import subprocess
import sys
import tkinter
from collections.abc import Callable
from tkinter import font, ttk

from chat.client.text.palette import DARK, LIGHT, Palette
from chat.client.ui.desktop import Desktop

BOLD = "FanfareBold"  # fonts, which live in Tk under these names
ITALIC = "FanfareItalic"
BOLD_ITALIC = "FanfareBoldItalic"
SMALL = "FanfareSmall"
TITLE = "FanfareTitle"
TEXT = "TkTextFont"
MONO = "TkFixedFont"

SMALLEST, LARGEST = 7, 28  # points
_POINTS = {"x11": 11, "win32": 10, "aqua": 13}  # what each desktop's own programs use
_USUAL_SCALING = 96 / 72  # pixels a point: the density that the sizes in this package are written for


def see_pixels() -> None:
    """Windows: have the real pixels, not a blurred picture of fewer. Call before there is any window."""
    if sys.platform == "win32":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # Windows 8 and older
            ctypes.windll.shcore.SetProcessDpiAwareness(1)


def fit_density(root: tkinter.Misc) -> None:
    """Tell Tk the desktop's density where it does not know: on X11 that is a resource, and Tk asks the screen."""
    if root.tk.call("tk", "windowingsystem") != "x11":
        return
    try:
        found = subprocess.run(["xrdb", "-query"], capture_output=True, text=True, timeout=1.0, check=False)
    except (OSError, subprocess.SubprocessError):
        return
    density = re.search(r"^Xft\.dpi:\s*(\d+)", found.stdout, re.MULTILINE)
    if density and 72 <= int(density[1]) <= 480:
        root.tk.call("tk", "scaling", int(density[1]) / 72)


def px(widget: tkinter.Misc, size: float) -> int:
    """Pixels for a length that is `size` pixels at 96 dpi."""
    scaling = float(widget.tk.call("tk", "scaling")) / _USUAL_SCALING
    return max(1, round(size * max(1.0, round(4 * scaling) / 4)))  # screens that say 100 dpi mean 96


def usual_points(root: tkinter.Misc) -> int:
    """The size of text that this desktop is used to."""
    return _POINTS.get(str(root.tk.call("tk", "windowingsystem")), 11)


def make_fonts(root: tkinter.Misc) -> None:
    """Bring the fonts into being. Call once, before there are widgets."""
    for name in (BOLD, ITALIC, BOLD_ITALIC, SMALL, TITLE):
        with contextlib.suppress(tkinter.TclError):  # there already
            root.tk.call("font", "create", name)
    size_fonts(root, usual_points(root))


def size_fonts(root: tkinter.Misc, points: int) -> None:
    """Make all text this large; everything that shows some follows by itself."""
    family = font.nametofont(TEXT, root).actual("family")
    for name in ("TkDefaultFont", TEXT, "TkMenuFont", "TkHeadingFont", MONO):
        root.tk.call("font", "configure", name, "-size", points)
    shapes = {
        BOLD: (points, "bold", "roman"),
        ITALIC: (points, "normal", "italic"),
        BOLD_ITALIC: (points, "bold", "italic"),
        SMALL: (max(SMALLEST, points - 2), "normal", "roman"),
        TITLE: (points + 3, "bold", "roman"),
    }
    for name, (size, weight, slant) in shapes.items():
        root.tk.call("font", "configure", name, "-family", family, "-size", size, "-weight", weight, "-slant", slant)


def line_height(root: tkinter.Misc, name: str = TEXT) -> int:
    """Pixels from one line of text to the next."""
    return font.nametofont(name, root).metrics("linespace")


_HIGHEST_FRAME = 100  # pixels of a window manager's frame with the menu bar


def geometry(root: tkinter.Tk) -> str:
    """Size and place of the window; the size alone where the window manager chose the place: Tk gives 0, 0 for that."""
    whole = root.geometry()
    elsewhere = max(root.winfo_rootx(), root.winfo_rooty()) > px(root, _HIGHEST_FRAME)
    return whole.removesuffix("+0+0") if elsewhere else whole


def on_screen(root: tkinter.Tk, geometry: str) -> str:
    """A geometry that was remembered, if it is in reach there; else its size alone, or nothing."""
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})(?:\+(-?\d{1,5})\+(-?\d{1,5}))?", geometry)
    if not found:
        return ""
    width, height, x, y = (int(number or -1) for number in found.groups())  # -1: no place, and so out of reach
    right, bottom = root.winfo_vrootx() + root.winfo_screenwidth(), root.winfo_vrooty() + root.winfo_screenheight()
    if width > root.winfo_screenwidth() or height > root.winfo_screenheight():
        return ""
    reachable = 0 <= x <= right - 100 and 0 <= y <= bottom - 60
    return geometry if reachable else f"{width}x{height}"


def width(root: tkinter.Misc, text: str, name: str = TEXT) -> int:
    """Pixels that this text takes."""
    return font.nametofont(name, root).measure(text)


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
        self.points = usual_points(root)
        self.palette: Palette = LIGHT
        self._worn: Palette | None = None

    def begin(self, chosen: str, points: int) -> None:
        self.chosen.set(chosen)
        self.points = points
        size_fonts(self._root, points)
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
        points = self.points + step if step else usual_points(self._root)
        self.points = min(max(points, SMALLEST), LARGEST)
        size_fonts(self._root, self.points)
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
    style.configure("TButton", width=0, padding=(px(root, 14), px(root, 5)), background=paper)
    style.map("TButton", background=[("pressed", edge), ("active", surface)], bordercolor=[("focus", accent)])
    style.configure("Flat.TButton", background=surface, padding=(px(root, 8), 0), relief="flat", borderwidth=0)
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
    style.configure("Title.TLabel", font=TITLE)
    style.configure("Header.TLabel", foreground=palette.faint)
    style.configure("Strong.TLabel", background=palette.paper)
    style.configure("Reply.TLabel", background=palette.paper, foreground=palette.faint, font=SMALL)
    style.configure("Order.TLabel", background=palette.paper, foreground=palette.faint, font=TEXT)
    style.configure("Faint.TLabel", foreground=palette.faint)
    style.configure("Status.TLabel", foreground=palette.faint, font=SMALL)
    style.configure("Alarm.TLabel", background=palette.alarm_surface, foreground=palette.alarm)
    style.configure("Notice.TLabel", foreground=palette.alarm)


def _dress_fields(root: tkinter.Tk, style: ttk.Style, palette: Palette) -> None:
    for field in ("TEntry", "TCombobox", "TSpinbox"):
        style.configure(field, padding=px(root, 6), fieldbackground=palette.paper, lightcolor=palette.paper)
        style.configure(field, arrowcolor=palette.faint, foreground=palette.ink)
        style.map(field, bordercolor=[("focus", palette.accent)], lightcolor=[("focus", palette.paper)])
        style.map(field, fieldbackground=[("readonly", palette.paper)], background=[("active", palette.surface)])
    style.configure("TCheckbutton", indicatorbackground=palette.paper, indicatorforeground=palette.accent)
    style.map("TCheckbutton", background=[("active", palette.surface)])
    style.configure("Treeview", background=palette.paper, fieldbackground=palette.paper, foreground=palette.ink)
    style.configure("Treeview", rowheight=line_height(root) + px(root, 8), borderwidth=0)
    style.configure("Treeview.Heading", background=palette.surface, foreground=palette.faint, relief="flat")
    style.map("Treeview", background=[("selected", palette.marked)], foreground=[("selected", palette.ink)])
    style.map("Treeview.Heading", background=[("active", palette.edge)])


def _dress_bars(root: tkinter.Tk, style: ttk.Style, palette: Palette) -> None:
    """A bare thumb, unseen while everything is in sight."""
    thumb = ("Vertical.Scrollbar.thumb", {"expand": True, "sticky": "nswe"})
    trough = ("Vertical.Scrollbar.trough", {"sticky": "ns", "children": [thumb]})
    for name, paper in (("Vertical.TScrollbar", palette.surface), ("Paper.Vertical.TScrollbar", palette.paper)):
        style.layout(name, [trough])  # type: ignore[list-item]  # the stubs do not know of "expand"
        style.configure(name, arrowsize=px(root, 10), gripcount=0, background=palette.thumb, troughcolor=paper)
        style.configure(name, bordercolor=paper, lightcolor=palette.thumb, darkcolor=palette.thumb)
        unseen = [("disabled", paper)]
        active = ("active", palette.faint)
        style.map(name, background=[*unseen, active], lightcolor=unseen, darkcolor=unseen)
