"""The plots of a run, each where there is something to draw. Shows, judges nothing."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import floor, log10
from typing import Any

from loadtest.accounting.histogram import Histogram
from loadtest.judge.verdict import Figures
from loadtest.report.hgrm import percentiles
from loadtest.report.plot import Plot, axis, line, ms, ms_axis

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
        line(name, colour, x, [ms(row[key]) for row in rows], _MS)
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
        line(name, colour, x, [ms(each.percentile(percent)) if each.count else None for each in tenths], _MS)
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
        line(name, colour, x, [ms(sizes[size].percentile(percent)) for size in x], _MS)
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
