"""A row of the transcript as pieces of text, each with the names of its tags; and how what has a tag looks.

The pieces alternate as Tk's text widget takes them: text, tags, text, tags. `Pen` makes them and knows no widget.
A row has three columns with a tab between them: the time, whose words, the words. A narrow widget leaves out the time.
"""

import time
import tkinter
from collections.abc import Callable, Iterator
from itertools import pairwise
from tkinter import font

from chat.client.model.talk import Delivery, Line, LineKind
from chat.client.text import formatting
from chat.client.text.bidi import Reordered, reordered
from chat.client.text.formatting import Span
from chat.client.text.palette import LIGHT, Palette, readable
from chat.client.ui import look
from chat.client.ui.transcript.rows import Row, RowKind

Pieces = list[str | tuple[str, ...]]

_LONGEST_NICK = 16  # characters in the column of names; the rest is to be seen when the mouse is on it
_RESEND = {Delivery.UNSENT: "Not sent. Send again", Delivery.PERHAPS: "Perhaps not sent. Send again"}
_MARKS = {Delivery.SENT: "✓", Delivery.PENDING: "…"}


class Pen:
    """`shown` gives text as this machine can draw it, `colour` a nickname's colour.

    `fits` says whether text fits on a line of the widget; without it, the widget orders right-to-left text by itself.
    """

    def __init__(
        self,
        palette: Palette,
        shown: Callable[[str], str],
        colour: Callable[[str], str],
        fits: Callable[[str], bool] | None = None,
    ) -> None:
        self._fits = fits
        self.little = False  # there is little room: the time is left out
        self._palette = palette
        self._shown = shown
        self._colour = colour

    def row(self, row: Row) -> Pieces:
        """A line feed, then the row."""
        line = row.line
        if row.kind is RowKind.DAY:
            return [f"\n{line.text}", ("day",)]
        if row.kind is RowKind.NEW:
            return [f"\n──────  {line.text}  ──────", ("new",)]
        base = ("line",)
        clock = "" if self.little else time.strftime("%H:%M", time.localtime(line.at))
        pieces: Pieces = [f"\n{clock}\t", (*base, "time"), *self._name(row, base), "\t", base]
        if line.reply:
            pieces += ["↪ ", (*base, "mark"), f"{self._shown(line.reply)}  ", (*base, "reply")]
        pieces += self.in_reading_order(self._words(line, base))
        if row.lines > 1:
            pieces += ["  ", base, "Show", (*base, "fold", "link")]
        if line.delivery in _RESEND:
            pieces += ["  ", base, _RESEND[line.delivery], (*base, "again")]
        elif line.mine:
            pieces += [f"  {_MARKS[line.delivery]}", (*base, "mark")]
        for sign, nicks in line.reactions:
            count = f" {len(nicks)}" if len(nicks) > 1 else ""
            pieces += ["  ", base, f" {self._shown(sign)}{count} ", (*base, "reaction")]
        return pieces

    def words(self, line: Line) -> str:
        """The words of a line as they are drawn, but in the order in which they were written."""
        return "".join(piece for piece in self._words(line, ()) if isinstance(piece, str))

    def reordered(self, text: str) -> Reordered | None:
        return reordered(text, self._fits) if self._fits else None

    def in_reading_order(self, pieces: Pieces) -> Pieces:
        """The same pieces cut and put in the order in which they are drawn from left to right."""
        texts, tags = pieces[::2], pieces[1::2]
        order = self.reordered("".join(text for text in texts if isinstance(text, str)))
        if order is None:
            return pieces
        owner = [tag for text, tag in zip(texts, tags, strict=True) for _ in text]
        drawn: Pieces = []
        for sign, place in zip(order.shown, order.places, strict=True):
            if drawn and drawn[-1] == owner[place]:
                drawn[-2] = f"{drawn[-2]!s}{sign}"
            else:
                drawn += [sign, owner[place]]
        return drawn

    def _name(self, row: Row, base: tuple[str, ...]) -> Pieces:
        line = row.line
        if row.follows or not line.nick:
            return []
        if line.kind is LineKind.ACTION:
            return ["•", (*base, "time")]
        nick = line.nick if len(line.nick) <= _LONGEST_NICK else f"{line.nick[: _LONGEST_NICK - 1]}…"
        return [self._shown(nick), self._nick_tags(line, base)]

    def _nick_tags(self, line: Line, base: tuple[str, ...]) -> tuple[str, ...]:
        colour = self._colour(line.nick)
        colour = readable(colour, self._palette.called) if line.mention else colour
        return (*base, "nick", "me" if line.mine else f"nick{colour}")

    def _words(self, line: Line, base: tuple[str, ...]) -> Pieces:
        look = line.delivery.value if line.delivery is not Delivery.SENT else line.kind.value
        pieces: Pieces = []
        if line.kind is LineKind.ACTION:
            pieces += [self._shown(line.nick), self._nick_tags(line, base), " ", base]
        if not line.raw and "." not in line.text and ":" not in line.text and "#" not in line.text:
            return [*pieces, self._shown(line.text), (*base, look)]  # nothing to look for
        found = formatting.links(line.text)
        start = 0
        for span in formatting.spans(line.raw) if line.raw else [Span(line.text)]:
            end = start + len(span.text)
            edges = {start, end, *(edge for link in found for edge in (link.start, link.end) if start < edge < end)}
            tags = (*base, look, *_span_tags(formatting.painted(span, self._palette)))
            for left, right in pairwise(sorted(edges)):
                linked = any(link.start <= left and right <= link.end for link in found)
                text = self._shown(span.text[left - start : right - start])
                pieces += [text, (*tags, "link") if linked else tags]
            start = end
        return pieces


def _span_tags(span: Span) -> Iterator[str]:
    """Their names; what they mean stands in them, so that the transcript can make them as they come."""
    if span.mono:
        yield "mono"
    elif span.bold or span.italic:
        yield "bold" * span.bold + "italic" * span.italic
    if span.underline:
        yield "underline"
    if span.strike:
        yield "strike"
    if span.foreground:
        yield f"fg{span.foreground}"
    if span.background:
        yield f"bg{span.background}"


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
_ON_TOP = ("top", "link", "again", "found", "here", "sel")


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
        text.tag_configure("broken", wrap="char")
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
        # The free space above few rows belongs to the first: a background of its own would fill it.
        self._text.tag_configure("top", background=palette.paper, lmargincolor=palette.paper)
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
        """The same pieces, after making those of their tags that are new."""
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
