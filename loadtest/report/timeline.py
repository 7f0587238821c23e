"""Draw when something was learnt, one bar a row, as an inline SVG. The axis is logarithmic: milliseconds to minutes."""

from collections.abc import Callable, Sequence
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

_WIDTH = 900
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 40, 28, 34  # margins
_ROW = 30


class Span(NamedTuple):
    """In µs. The first three are None where nobody learnt of it."""

    title: str
    first: int | None
    median: int | None
    last: int | None
    deadline: int


def timeline(spans: Sequence[Span]) -> str:
    """An svg element: a bar from the first to the last, a dot at the median, a stroke at the deadline."""
    low, high = _decades(spans)
    height = _TOP + _ROW * len(spans) + _BOTTOM
    legend = (("one", "told: first to last, dot at the median", _LEFT), ("two", "deadline", _LEFT + 270))

    def x(us: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (log10(max(us, 1)) - low) / (high - low)

    parts = [f'<text class="{style}" x="{left}" y="16">{words}</text>' for style, words, left in legend]
    parts += [_tick(x(10**power), 10**power, height) for power in range(low, high + 1)]
    parts += [_row(span, _TOP + _ROW * (turn + 0.5), x) for turn, span in enumerate(spans)]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="When the others were told">{"".join(parts)}</svg>'
    )


def _decades(spans: Sequence[Span]) -> tuple[int, int]:
    """The powers of ten, in µs, between which everything lies."""
    moments = [max(us, 1) for span in spans for us in span[1:] if isinstance(us, int)] or [1]
    low = floor(log10(min(moments)))
    return low, max(low + 1, ceil(log10(max(moments))))


def _tick(x: float, us: int, height: int) -> str:
    text = f"{us:g} µs" if us < 1000 else f"{us / 1000:g} ms" if us < 1_000_000 else f"{us / 1_000_000:,g} s"
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - _BOTTOM}"/>'
        f'<text x="{x:.1f}" y="{height - _BOTTOM + 20}" text-anchor="middle">{text}</text>'
    )


def _row(span: Span, y: float, x: Callable[[int], float]) -> str:
    title = f'<text x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(span.title)}</text>'
    end = x(span.deadline)
    due = f'<line class="due" x1="{end:.1f}" x2="{end:.1f}" y1="{y - 8}" y2="{y + 8}"/>'
    if span.first is None or span.median is None or span.last is None:
        return title + due
    begin, width = x(span.first), x(span.last) - x(span.first)
    bar = f'<rect class="told" x="{begin:.1f}" y="{y - 3}" width="{width:.1f}" height="6"/>'
    return f'{title}{due}{bar}<circle class="told" cx="{x(span.median):.1f}" cy="{y}" r="5"/>'
