"""When the others were told of each death, as a plot: one row a way of dying, from the first to the last observer."""

from collections.abc import Sequence
from typing import Any

from loadtest.report.plot import Plot, axis

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
        x += [_ms(one["first_us"]), _ms(one["last_us"]), None]
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
        "x": [_ms(one[key]) for _, one in rows],
        "y": [row for row, _ in rows],
        "marker": marker,
        "text": [one["how"] for _, one in rows],
        "hovertemplate": f"%{{text}}, {name}: %{{x:,.3f}} ms<extra></extra>",
    }


def _ms(us: int) -> float:
    return max(us / 1000, _LEAST_MS)
