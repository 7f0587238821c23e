"""The plots of a run, each where there is something to draw: plain values, which `drawing` puts on the page.

A colour is the name of one of the page's CSS variables, like `--one`, so that a plot follows the page's colour scheme.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any, Literal

from loadtest.core.histogram import NEVER_US, Histogram
from loadtest.core.intervals import enough_for
from loadtest.core.result import Figures, told
from loadtest.report.hgrm import percentiles

_LOG_FROM = 20.0  # times between the least and the most, from which a logarithmic axis reads better
_DECADES = 100.0  # times, up to which 1, 2 and 5 of each decade have room for a label
_DOTTED = 40  # points up to which each is marked: a few do not make a line
_STEPS = 5  # labels that a linear axis has room for on a narrow screen
_NEVER_MS = NEVER_US / 1000
Row = Mapping[str, Any]
Look = Literal["line", "dotted", "dots", "rings", "squares", "ticks", "bar"]


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    colour: str
    x: Sequence[float]
    y: Sequence[float | None]  # None is a gap
    said: Sequence[str]  # what is shown of each point under the pointer
    look: Look = "line"


@dataclass(frozen=True, slots=True)
class Axis:
    """Where values lie. On a logarithmic axis none below the first tick has a place of its own."""

    title: str
    ticks: Sequence[tuple[float, str]]  # ascending; the axis reaches from the least of ticks and values to the most
    log: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A line over the plot's whole height, with its words above; or, without words, over its width."""

    at: float
    words: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    name: str  # of the element, an identifier
    title: str
    question: str  # what it answers, and how to read it
    lines: Sequence[Line]
    x: Axis
    y: Axis
    marks: Sequence[Mark] = ()
    heading: str = ""  # above all points of one x, a format like "from {:g} s"; without it each point is shown alone
    height: int = 240  # pixels, of the area between the axes
    wide: bool = False  # over the page's whole width


def line(
    name: str,
    colour: str,
    x: Sequence[float],
    y: Sequence[float | None],
    say: Callable[[float, float], str],
    look: Look | None = None,
) -> Line:
    """`say` makes what is shown of a point of its x and y."""
    said = ["" if top is None else say(at, top) for at, top in zip(x, y, strict=True)]
    return Line(name, colour, x, y, said, look or ("dotted" if len(x) <= _DOTTED else "line"))


def linear(title: str, values: Iterable[float | None], whole: bool = False) -> Axis:
    """From 0 (or the least, where that is below) to a round number above the most; `whole` numbers only."""
    seen = [value for value in values if value is not None]
    least, most = min([0.0, *seen]), max(seen, default=0.0)
    step = _round_step((most - least) / _STEPS or 1.0)
    step = max(1.0, step) if whole else step
    digits = max(0, -floor(log10(step)))
    numbers = [number * step for number in range(floor(least / step), ceil(most / step) + 1)]
    return Axis(title, [(number, f"{number:,.{digits}f}") for number in numbers])


