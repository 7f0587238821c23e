"""How the transcript's text looks, tag by tag, in one Tk text widget; drawing.py says which text has which."""

import tkinter
from tkinter import font

from chat.client.text.palette import LIGHT, Palette
from chat.client.ui import look
from chat.client.ui.transcript.drawing import Pieces

_OWN_COLOURS = 600  # strangers choose colours; beyond this number, theirs are not shown
_WIDEST = 100  # characters of a line of text; longer ones are hard to read
_NAMES = 14  # digits that the column of names is as wide as
_NAMES_IN_LITTLE_ROOM = 8
_LITTLE_ROOM = 420  # pixels of a transcript

_FONTS = {
    "bold": look.BOLD,
    "italic": look.ITALIC,
    "bolditalic": look.BOLD_ITALIC,
    "mono": look.MONO,
    "time": look.SMALL,
    "mark": look.SMALL,
    "day": look.SMALL,
    "new": look.SMALL,
    "reply": look.SMALL,
    "reaction": look.SMALL,
}
_ON_TOP = ("link", "again", "found", "here", "sel")


class Tags:
    def __init__(self, text: tkinter.Text) -> None:
        self._text = text
        self._palette: Palette = LIGHT
        self.room = 0  # pixels for the words of a line
        self.little = False  # there is little room: no column of times
        self._made: set[str] = set()  # those of nicknames and of strangers' colours
        self._seen: dict[tuple[str, ...], tuple[str, ...]] = {}
        for name, font_name in _FONTS.items():
            text.tag_configure(name, font=font_name)
        text.tag_configure("underline", underline=True)
        text.tag_configure("strike", overstrike=True)
        text.tag_configure("link", underline=True)
        text.tag_configure("again", underline=True)
        above, below = look.px(text, 10), look.px(text, 4)
        text.tag_configure("day", justify="center", spacing1=above, spacing3=below)
        text.tag_configure("new", justify="center", spacing1=below, spacing3=below)
        self.refit()

    def paint(self, palette: Palette) -> None:
        """The tags of nicknames and colours are forgotten: what has them is to be drawn again."""
        self._palette = palette
        for name in self._made:
            self._text.tag_delete(name)
        self._made.clear()
        self._seen.clear()
        faint = ("time", "notice", "event", "server", "pending", "day", "hint", "mark", "reply")
        colours = dict.fromkeys(faint, palette.faint)
        colours |= dict.fromkeys(("trouble", "unsent", "perhaps", "again", "new"), palette.alarm)
        colours |= {"me": palette.ink, "link": palette.accent}
        self._text.tag_configure("reaction", background=palette.edge, foreground=palette.ink)
        for name, colour in colours.items():
            self._text.tag_configure(name, foreground=colour)
        self._text.tag_configure("line", lmargincolor=palette.paper)  # or a stranger's background fills the indent
        self._text.tag_configure("called", background=palette.called, lmargincolor=palette.called)
        self._text.tag_configure("found", background=palette.found, foreground=palette.ink)
        self._text.tag_configure("here", background=palette.accent, foreground=palette.on_accent)
        for name in _ON_TOP:
            self._text.tag_raise(name)

    def refit(self) -> None:
        """The fonts or the widget have another size: so have the columns."""
        text = font.nametofont(look.TEXT, self._text)
        digit, gap = text.measure("0"), look.px(self._text, 10)
        room = self._text.winfo_width() - 2 * int(str(self._text.cget("padx")))
        self.little = room < look.px(self._text, _LITTLE_ROOM)
        times = 0 if self.little else font.nametofont(look.SMALL, self._text).measure("00:00") + gap
        right = times + (_NAMES_IN_LITTLE_ROOM if self.little else _NAMES) * digit
        column = right + gap
        margin = max(0, room - column - _WIDEST * text.measure("n"))
        self.room = max(1, room - column - margin)
        self._text.tag_configure("line", tabs=(right, "right", column), lmargin2=column, rmargin=margin)

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
        for above in _ON_TOP:
            self._text.tag_raise(above)
        return True
