"""Draw latency by percentile as an inline SVG. Knows histograms, nothing of runs.

The axis counts nines, as one cares for the slow end: 90, 99 and 99.9 % lie at equal distances.
"""

from html import escape
from math import ceil, log10
from typing import NamedTuple

from loadtest.histogram import Histogram

_WIDTH, _HEIGHT = 900, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 30, 20, 40  # margins
_TICKS = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99)
_STEPS = 120  # points in a curve
_NICE = (1, 2, 5, 10)  # a grid line's distance is one of these times a power of ten
_GRID = 6  # grid lines at most


class Curve(NamedTuple):
    title: str
    style: str  # CSS class
    histogram: Histogram


def plot(curves: list[Curve]) -> str:
    """An svg element. A curve ends where one of its samples stands for what is left, at the longest sample."""
    curves = [curve for curve in curves if curve.histogram.count]
    step, top = _scale(max((curve.histogram.longest / 1000 for curve in curves), default=1.0))
    parts = [_horizontal(step * n, top) for n in range(round(top / step) + 1)]
    parts += [_vertical(percent) for percent in _TICKS]
    for turn, curve in enumerate(curves):
        parts.append(f'<polyline class="curve {curve.style}" points="{_points(curve.histogram, top)}"/>')
        y = _TOP + 16 + 18 * turn
        parts.append(f'<text class="{curve.style}" x="{_LEFT + 12}" y="{y}">{escape(curve.title)}</text>')
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Latency by percentile">{"".join(parts)}</svg>'


def _nines(percent: float) -> float:
    return -log10(1 - percent / 100)


def _x(nines: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(nines / _nines(_TICKS[-1]), 1)


def _y(ms: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * ms / top


def _scale(longest_ms: float) -> tuple[float, float]:
    """The distance of the grid lines, and the highest of them."""
    rough = max(longest_ms, 0.001) / _GRID
    power: float = 10.0 ** (ceil(log10(rough)) - 1)
    step = next(nice * power for nice in _NICE if nice * power >= rough * 0.999)
    return step, step * ceil(longest_ms / step or 1)


def _points(histogram: Histogram, top: float) -> str:
    last = min(log10(histogram.count) if histogram.count > 1 else 0.3, _nines(_TICKS[-1]))
    points = []
    for n in range(_STEPS + 1):
        nines = last * n / _STEPS
        percent = 100 * (1 - 10**-nines) if n < _STEPS else 100  # the curve's end is the longest sample
        ms = histogram.percentile(percent) / 1000
        points.append(f"{_x(nines):.1f},{_y(ms, top):.1f}")
    return " ".join(points)


def _horizontal(ms: float, top: float) -> str:
    y = _y(ms, top)
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{ms:,.4g} ms</text>'
    )


def _vertical(percent: float) -> str:
    x = _x(_nines(percent))
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
        f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{percent:g} %</text>'
    )
