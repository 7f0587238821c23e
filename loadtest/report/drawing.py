"""Draw a plot as HTML and SVG, without a script: the page's style gives it its colours, in light, dark and on paper.

The SVG is stretched to the width that there is, its strokes keep theirs, and all words are HTML beside it: so they stay
as large as the page's on any screen. What is shown under the pointer goes to the page's script as plain values.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from math import log10
from typing import Any

from loadtest.report.plots import Axis, Line, Look, Mark, Plot

_SIZE = 1000  # units of the SVG, in either direction
_SHORT = 14  # pixels, of a tick that stands across a row
_NARROW = 46  # characters that fit over a plot on a narrow screen
_STANDS_OUT = 5  # characters of a label at the right end that fit half beside the plot
_ABSURD = 3.0  # a value may lie so many times the axis beside it, and be drawn; a path has room for no more digits


class _Scale:
    """Places a value between 0 and 1 along an axis, so that all its ticks and all that must be seen are in there."""

    def __init__(self, axis: Axis, values: Sequence[float] = ()) -> None:
        self._log = axis.log
        ends = [self._bent(value) for value in (*(at for at, _ in axis.ticks), *values)]
        self._least = min(ends)
        self._length = max(ends) - self._least or 1.0

    def __call__(self, value: float) -> float:
        """Beside the axis, where the value is."""
        return min(_ABSURD, max(-_ABSURD, (self._bent(value) - self._least) / self._length))

    def _bent(self, value: float) -> float:
        return log10(max(value, 1e-9)) if self._log else value


def _scales(plot: Plot) -> tuple[_Scale, _Scale]:
    """Along x all values are seen; the axis of y may leave out the fastest few, as it says itself."""
    upright = [mark.at for mark in plot.marks if mark.words]
    return _Scale(plot.x, [*upright, *(at for line in plot.lines for at in line.x)]), _Scale(plot.y)


def drawn(plot: Plot) -> str:
    """The plot as an element, whose id is its name."""
    x, y = _scales(plot)
    legend = "".join(
        f'<span class="key {line.look}" style="--colour: var({line.colour})">{escape(line.name)}</span>'
        for line in plot.lines
    )
    gutter = max(len(label) for _, label in plot.y.ticks)
    title = escape(plot.title)
    labels = [f'<span class="y" style="bottom: {_percent(y(at))}">{escape(label)}</span>' for at, label in plot.y.ticks]
    labels += _along(plot.x, x)
    return (
        f'<div class="plot" id="{plot.name}" style="--height: {plot.height}px; --gutter: {gutter}ch">'
        f'<div class="legend">{legend}</div><div class="upwards">{escape(plot.y.title)}</div>{_words(plot.marks, x)}'
        f'<div class="area" tabindex="0" role="img" aria-label="{title}">{_svg(plot, x, y)}{"".join(labels)}</div>'
        f'<div class="across">{escape(plot.x.title)}</div></div>'
    )


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"


def _along(axis: Axis, x: _Scale) -> Iterator[str]:
    """A narrow screen leaves out every second label where all would meet."""
    crowded = sum(len(label) + 2 for _, label in axis.ticks) > _NARROW
    for number, (at, label) in enumerate(reversed(axis.ticks)):
        kind = "x spare" if crowded and number % 2 else "x last" if x(at) == 1 and len(label) > _STANDS_OUT else "x"
        yield f'<span class="{kind}" style="left: {_percent(x(at))}">{escape(label)}</span>'


def _words(marks: Sequence[Mark], x: _Scale) -> str:
    """Above their lines, and above one another where they would meet."""
    ends: list[float] = []  # of each row, as a share of the width
    words = []
    for mark in sorted((mark for mark in marks if mark.words), key=lambda mark: mark.at):
        at, width = x(mark.at), len(mark.words) / _NARROW
        begins = at - at * width  # moved to the left by as much as it lies to the right
        row = next((row for row, end in enumerate(ends) if end < begins), len(ends))
        ends[row : row + 1] = [begins + width + 1 / _NARROW]
        place = f"left: {_percent(at)}; --shift: -{_percent(at)}; --row: {row}"
        words.append(f'<span style="{place}">{escape(mark.words)}</span>')
    return f'<div class="marks" style="--rows: {len(ends)}">{"".join(words)}</div>' if words else ""


def _svg(plot: Plot, x: _Scale, y: _Scale) -> str:
    grid = "".join(f"M0 {_down(y(at))}h{_SIZE}" for at, label in plot.y.ticks if label)
    grid += "".join(f"M{_across(x(at))} 0v{_SIZE}" for at, label in plot.x.ticks if label)
    upright = "".join(f"M{_across(x(mark.at))} 0v{_SIZE}" for mark in plot.marks if mark.words)
    level = "".join(f"M0 {_down(y(mark.at))}h{_SIZE}" for mark in plot.marks if not mark.words)
    paths = [("grid", grid, ""), ("mark", upright, ""), ("limit", level, "")]
    for line in plot.lines:
        paths += [(kind, path, "" if kind == "hole" else line.colour) for kind, path in _paths(line, x, y, plot.height)]
    shapes = "".join(
        f'<path class="{kind}" d="{path}"' + (f' style="stroke: var({colour})"/>' if colour else "/>")
        for kind, path, colour in paths
        if path
    )
    return f'<svg viewBox="0 0 {_SIZE} {_SIZE}" preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'


def _across(share: float) -> str:
    return f"{_SIZE * share:.5g}"


def _down(share: float) -> str:
    return f"{_SIZE * (1 - share):.5g}"


_HAS_DOTS: Mapping[Look, str] = {"dotted": "dot", "dots": "large dot", "rings": "large dot", "squares": "square"}


def _paths(line: Line, x: _Scale, y: _Scale, height: int) -> Iterator[tuple[str, str]]:
    """The classes and the outline of each path that makes the line."""
    places = [(x(at), None if top is None else y(top)) for at, top in zip(line.x, line.y, strict=True)]
    points = [(_across(at), _down(top)) for at, top in places if top is not None]
    if line.look in ("line", "dotted", "bar"):
        pieces = [
            [f"{_across(at)} {_down(top)}" for at, top in piece if top is not None]
            for gap, piece in groupby(places, key=lambda place: place[1] is None)
            if not gap
        ]
        yield "bar" if line.look == "bar" else "line", "".join("M" + "L".join(piece) for piece in pieces)
    if line.look == "ticks":
        long = _SHORT / height * _SIZE
        yield "tick", "".join(f"M{at} {float(top) - long / 2:.5g}v{long:.5g}" for at, top in points)
    if line.look in _HAS_DOTS:  # a round or square end of a stroke without a length
        dots = "".join(f"M{at} {top}h.01" for at, top in points)
        yield _HAS_DOTS[line.look], dots
        if line.look == "rings":
            yield "hole", dots


def pointed(plot: Plot) -> dict[str, Any]:
    """What the script shows under the pointer: `[x, y, heading, [[line, y, words], …]]` for each place to stop at.

    Places are shares of the width and the height.
    """
    x, y = _scales(plot)
    found: dict[tuple[float, int], list[Any]] = {}
    for number, line in enumerate(plot.lines):
        for index, (at, top, said) in enumerate(zip(line.x, line.y, line.said, strict=True)):
            if top is None or not said:
                continue
            at_y = round(min(1.0, max(0.0, y(top))), 4)
            key = (at, 0) if plot.heading else (at, 1 + index * len(plot.lines) + number)
            heading = plot.heading.format(at) if plot.heading else line.name
            stop = found.setdefault(key, [round(x(at), 4), at_y, heading, []])
            stop[3].append([number, at_y, said])
    lines = [[line.name if plot.heading else "", line.colour] for line in plot.lines]
    return {"together": bool(plot.heading), "lines": lines, "stops": [found[key] for key in sorted(found)]}
