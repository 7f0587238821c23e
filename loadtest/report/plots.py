"""The plots of a run, each where there is something to draw: plain values, which Plotly's script draws on the page.

A colour is the name of one of the page's CSS variables, like `--one`: the page's script puts its value there, and again
when the colour scheme changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any

from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures
from loadtest.report.hgrm import percentiles

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


def in_ms(us: int | None) -> float | None:
    return None if us is None else us / 1000


Row = Mapping[str, Any]
_MIB = 1_048_576
_MS = "%{y:,.3f} ms"
_PERCENTILES = (("p50", 50, "--one"), ("p99", 99, "--two"))


def latency_plots(timeline: Sequence[Row], figures: Figures) -> list[Plot]:
    """Where the time went: over the run, over all deliveries, over the members of a room."""
    plots = (
        over_time(timeline, figures.marks),
        by_percentile(figures),
        by_tenth(figures.tenths),
        by_size(figures.complete_by_size),
    )
    return [plot for plot in plots if plot]


def cost_plots(timeline: Sequence[Row]) -> list[Plot]:
    """What generator and server took."""
    plots = (
        _cost(
            timeline,
            ("cpu", "CPU", "Was the generator, or the server, near its limit? Percent of one core."),
            ("cpu_percent", 1, "CPU, % of a core", "%{y:,.0f} %"),
        ),
        _cost(
            timeline,
            ("memory", "Memory", "Does it level off? What the processes have taken for themselves."),
            ("memory_bytes", _MIB, "memory, MiB", "%{y:,.1f} MiB"),
        ),
    )
    return [plot for plot in plots if plot]


def over_time(timeline: Sequence[Row], marks: Sequence[tuple[float, str]]) -> Plot | None:
    if not any(row["deliveries"] for row in timeline):
        return None
    rows = _with_gaps(timeline)
    x = [row["at_s"] for row in rows]
    lines = [
        line(name, colour, x, [in_ms(row[key]) for row in rows], _MS)
        for name, key, colour in (("p50", "p50_us", "--one"), ("p99", "p99_us", "--two"), ("max", "max_us", "--soft"))
    ]
    values = [value for each in lines for value in each["y"]]
    shown = [(at_s, what) for at_s, what in marks if x[0] <= at_s <= x[-1] + _step(timeline)]
    layout = {
        "xaxis": _seconds(),
        "yaxis": ms_axis("fan-out", values),
        "hovermode": "x unified",
        **_marked(shown),
    }
    question = "Did the fan-out stay level? Each point is a slice of the run, by the time messages were meant to leave."
    if shown:
        question += " Dotted lines say what happened to the users or the server."
    return Plot("over-time", "Latency over time", question, lines, layout, height=380, wide=True)


def by_percentile(figures: Figures) -> Plot | None:
    """The axis counts nines, as one cares for the slow end: 90, 99 and 99.9 % lie at equal distances."""
    curves = (
        ("each delivery", "--one", figures.fanout),
        ("first receiver", "--three", figures.first),
        ("half of the receivers", "--four", figures.median),
        ("last receiver (complete)", "--two", figures.complete),
    )
    lines = [_curve(name, colour, histogram) for name, colour, histogram in curves if histogram.count]
    if not lines:
        return None
    most = floor(max(each["x"][-1] for each in lines))
    ticks = {0.0: "0", log10(2): "50"} | {float(n): f"{100 - 10 ** (2 - n):.{max(0, n - 2)}f}" for n in _to(most)}
    layout = {
        "xaxis": axis("percent of the deliveries, or messages", tickvals=list(ticks), ticktext=list(ticks.values())),
        "yaxis": ms_axis("latency", _slower_half(lines)),
    }
    question = "How slow is the slow end? So many percent took at most so long, from the intended time on."
    return Plot("by-percentile", "Latency by percentile", question, lines, layout)


def by_tenth(tenths: Sequence[Histogram]) -> Plot | None:
    """The first tenth joined first; a server that sends in that order serves the last one later."""
    if not any(each.count for each in tenths):
        return None
    x = list(range(1, len(tenths) + 1))
    lines = [
        line(name, colour, x, [in_ms(each.percentile(percent)) if each.count else None for each in tenths], _MS)
        for name, percent, colour in _PERCENTILES
    ]
    layout = {
        "xaxis": axis("tenth of the users, by when they joined", dtick=1),
        "yaxis": axis("fan-out, ms", rangemode="tozero"),
        "hovermode": "x unified",
    }
    question = "Is everyone served alike? Level is fair; a slope means that some always hear later than others."
    return Plot("by-tenth", "Fairness", question, lines, layout)


def by_size(sizes: Mapping[int, Histogram]) -> Plot | None:
    if len(sizes) < 2:
        return None
    x = sorted(sizes)
    lines = [
        line(name, colour, x, [in_ms(sizes[size].percentile(percent)) for size in x], _MS)
        for name, percent, colour in _PERCENTILES
    ]
    layout = {
        "xaxis": axis("receivers of a message", tickformat=",", rangemode="tozero"),
        "yaxis": ms_axis("complete", (value for each in lines for value in each["y"])),
        "hovermode": "x unified",
    }
    question = "What does another member cost? The time until the last receiver has a message, by their number."
    return Plot("by-size", "Completion by members", question, lines, layout)


def _curve(name: str, colour: str, histogram: Histogram) -> dict[str, Any]:
    points = [(share, value_ms) for value_ms, share, _ in percentiles(histogram) if share < 1]
    return line(
        name,
        colour,
        [round(-log10(1 - share), 6) for share, _ in points],
        [value_ms for _, value_ms in points],
        f"{name}: %{{text}} within %{{y:,.3f}} ms<extra></extra>",
        text=[f"{100 * share:.6g} %" for share, _ in points],
        mode="lines" if len(points) > 1 else "markers",
    )


def _slower_half(lines: Sequence[Mapping[str, Any]]) -> list[float]:
    """The fastest few would stretch an axis that is there for the slow ones."""
    return [y for each in lines for x, y in zip(each["x"], each["y"], strict=True) if x > log10(1.9)]


def _cost(timeline: Sequence[Row], words: tuple[str, str, str], what: tuple[str, int, str, str]) -> Plot | None:
    key, unit, title, hover = what
    rows = _with_gaps(timeline)
    x = [row["at_s"] for row in rows]
    whole = {"cpu_percent": "generator, busiest process", "memory_bytes": "generator, all processes"}
    lines = []
    for who, name, colour in (("generator", whole[key], "--one"), ("server", "server", "--two")):
        values = [row[f"{who}_{key}"] for row in rows]
        if any(value is not None for value in values):
            scaled = [None if value is None else round(value / unit, 3) for value in values]
            lines.append(line(name, colour, x, scaled, hover))
    if not lines:
        return None
    layout = {
        "xaxis": _seconds(),
        "yaxis": axis(title, rangemode="tozero"),
        "hovermode": "x unified",
    }
    return Plot(*words, lines, layout, height=280)


def _seconds() -> dict[str, Any]:
    return axis("seconds since the first window began", unifiedhovertitle={"text": "from %{x:,} s"})


def _to(most: int) -> range:
    return range(1, max(1, most) + 1)


def _step(timeline: Sequence[Row]) -> float:
    """The length of a slice, in seconds: within a run the shortest distance of two."""
    moments = [row["at_s"] for row in timeline]
    return min((after - before for before, after in pairwise(moments)), default=1.0)


def _with_gaps(timeline: Sequence[Row]) -> list[Row]:
    """A row of nothing wherever no window was, so that no line is drawn over it."""
    rows: list[Row] = []
    step = _step(timeline)
    for row in timeline:
        if rows and row["at_s"] - rows[-1]["at_s"] > 1.5 * step:
            rows.append(dict.fromkeys(row) | {"at_s": rows[-1]["at_s"] + step})
        rows.append(row)
    return rows


def _marked(marks: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """A dotted line over the plot's height, with its word above, for each."""
    across = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "line": {"color": "--mark", "dash": "dot", "width": 1}}
    beside = {"yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False, "font": {"color": "--mark"}}
    return {
        "shapes": [{**across, "x0": at_s, "x1": at_s} for at_s, _ in marks],
        "annotations": [{**beside, "x": at_s, "text": what} for at_s, what in marks],
    }
