"""The steps of a capacity search, one row each, with both sides of the knee marked. Judges nothing."""

import re
from collections.abc import Mapping
from typing import Any

from loadtest.report.blocks import NONE, Block, Section, ms, plain
from loadtest.report.capacity_plot import p99_by_load

_HEAD = ("capacity", "users", "rate/s", "lost", "p99, ms", "complete, ms", "CPU, %", "result")
_NOTE = (
    "Each row is a step: a window at one load, in the order of playing. Up: the load doubles; bisect: the gap between "
    "the highest that held and the lowest that missed is halved; repeat: both sides of the knee again, and the "
    "majority decides. p99 is the fan-out's, complete the p99 of the time to the last receiver; CPU is the busiest "
    "generator process's share of a core. A step where the generator was the limit counts neither way."
)
_LIMIT = re.compile(", the |, so ")  # what follows in a reason is the same in every row


def section(capacity: Mapping[str, Any]) -> Section:
    rows = tuple(_row(step, _mark(step, capacity)) for step in capacity["steps"])
    return Section("Capacity", (Block(_HEAD, rows, has_words=True, note=_NOTE),), p99_by_load(capacity))


def _row(step: Mapping[str, Any], mark: str) -> tuple[str, ...]:
    why = _LIMIT.split(step["reasons"][0])[0] if step["reasons"] else ""
    return (
        step["phase"],
        f"{step['users']:,}",
        f"{step['rate']:,g}",
        f"{step['lost']:,}",
        *(ms(step[key]["p99"]) if step[key]["count"] else NONE for key in ("fanout_us", "complete_us")),
        f"{step['cpu_percent']:.0f}",
        step["result"] + mark + (why and f": {plain(why)}"),
    )


def _mark(step: Mapping[str, Any], capacity: Mapping[str, Any]) -> str:
    for name in ("knee", "beyond"):
        if capacity[name] and step["load"] == capacity[name]["load"]:
            return f" ← {name}"
    return ""