def _round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 of a decade that is no less."""
    decade = 10.0 ** floor(log10(least))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= least * 0.999)


def logarithmic(title: str, least: float, most: float) -> Axis:
    """1, 2 and 5 of each decade, or 1 where there are many; from the tick below the least to that above the most."""
    steps = (1, 2, 5) if most / least <= _DECADES else (1,)
    decades = range(floor(log10(least)), ceil(log10(most)) + 1)
    ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
    first = max((n for n, tick in enumerate(ticks) if tick <= least), default=0)
    last = next((n for n, tick in enumerate(ticks) if tick >= most), len(ticks) - 1)
    return Axis(title, [(tick, f"{tick:,g}") for tick in ticks[first : last + 1]], log=True)


def ms_axis(title: str, values: Iterable[float | None]) -> Axis:
    """Of milliseconds: from 0, or logarithmic where the values lie far apart. A lost delivery lies beyond its end."""
    seen = [value for value in values if value is not None and value < _NEVER_MS]
    least = min((value for value in seen if value > 0), default=0.0)
    if least and max(seen) / least >= _LOG_FROM:
        return logarithmic(f"{title}, ms (logarithmic)", least, max(seen))
    return linear(f"{title}, ms", seen)


def in_ms(us: int | None) -> float | None:
    return None if us is None else us / 1000


def say_ms(_: float, ms: float) -> str:
    return f"{ms:,.3f} ms" if ms < _NEVER_MS else "lost"


_MIB = 1_048_576
_FROM = "from {:,g} s"
_LATENCIES = (("p50", "--one"), ("p90", "--three"), ("p99", "--two"), ("max", "--soft"))  # the longest is always told


def latency_plots(timeline: Sequence[Row], figures: Figures) -> list[Plot]:
    """Where the time went: over the run, over all deliveries, over the members of a room."""
    plots = (
        over_time(timeline, figures.marks),
        by_percentile(figures),
        by_tenth([figures.told(each) for each in figures.tenths]),
        by_size(figures.complete_by_size),
    )
    return [plot for plot in plots if plot]


def cost_plots(timeline: Sequence[Row]) -> list[Plot]:
    """What generator and server took."""
    cpu = Plot(
        "cpu",
        "CPU",
        "Was the generator, or the server, near its limit? Percent of one core.",
        _costs(timeline, "cpu_percent", 1, "generator, busiest process", lambda at, y: f"{y:,.0f} %"),
        *_cost_axes(timeline, "cpu_percent", 1, "CPU, % of a core"),
        heading=_FROM,
        height=170,
    )
    memory = Plot(
        "memory",
        "Memory",
        "Does it level off? What the processes have taken for themselves.",
        _costs(timeline, "memory_bytes", _MIB, "generator, all processes", lambda at, y: f"{y:,.1f} MiB"),
        *_cost_axes(timeline, "memory_bytes", _MIB, "memory, MiB"),
        heading=_FROM,
        height=170,
    )
    return [plot for plot in (cpu, memory) if plot.lines]


def over_time(timeline: Sequence[Row], marks: Sequence[tuple[float, str]]) -> Plot | None:
    if not any(row["deliveries"] for row in timeline):
        return None
    rows = _with_gaps(timeline)
    x = [row["at_s"] for row in rows]
    lines = _latency_lines(x, [{name: row[f"{name}_us"] for name, _ in _LATENCIES} for row in rows])
    shown = [Mark(at_s, words) for at_s, words in marks if x[0] <= at_s <= x[-1] + _step(timeline)]
    question = "Did the fan-out stay level? Each point is a slice of the run, by the time messages were meant to leave."
    if shown:
        question += " Dotted lines say what happened to the users or the server."
    across = _seconds([*x, *(mark.at for mark in shown)])
    upwards = ms_axis("fan-out", [y for each in lines for y in each.y])
    return Plot("over-time", "Latency over time", question, lines, across, upwards, shown, _FROM, 280, wide=True)


def by_percentile(figures: Figures) -> Plot | None:
    """The axis counts nines, as one cares for the slow end: 90, 99 and 99.9 % lie at equal distances."""
    curves = (
        ("each delivery", "--one", figures.fanout),
        ("within a node", "--five", figures.within),
        ("across nodes", "--six", figures.across),
        ("first receiver", "--three", figures.first),
        ("half of the receivers", "--four", figures.median),
        ("last receiver (complete)", "--two", figures.complete),
    )
    lines = [
        _curve(name, colour, histogram, figures.heard or histogram.count)
        for name, colour, histogram in curves
        if histogram.count
    ]
    if not lines:
        return None
    most = floor(max(each.x[-1] for each in lines))
    nines = [(float(n), f"{100 - 10 ** (2 - n):.{max(0, n - 2)}f}") for n in range(1, max(1, most) + 1)]
    across = Axis("percent of the deliveries, or messages", [(0.0, "0"), (log10(2), "50"), *nines])
    question = "How slow is the slow end? So many percent took at most so long, from the intended time on."
    upwards = ms_axis("latency", _slower_half(lines))
    return Plot("by-percentile", "Latency by percentile", question, lines, across, upwards)


def by_tenth(tenths: Sequence[Mapping[str, int | None]]) -> Plot | None:
    """The first tenth joined first; a server that sends in that order serves the last one later."""
    if not any(each["count"] for each in tenths):
        return None
    x = [float(tenth) for tenth in range(1, len(tenths) + 1)]
    *percentiles_told, longest = _latency_lines(x, [each if each["count"] else {} for each in tenths])
    lines = percentiles_told or [longest]  # beside the others it would flatten them
    across = Axis("tenth of the users, by when they joined", [(tenth, f"{tenth:.0f}") for tenth in x])
    upwards = linear("fan-out, ms", [y for each in lines for y in each.y])
    question = "Is everyone served alike? Level is fair; a slope means that some always hear later than others."
    return Plot("by-tenth", "Fairness", question, lines, across, upwards, heading="tenth {:g}")


def by_size(sizes: Mapping[int, Histogram]) -> Plot | None:
    if len(sizes) < 2:
        return None
    x = sorted(sizes)
    lines = _latency_lines(x, [told(sizes[size]) for size in x])
    upwards = ms_axis("complete", (y for each in lines for y in each.y))
    question = "What does another member cost? The time until the last receiver has a message, by their number."
    across = linear("receivers of a message", x, whole=True)
    return Plot("by-size", "Completion by members", question, lines, across, upwards, heading="{:,g} receivers")


def _latency_lines(x: Sequence[float], given: Sequence[Mapping[str, int | None]]) -> list[Line]:
    """Those of which there is a value at any `x`, with gaps where there is none."""
    return [
        line(name, colour, x, [in_ms(each.get(name)) for each in given], say_ms)
        for name, colour in _LATENCIES
        if any(each.get(name) is not None for each in given)
    ]


def _curve(name: str, colour: str, histogram: Histogram, messages: int) -> Line:
    """As far as so many messages tell it; the median always."""
    points = [
        (share, value_ms)
        for value_ms, share, _ in percentiles(histogram)
        if share <= 0.5 or (share < 1 and enough_for(100 * share) <= messages)
    ]
    return Line(
        name,
        colour,
        [round(-log10(1 - share), 6) for share, _ in points],
        [value_ms for _, value_ms in points],
        [f"{100 * share:.6g} % within {value_ms:,.3f} ms" for share, value_ms in points],
        "line" if len(points) > 1 else "dots",
    )


def _slower_half(lines: Sequence[Line]) -> list[float | None]:
    """The fastest few would stretch an axis that is there for the slow ones."""
    return [y for each in lines for x, y in zip(each.x, each.y, strict=True) if x > log10(1.9)]


def _costs(
    timeline: Sequence[Row], key: str, unit: int, generator: str, say: Callable[[float, float], str]
) -> list[Line]:
    """One for the generator and one for the server, of whom it is known."""
    rows = _with_gaps(timeline)
    x = [row["at_s"] for row in rows]
    lines = []
    for who, name, colour in (("generator", generator, "--one"), ("server", "server", "--two")):
        values = [row[f"{who}_{key}"] for row in rows]
        if any(value is not None for value in values):
            scaled = [None if value is None else round(value / unit, 3) for value in values]
            lines.append(line(name, colour, x, scaled, say))
    return lines


def _cost_axes(timeline: Sequence[Row], key: str, unit: int, title: str) -> tuple[Axis, Axis]:
    values = [row[f"{who}_{key}"] for row in timeline for who in ("generator", "server")]
    upwards = linear(title, [value / unit for value in values if value is not None])
    return _seconds([row["at_s"] for row in timeline]), upwards


def _seconds(moments: Sequence[float]) -> Axis:
    """Of as much time as there was: no room beyond the last moment."""
    whole = linear("seconds since the first window began", moments)
    last = max(moments, default=0.0)
    return replace(whole, ticks=[tick for tick in whole.ticks if tick[0] <= last] or whole.ticks)


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
