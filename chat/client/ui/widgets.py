"""Small things that several parts of the window share: scroll bars, tooltips, places in Tk's texts, emoji."""

import ctypes
import re
import tkinter
import unicodedata
from collections.abc import Callable
from tkinter import ttk

from chat.client.text.palette import LIGHT, Palette
from chat.client.ui import look

_SOON = 500  # ms that the mouse rests before a tooltip is shown

# libXft before 2.3.5 ends the whole program (BadLength from X_RenderAddGlyphs) when it draws a glyph of a colour font:
# with one of those installed a single emoji from a stranger does it. There they are spelled out: `:waving hand sign:`.
_XFT_WITH_COLOUR = 20305  # 2.3.5 as XftGetVersion tells it

# The blocks that colour fonts cover, and the selector that turns an ordinary sign into its emoji.
_EMOJI = re.compile(
    "[\u203c\u2049\u2122\u2139\u231a-\u23ff\u25aa-\u27bf\u2934-\u2b55\u3030-\u3299\ufe0f\U0001f000-\U0001faff]"
)


class PassingBar(ttk.Scrollbar):
    """A scroll bar at the right of a list that is packed in the same frame, while there is more than fits."""

    def __init__(self, parent: tkinter.Misc, beside: tkinter.Listbox | ttk.Treeview | tkinter.Canvas) -> None:
        super().__init__(parent, command=beside.yview)
        self._beside = beside
        beside.configure(yscrollcommand=self.move)

    def move(self, first: float, last: float) -> None:
        """Tk gives the fractions as text."""
        self.set(first, last)
        if float(first) > 0 or float(last) < 1:
            self.pack(side="right", fill="y", before=self._beside)
        else:
            self.pack_forget()


class Tooltip:
    """Shows what `words` gives for the place where the mouse rests; nothing for an empty text."""

    def __init__(self, widget: tkinter.Misc, words: Callable[[int, int], str]) -> None:
        self._widget = widget
        self._words = words
        self._palette: Palette = LIGHT
        self._window: tkinter.Toplevel | None = None
        self._waiting: str | None = None
        widget.bind("<Motion>", self._moved, add=True)
        for event in ("<Leave>", "<ButtonPress>", "<KeyPress>"):
            widget.bind(event, self.hide, add=True)

    def paint(self, palette: Palette) -> None:
        self._palette = palette

    def hide(self, event: object = None) -> None:
        if self._waiting is not None:
            self._widget.after_cancel(self._waiting)
            self._waiting = None
        if self._window is not None:
            self._window.destroy()
            self._window = None

    def _moved(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        self.hide()
        if self._words(event.x, event.y):
            self._waiting = self._widget.after(_SOON, self.show, event.x, event.y)

    def show(self, x: int, y: int) -> None:
        """At this place of the widget."""
        self._waiting = None
        words = self._words(x, y)
        if not words:
            return
        self._window = tkinter.Toplevel(self._widget, background=self._palette.edge)
        self._window.overrideredirect(True)
        gap = look.px(self._widget, 6)
        label = tkinter.Label(self._window, text=words, font=look.SMALL, justify="left", padx=gap, pady=gap // 2)
        label.configure(background=self._palette.surface, foreground=self._palette.ink)
        label.configure(wraplength=look.px(self._widget, 460))
        label.pack(padx=1, pady=1)
        left, top = self._widget.winfo_rootx() + x + gap, self._widget.winfo_rooty() + y + 3 * gap
        self._window.geometry(f"+{left}+{top}")


def dialog(root: tkinter.Tk, name: str, title: str, surface: str) -> tkinter.Toplevel:
    """A window of this name, instead of one of the same name; Escape closes it."""
    if name in root.children:
        root.children[name].destroy()
    window = tkinter.Toplevel(root, name=name, background=surface)
    window.title(f"{title} - Fanfare")
    window.transient(root)
    window.bind("<Escape>", lambda event: window.destroy())
    return window


def menu_buttons(widget: tkinter.Misc) -> tuple[str, ...]:
    """The events of the mouse that ask for a menu on this desktop."""
    return ("<Button-2>", "<Button-3>") if widget.tk.call("tk", "windowingsystem") == "aqua" else ("<Button-3>",)


def index(widget: tkinter.Misc, text: str, cursor: int, line: int = 1) -> str:
    """Tk's index of the place before `text[cursor]`, in a text widget that shows the text from this line on.

    Before Tk 9, characters beyond U+FFFF (most emoji) are two columns of a line.
    """
    before = text[:cursor]
    start = before.rfind("\n") + 1
    column = cursor - start
    if widget.tk.call("string", "length", "\U0001f600") == 2:
        column += sum(character > "\uffff" for character in before[start:])
    return f"{line + before.count(chr(10))}.{column}"


def ellipsised(widget: tkinter.Misc, text: str, pixels: int, font_name: str) -> str:
    """As much of the text as fits, with `…` where some is left out."""
    if look.width(widget, text, font_name) <= pixels:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if look.width(widget, f"{text[:middle]}…", font_name) <= pixels else (low, middle - 1)
        )
    return f"{text[:low]}…"


def draws_emoji(windowing_system: str) -> bool:
    """Whether Tk survives them here. `windowing_system` is Tk's: x11, win32 or aqua."""
    if windowing_system != "x11":
        return True
    try:
        version: int = ctypes.CDLL("libXft.so.2").XftGetVersion()
    except (OSError, AttributeError):
        return True  # drawn without libXft, and so without colour
    return version >= _XFT_WITH_COLOUR


def spell_out(text: str) -> str:
    """Emoji by their names."""
    return _EMOJI.sub(lambda found: _name(found.group()), text)


def _name(sign: str) -> str:
    return "" if sign == "\ufe0f" else f":{unicodedata.name(sign, 'emoji').lower()}:"
