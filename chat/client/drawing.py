"""What a line of the transcript is made of: pieces of text, each with the names of its looks. Pure, knows no widgets.

The pieces alternate as Tk's text widget takes them: text, tags, text, tags. Whose tags look how is the transcript's.
"""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise

from chat.client import formatting, links
from chat.client.folding import Row
from chat.client.formatting import Span
from chat.client.palette import Palette, nick_colour
from chat.client.talk import Line, Look, State

Pieces = list[str | tuple[str, ...]]

RESEND = "Not sent. Send again"


def row_pieces(row: Row, palette: Palette, shown: Callable[[str], str]) -> Pieces:
    """A line feed, then a day, or the time, whose words, the words. `shown` gives text as this machine can draw it."""
    line = row.line
    if row.day:
        return [f"\n{line.text}", ("day",)]
    clock = time.strftime("%H:%M", time.localtime(line.at))
    pieces: Pieces = [f"\n{clock}\t", ("line", "time")]
    if line.nick:
        nick = f"• {line.nick}" if line.look is Look.ACTION else line.nick
        tag = "me" if line.mine else f"nick{nick_colour(line.nick, palette)}"
        pieces += [shown(nick), ("line", tag)]
        pieces += [" " if line.look is Look.ACTION else "  ", ("line",)]
    pieces += _words(line, palette, shown)
    if line.state is State.UNSENT:
        pieces += ["  ", ("line",), RESEND, ("line", "again")]
    return pieces


def _words(line: Line, palette: Palette, shown: Callable[[str], str]) -> Pieces:
    look = line.state.value if line.state is not State.SENT else "mention" if line.mention else line.look.value
    if not line.raw and "." not in line.text and ":" not in line.text:  # nothing to look for
        return [shown(line.text), ("line", look)]
    found = links.links(line.text)
    pieces: Pieces = []
    start = 0
    for span in formatting.spans(line.raw) if line.raw else [Span(line.text)]:
        end = start + len(span.text)
        edges = {start, end, *(edge for link in found for edge in (link.start, link.end) if start < edge < end)}
        tags = ("line", look, *_span_tags(formatting.painted(span, palette)))
        for left, right in pairwise(sorted(edges)):
            linked = any(link.start <= left and right <= link.end for link in found)
            pieces += [shown(span.text[left - start : right - start]), (*tags, "link") if linked else tags]
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
