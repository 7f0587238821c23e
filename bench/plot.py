"""Draw a run's medians: `python -m bench.plot bench.json bench.svg`, a small bar chart a case, a bar a server.

Reads only the JSON of `python -m bench --json`. The file's ending gives the format: .svg, .png, .pdf.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USAGE_ERROR = 2

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
except ImportError as error:
    if __name__ != "__main__":
        raise
    print(f"bench.plot: a plot needs the packages of requirements/bench.txt: {error}", file=sys.stderr)
    sys.exit(USAGE_ERROR)

OURS, YARDSTICK, PEER = "#d1495b", "#b8bec6", "#4f6d8f"  # Fanfare is bold too, for readers who see no colours
COLUMNS = 2
WIDTH, ROW_HEIGHT, PANEL_MARGIN, GAP = 10.5, 0.24, 0.6, 0.12  # inches


@dataclass(frozen=True)
class Panel:
    case: str
    column: str
    title: str
    unit: str  # the format of a value, with {}
    more: bool  # more is better


PANELS = (
    Panel("saturated", "deliveries/s", "Saturated: million deliveries/s", "{:.2f}", True),
    Panel("large", "deliveries/s", "Large messages: million deliveries/s", "{:.2f}", True),
    Panel("steady-100", "complete p50", "Steady, 100 members complete: p50", "{:.2g} ms", False),
    Panel("steady", "complete p50", "Steady, 1,000 members complete: p50", "{:.1f} ms", False),
    Panel("steady", "complete p99", "Steady, 1,000 members complete: p99", "{:.1f} ms", False),
    Panel("steady-10000", "complete p50", "Steady, 10,000 members complete: p50", "{:,.0f} ms", False),
    Panel("busy", "messages/s", "Busy day: messages/s", "{:,.0f}", True),
    Panel("rooms", "messages/s", "50 rooms a user: messages/s", "{:,.0f}", True),
    Panel("arrival", "all joins seen", "5,000 join: all have seen all", "{:.1f} s", False),
    Panel("arrival", "memory a member", "Memory a member", "{:.1f} KiB", False),
    Panel("idle", "server CPU", "CPU of 10,000 idle members", "{:.3f} %", False),
    Panel("tls-saturated", "deliveries/s", "Saturated, by TLS: million deliveries/s", "{:.2f}", True),
    Panel("tls-steady", "complete p50", "Steady, by TLS, complete: p50", "{:.1f} ms", False),
    Panel("tls-idle", "memory a member", "Memory a member by TLS", "{:.1f} KiB", False),
)
MILLIONS = "deliveries/s"


def draw(report: dict[str, Any]) -> Figure:
    """The panels that the run has figures for."""
    medians = report["medians"]
    panels = [
        (panel, rows)
        for panel in PANELS
        if (rows := {name: row.get(panel.column) for name, row in medians.get(panel.case, {}).items()})
        and any(value is not None for value in rows.values())
    ]
    bars = max((len(rows) for _, rows in panels), default=1)
    lines = max(1, -(-len(panels) // COLUMNS))
    panel_height = bars * ROW_HEIGHT + PANEL_MARGIN
    figure = Figure(
        figsize=(WIDTH, lines * panel_height), facecolor="white", layout=ConstrainedLayoutEngine(h_pad=GAP, w_pad=GAP)
    )
    axes = list(figure.subplots(lines, COLUMNS, squeeze=False).flat)
    for axis, (panel, rows) in zip(axes, panels, strict=False):
        _draw_panel(axis, panel, rows)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    return figure


def _draw_panel(axis: Axes, panel: Panel, rows: dict[str, float | None]) -> None:
    scale = 1e6 if panel.column == MILLIONS else 1
    names = list(rows)
    values = [(value or 0) / scale for value in rows.values()]
    axis.barh(names, values, color=[_colour(name) for name in names], height=0.72)
    axis.invert_yaxis()
    axis.set_xlim(0, max(values) * 1.25 or 1)  # room for the figures
    for at, (name, value) in enumerate(rows.items()):
        text = "no figure" if value is None else panel.unit.format(value / scale)
        bold = "bold" if _is_ours(name) else "normal"
        axis.text(values[at], at, f" {text}", va="center_baseline", fontsize=8.5, fontweight=bold)
    for label, name in zip(axis.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if _is_ours(name) else "normal")
    axis.set_title(f"{panel.title} ({'more' if panel.more else 'less'} is better)", loc="left", fontsize=9)
    axis.tick_params(left=False, bottom=False, labelbottom=False, labelsize=8.5)
    axis.spines[["top", "right", "bottom"]].set_visible(False)


def _is_ours(name: str) -> bool:
    return name.startswith("fanfare")


def _colour(name: str) -> str:
    return OURS if _is_ours(name) else YARDSTICK if name.startswith("bare-") else PEER


def write(report: dict[str, Any], to: Path) -> None:
    draw(report).savefig(to, metadata={"Date": None} if to.suffix == ".svg" else None, dpi=110)


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 0 done, 2 could not draw."""
    if len(arguments) != 2:
        print("usage: python -m bench.plot BENCH.json PICTURE.svg", file=sys.stderr)
        return USAGE_ERROR
    source, to = map(Path, arguments)
    try:
        write(json.loads(source.read_text()), to)
    except OSError as error:
        print(f"bench.plot: {error.filename}: {error.strerror}", file=sys.stderr)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        print(f"bench.plot: {source} is no report of a run, or {to.name} no picture's name: {error}", file=sys.stderr)
    else:
        return 0
    return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
