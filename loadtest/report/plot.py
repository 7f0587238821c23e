"""What a plot is: plain values for Plotly's script, which draws them on the page. Knows nothing of runs.

A colour is the name of one of the page's CSS variables, like `--one`: the page's script puts its value there, anew
when the colour scheme changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, log10
from typing import Any

_LOG_FROM = 20.0  # times between the least and the most, from which a logarithmic axis reads better
_DECADES = 3_000.0  # times, up to which 1, 2 and 5 of each decade have room for a label
_DOTTED = 40  # points up to which each is marked: a few do not make a line
Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plot:
    name: str  # of the element, an identifier
    title: str
    question: str  # what it answers, and how to read it
    data: list[dict[str, Any]]
    layout: dict[str, Any]
    height: int = 340  # pixels
    wide: bool = field(default=False)  # over the page's whole width

    def values(self) -> dict[str, Any]:
        """As Plotly takes them; width and height are those of the element."""
        return {"data": self.data, "layout": self.layout}


def line(name: str, colour: str, x: Sequence[Any], y: Sequence[Any], hover: str, **more: Any) -> dict[str, Any]:
    """A None in `y` is a gap. `hover` is what is shown of a point, with d3 formats: `%{y:,.3f} ms`."""
    mode = "lines+markers" if len(x) <= _DOTTED else "lines"
    look = {"line": {"color": colour, "width": 2}, "marker": {"color": colour, "size": 6}}
    return {"type": "scatter", "mode": mode, "name": name, "x": x, "y": y, "hovertemplate": hover, **look, **more}


def axis(title: str, **more: Any) -> dict[str, Any]:
    return {"title": {"text": title}, **more}


def ms_axis(title: str, values: Iterable[float | None]) -> dict[str, Any]:
    """Of milliseconds: from 0, or logarithmic where the values lie far apart."""
    seen = [value for value in values if value is not None]
    least = min((value for value in seen if value > 0), default=0.0)
    if least and max(seen) / least >= _LOG_FROM:
        ticks = _ticks(least, max(seen))
        return axis(f"{title}, ms (logarithmic)", type="log", tickvals=ticks, ticktext=[f"{tick:,g}" for tick in ticks])
    return axis(f"{title}, ms", rangemode="tozero")


def _ticks(least: float, most: float) -> list[float]:
    """1, 2 and 5 of each decade, or 1 where there are many. Plotly's own leave out the noughts: `5` for 50."""
    steps = (1, 2, 5) if most / least < _DECADES else (1,)
    decades = range(floor(log10(least)), ceil(log10(most)) + 1)
    return [float(f"{step}e{decade}") for decade in decades for step in steps]


def ms(us: int | None) -> float | None:
    return None if us is None else us / 1000
