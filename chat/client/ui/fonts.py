"""Fonts and sizes: what the window's text looks like on this desktop, at this density. Not its colours."""

import contextlib
import re
import subprocess
import sys
import tkinter
from tkinter import font

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


def on_screen(root: tkinter.Tk, geometry: str) -> str:
    """A geometry that was remembered, if it is in reach there; else its size alone, or nothing."""
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})\+(-?\d{1,5})\+(-?\d{1,5})", geometry)
    if not found:
        return ""
    width, height, x, y = map(int, found.groups())
    right, bottom = root.winfo_vrootx() + root.winfo_screenwidth(), root.winfo_vrooty() + root.winfo_screenheight()
    if width > root.winfo_screenwidth() or height > root.winfo_screenheight():
        return ""
    reachable = 0 <= x <= right - 100 and 0 <= y <= bottom - 60
    return geometry if reachable else f"{width}x{height}"


def width(root: tkinter.Misc, text: str, name: str = TEXT) -> int:
    """Pixels that this text takes."""
    return font.nametofont(name, root).measure(text)
