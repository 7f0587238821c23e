"""The disconnect matrix: for each way of dying who learnt of it, when, and what the others felt. Judges nothing."""

from collections.abc import Sequence
from typing import Any

from loadtest.report.blocks import NONE, Block, Section, ms, reasons, register_section
from loadtest.report.plots import Plot, axis

_TOLD = (
    "Times count from the moment when the victims were meant to die. An observer is informed when it has been told of "
    "the last of them; first, median and last are observers. By the deadline the last must be: soon where the "
    "server's kernel hears of a death, a second after the server's time-out where it does not (stop, silence). Ghosts "
    "are dead who are listed as members at the end, false deaths are users who were reported gone and live."
)
_FELT = (
    "What the others felt: the fan-out of their own messages before the deaths, from then until all were informed (at "
    "least 5 s), and after. The reasons are the server's words, with the number of victims."
)


@register_section("disconnects")
def section(disconnects: Sequence[dict[str, Any]]) -> Section:
    return Section("Disconnects", (_told_block(disconnects), _felt(disconnects)), told(disconnects))


def _told_block(disconnects: Sequence[dict[str, Any]]) -> Block:
    head = ("disconnects, ms", "victims", "informed", "first", "median", "last", "deadline", "ghosts", "false")
    return Block(
        head,
        tuple(
            (
                one["how"],
                f"{one['victims']:,}",
                f"{one['informed']:,}/{one['observers']:,}",
                *(ms(one[key]) for key in ("first_us", "median_us", "last_us")),
                f"{one['deadline_us'] / 1000:,.0f}",
                f"{one['ghosts']:,}",
                f"{one['false_deaths']:,}",
            )
            for one in disconnects
        ),
        note=_TOLD,
    )


def _felt(disconnects: Sequence[dict[str, Any]]) -> Block:
    return Block(
        ("fan-out p99, ms", "before", "during", "after", "reasons given"),
        tuple((one["how"], *_phases(one["fanout_us"]), reasons(one["reasons"])) for one in disconnects),
        has_words=True,
        note=_FELT,
    )


def _phases(fanout: dict[str, dict[str, int]]) -> list[str]:
    """A run that was stopped early has none."""
    phases = (fanout.get(phase, {"count": 0, "p99": 0}) for phase in ("before", "during", "after"))
    return [ms(phase["p99"]) if phase["count"] else NONE for phase in phases]


_LEAST_MS = 0.001  # a logarithmic axis has no 0; times are whole microseconds
_ROW = 34  # pixels


def told(disconnects: Sequence[dict[str, Any]]) -> Plot | None:
    if not disconnects:
        return None
    known = [(row, one) for row, one in enumerate(disconnects) if one["first_us"] is not None]
    lines = [
        _spans(known),
        _points("median observer", known, "median_us", {"symbol": "circle", "size": 11, "color": "--one"}),
        _points(
            "deadline",
            list(enumerate(disconnects)),
            "deadline_us",
            {"symbol": "line-ns", "size": 18, "line": {"width": 3, "color": "--two"}},
        ),
    ]
    layout = {
        "xaxis": axis("milliseconds from the death (logarithmic)", type="log", dtick=1),
        "yaxis": {
            "tickvals": list(range(len(disconnects))),
            "ticktext": [one["how"] for one in disconnects],
            "range": [len(disconnects) - 0.5, -0.5],
            "fixedrange": True,
        },
        "hovermode": "closest",
    }
    question = "When did the others learn of a death? From the first to the last observer, who is due by the deadline."
    height = 130 + _ROW * len(disconnects)
    return Plot("told", "When the others were told", question, lines, layout, height, wide=True)


def _spans(known: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    """One trace of many lines: a gap ends each."""
    x: list[float | None] = []
    y: list[int | None] = []
    for row, one in known:
        x += [_plot_ms(one["first_us"]), _plot_ms(one["last_us"]), None]
        y += [row, row, None]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "first to last observer",
        "x": x,
        "y": y,
        "line": {"color": "--one", "width": 5},
        "marker": {"color": "--one", "symbol": "line-ns", "size": 12, "line": {"color": "--one", "width": 2}},
        "text": [f"{one['how']}, {which}" for _, one in known for which in ("first", "last", "")],
        "hovertemplate": "%{text}: %{x:,.3f} ms<extra></extra>",
    }


def _points(name: str, rows: Sequence[tuple[int, dict[str, Any]]], key: str, marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [_plot_ms(one[key]) for _, one in rows],
        "y": [row for row, _ in rows],
        "marker": marker,
        "text": [one["how"] for _, one in rows],
        "hovertemplate": f"%{{text}}, {name}: %{{x:,.3f}} ms<extra></extra>",
    }


def _plot_ms(us: int) -> float:
    return max(us / 1000, _LEAST_MS)
