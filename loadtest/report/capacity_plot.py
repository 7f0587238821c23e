"""p99 against load, one point a step, with both sides of the knee and the requirement's limit, as a plot."""

from collections.abc import Mapping
from typing import Any

from loadtest.capacity.search import GENERATOR, HELD, MISSED
from loadtest.judge.requirements import Requirements
from loadtest.report.plot import Plot, axis, line, ms, ms_axis

_LOOKS = {HELD: ("circle", "--one"), MISSED: ("x", "--two"), GENERATOR: ("circle-open", "--soft")}
_NAMES = {HELD: "held", MISSED: "missed", GENERATOR: "the generator was the limit"}
_LOADS = {"users": "users in the room", "rate": "messages a second, of all announcers"}


def p99_by_load(capacity: Mapping[str, Any]) -> Plot | None:
    """Steps without a delivery have no point."""
    steps = [step for step in capacity["steps"] if step["fanout_us"]["count"]]
    if not steps:
        return None
    points = [_points(result, steps) for result in _LOOKS]
    limits = [term.limit / 1000 for term in Requirements.parse(capacity["requirement"]).terms if term.name == "p99"]
    heights = [ms(step["fanout_us"]["p99"]) for step in steps]
    layout = {
        "xaxis": axis(_LOADS[capacity["search"]], tickformat=","),
        "yaxis": ms_axis("fan-out p99", [*heights, *limits]),
        "hovermode": "closest",
        **_sides(capacity, limits),
    }
    question = (
        "Where does it break? Each point is a step. The dotted lines are the two sides of the knee, the dashed one is "
        "the requirement's limit, if it has one for the p99. A step that missed below it missed something else."
    )
    return Plot("capacity", "p99 by load", question, [each for each in points if each["x"]], layout, 380, wide=True)


def _points(result: str, steps: list[Mapping[str, Any]]) -> dict[str, Any]:
    symbol, colour = _LOOKS[result]
    here = [step for step in steps if step["result"] == result]
    return line(
        _NAMES[result],
        colour,
        [step["load"] for step in here],
        [ms(step["fanout_us"]["p99"]) for step in here],
        "%{x:,}: %{y:,.3f} ms (%{text})",
        text=[step["phase"] for step in here],
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 10},
    )


def _sides(capacity: Mapping[str, Any], limits: list[float]) -> dict[str, Any]:
    loads = {name: capacity[name]["load"] for name in ("knee", "beyond") if capacity[name]}
    upright = [
        {"type": "line", "x0": load, "x1": load, "yref": "paper", "y0": 0, "y1": 1, "line": _stroke("dot")}
        for load in loads.values()
    ]
    level = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit, "y1": limit, "line": _stroke("dash")}
        for limit in limits
    ]
    # The two are near one another: each name is on its own side of its line.
    words = [
        {"x": load, "yref": "paper", "y": 1, "yanchor": "bottom", "text": f"{name} {load:,g}", "showarrow": False}
        | {"xanchor": "right" if name == "knee" else "left"}
        for name, load in loads.items()
    ]
    return {"shapes": upright + level, "annotations": words}


def _stroke(dash: str) -> dict[str, Any]:
    return {"dash": dash, "width": 1, "color": "--mark"}
