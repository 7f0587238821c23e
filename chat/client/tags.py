"""The looks of the transcript's text, by name, in one Tk text widget; drawing.py says which text has which."""

import tkinter
from tkinter import font

from chat.client import look
from chat.client.drawing import Pieces
from chat.client.palette import LIGHT, Palette

_OWN_COLOURS = 600  # strangers choose colours; beyond so many of them, theirs are not shown

_FONTS = {
    "bold": look.BOLD,
    "italic": look.ITALIC,
    "bolditalic": look.BOLD_ITALIC,
    "mono": look.MONO,
    "me": look.BOLD,
    "mention": look.BOLD,
    "day": look.BOLD,
}


class Tags:
    def __init__(self, text: tkinter.Text) -> None:
        self._text = text
        self._palette: Palette = LIGHT
        self._made: set[str] = set()  # those of nicknames and of strangers' colours
        self._seen: dict[tuple[str, ...], tuple[str, ...]] = {}
        for name, font_name in _FONTS.items():
            text.tag_configure(name, font=font_name)
        text.tag_configure("underline", underline=True)
        text.tag_configure("strike", overstrike=True)
        text.tag_configure("link", underline=True)
        text.tag_configure("again", underline=True)
        text.tag_configure("day", justify="center", spacing1=look.px(text, 10), spacing3=look.px(text, 4))
        self.refit()

    def paint(self, palette: Palette) -> None:
        """The tags of nicknames and colours are forgotten: what has them is to be drawn anew."""
        self._palette = palette
        for name in self._made:
            self._text.tag_delete(name)
        self._made.clear()
        self._seen.clear()
        faint = ("time", "notice", "happening", "server", "pending", "day")
        colours = dict.fromkeys(faint, palette.faint) | dict.fromkeys(("trouble", "unsent", "again"), palette.alarm)
        colours |= dict.fromkeys(("me", "hint", "link"), palette.accent)
        for name, colour in colours.items():
            self._text.tag_configure(name, foreground=colour)
        self._text.tag_configure("found", background=palette.found, foreground=palette.ink)
        self._text.tag_configure("here", background=palette.accent, foreground=palette.on_accent)
        for name in ("link", "again", "found", "here", "sel"):
            self._text.tag_raise(name)

    def refit(self) -> None:
        """The fonts have another size: so has the column of the times."""
        column = font.nametofont(look.TEXT, self._text).measure("00:00") + look.px(self._text, 14)
        self._text.tag_configure("line", tabs=column, lmargin2=column)

    def known(self, pieces: Pieces) -> Pieces:
        """The same pieces, after making such tags of theirs as are new."""
        return [piece if isinstance(piece, str) else self._known(piece) for piece in pieces]

    def _known(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        known = self._seen.get(tags)
        if known is None:
            known = tuple(tag for tag in tags if self._make(tag))
            if len(self._seen) < 4 * _OWN_COLOURS:
                self._seen[tags] = known
        return known

    def _make(self, tag: str) -> bool:
        """Whether there is such a tag now."""
        kind, separator, colour = tag.partition("#")
        if not separator or tag in self._made:
            return True
        if len(self._made) >= _OWN_COLOURS:
            return False
        self._made.add(tag)
        where = "background" if kind == "bg" else "foreground"
        self._text.tag_configure(tag, **{where: f"#{colour}"})
        if kind == "nick":
            self._text.tag_configure(tag, font=look.BOLD)
        for above in ("link", "again", "found", "here", "sel"):
            self._text.tag_raise(above)
        return True
