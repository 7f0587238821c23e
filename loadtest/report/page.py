"""`report.html`: the verdict, the figures that matter, plots and tables on one page that needs nothing but itself.

Its style and its script lie beside this module; the script only shows numbers under the pointer, and all else is there
without it. The page forbids itself to ask any address for anything.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from loadtest.core.histogram import NEVER_US
from loadtest.core.reasons import printable
from loadtest.core.result import Figures
from loadtest.report.blocks import (
    BY_NODE,
    LATENCY_HEAD,
    NEVER,
    NONE,
    OF_ITSELF,
    Block,
    Section,
    latency,
    machine,
    ms,
    sections,
)
from loadtest.report.drawing import drawn, pointed
from loadtest.report.plots import Plot, cost_plots, latency_plots

_GIB = 1 << 30
_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
_MEANING = {
    "pass": "The server held what was asked of it.",
    "fail": "The server missed what was asked of it.",
    "invalid": "These figures do not count, neither for the server nor against it.",
}
_LATENCIES = (
    ("fan-out, each delivery", "fanout_us"),
    *((f"fan-out {words}", key) for words, key in BY_NODE),
    ("until it was read (a sample)", "read_us"),
    ("first receiver", "first_us"),
    ("half of the receivers", "median_us"),
    ("complete, last receiver", "complete_us"),
)
_HEALTH = (
    ("send lateness, ms", "send_lateness_us"),
    ("loop lag, ms", "loop_lag_us"),
    ("receive backlog, ms", "receive_backlog_us"),
)
_GENERATOR = (
    "A generator that sends or reads late measures itself. Send lateness: how long after its intended time a message "
    "left. Loop lag: how late the generator came to something it had to do. Receive backlog: how long what had "
    "arrived waited for the generator to read it."
)
_SHOWN = ("lost", "stray", "corrupt", "diverged")
_NOTHING = "No delivery was made in a measured window, so there is no latency to draw."


def page(summary: Mapping[str, Any], figures: Figures) -> str:
    timeline = summary.get("timeline", [])
    latencies, costs, parts = latency_plots(timeline, figures), cost_plots(timeline), sections(summary)
    plots = [*latencies, *(part.plot for part in parts if part.plot), *costs]
    title = f"Fanfare: {summary['scenario']} on {summary['target']}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{_beside("page.css")}</style></head><body>
<header><h1>{escape(title)}</h1>
<p class="soft">{summary["users"]:,} users, measured for {summary["duration_s"]:,g} s</p></header>
<main>
{_verdict(summary)}
{_glance(summary)}
{_plots(latencies) if latencies else f"<p>{_NOTHING}</p>"}
<h2>Latency in milliseconds</h2>{_latencies(summary)}
<h2>Messages</h2>{_counts(summary["messages"])}{_members(summary.get("members", {}))}
{"".join(map(_section, parts))}
<h2>Generator and server</h2>{_generator(summary["generator"])}{_plots(costs)}
{_origin(summary)}
</main>
<script type="application/json" id="plots">{_json({plot.name: pointed(plot) for plot in plots})}</script>
<script>{_beside("page.js")}</script>
</body></html>
"""


def _beside(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _json(values: Any) -> str:
    """For a script element, which nothing in the values may end."""
    return json.dumps(values, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _verdict(summary: Mapping[str, Any]) -> str:
    word = summary["verdict"]
    reasons = "".join(f"<li>{escape(printable(reason))}</li>" for reason in summary["reasons"])
    listed = f"<ul>{reasons}</ul>" if reasons else ""
    meaning = f"{OF_ITSELF[word].capitalize()}." if "selfcheck" in summary else _MEANING[word]
    required = f'<p class="soft">Required: {escape(", ".join(summary.get("requirements") or ["nothing"]))}</p>'
    return f'<section class="verdict {word}"><p><b>{word}</b> {meaning}</p>{listed}{required}</section>'


def _glance(summary: Mapping[str, Any]) -> str:
    messages, fanout, complete = summary["messages"], summary["fanout_us"], summary["complete_us"]
    tiles = [
        ("users", f"{summary['users']:,}", ""),
        ("messages", f"{messages['sent']:,}", ""),
        ("deliveries", f"{messages['delivered']:,}", ""),
        *((name, f"{messages[name]:,}", "") for name in _SHOWN),
        *((f"fan-out {key}", *_timed(fanout, key)) for key in dict.fromkeys(("p50", _highest(fanout), "max"))),
        (f"complete {_highest(complete)}", *_timed(complete, _highest(complete))),
    ]
    bad = {name for name in _SHOWN if messages[name]}
    shown = (
        f"<div{' class=bad' * (name in bad)}><dt>{name}</dt><dd>{value} <small>{unit}</small></dd></div>"
        for name, value, unit in tiles
    )
    return f'<dl class="glance">{"".join(shown)}</dl>'


def _highest(figures: Mapping[str, Any]) -> str:
    """The highest percentile up to the p99 that enough messages tell; the longest where none is told."""
    return next((key for key in ("p99", "p90", "p50") if figures[key] is not None), "max")


def _timed(figures: Mapping[str, Any], key: str) -> tuple[str, str]:
    """Three digits are enough at a glance; the table below is exact."""
    if not figures["count"] and figures["max"] < NEVER_US:
        return NONE, ""
    if (figures[key] or 0) >= NEVER_US:
        return NEVER, ""
    if figures[key] is None:
        return NONE, ""
    value = figures[key] / 1000
    return f"{value:,.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}", "ms"


def _plots(plots: Sequence[Plot]) -> str:
    return f'<div class="plots">{"".join(map(_plot, plots))}</div>' if plots else ""


def _plot(plot: Plot) -> str:
    kind = ' class="wide"' if plot.wide else ""
    caption = f"<figcaption><b>{escape(plot.title)}</b><span>{escape(plot.question)}</span></figcaption>"
    return f"<figure{kind}>{caption}{drawn(plot)}</figure>"


def _section(section: Section) -> str:
    first, *others = map(_block, section.blocks)
    plot = _plot(section.plot) if section.plot else ""
    return f"<h2>{escape(section.title)}</h2>{first}{plot}{''.join(others)}"


def _block(block: Block) -> str:
    note = f'<p class="soft">{escape(block.note)}</p>' if block.note else ""
    return note + _table(block.head, block.rows, "scroll words" if block.has_words else "scroll")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], style: str = "scroll") -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f'<div class="{style}"><table>{row(head, "th")}{"".join(row(cells, "td") for cells in rows)}</table></div>'


def _counts(messages: Mapping[str, int]) -> str:
    """Side by side where there is room, below one another where there is not."""
    shown = (f"<div><dt>{name.replace('_', ' ')}</dt><dd>{count:,}</dd></div>" for name, count in messages.items())
    return f'<dl class="counts">{"".join(shown)}</dl>'


def _members(members: Mapping[str, int]) -> str:
    """Where all who were there stayed there is nothing to say."""
    if not any(members.values()):
        return ""
    named = {"members who joined": "joined", "left": "left", "lost the connection": "dropped"}
    return _counts({name: members[key] for name, key in named.items()})


def _latencies(summary: Mapping[str, Any]) -> str:
    rows = [latency(title, summary[key]) for title, key in _LATENCIES if key in summary]
    error_us = summary["generator"]["clock_error_us"]
    error = f" Clocks of several hosts: it may be off by {error_us / 1000:,.3f} ms." if error_us else ""
    sure = "; ".join(
        f"{kind.replace('fanout', 'fan-out')} {name} {ms(both[0])} to {ms(both[1])}"
        for kind, bounds in summary.get("intervals_us", {}).items()
        for name, both in bounds.items()
        if both and kind in ("fanout", "complete")
    )
    sure = f" 95\u00a0% intervals: {sure}." if sure else ""
    note = (
        "From the moment a message was meant to leave to the moment a receiver's machine had it; a delivery that never "
        f"came counts as infinitely late.{error}{sure}"
    )
    return _table(["", *LATENCY_HEAD], rows) + f'<p class="soft">{note}</p>'


def _generator(generator: Mapping[str, Any]) -> str:
    rows = [
        [title, *(f"{generator[key][name] / 1000:,.3f}" for name in ("p50", "p99", "max"))]
        for title, key in _HEALTH
        if generator.get(key)
    ]
    load = f"Processes: {generator['workers']}. The busiest took {generator['cpu_percent']:.0f} % of a core."
    if generator.get("machine"):
        load += f" Its machine: {machine(generator['machine'])}."
    note = f'<p class="soft">{_GENERATOR}</p>'
    return f"<p>{escape(load)}</p>{note}{_table(['generator', 'p50', 'p99', 'max'], rows)}"


def _origin(summary: Mapping[str, Any]) -> str:
    """Where and how it was run, so that another can run it again."""
    place, command = summary.get("environment"), summary.get("command")
    facts = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in _facts(place)) if place else ""
    listed = f'<h2>Environment</h2><dl class="facts">{facts}</dl>' if facts else ""
    return listed + (f"<h2>Command</h2><pre><code>{escape(command)}</code></pre>" if command else "")


def _facts(place: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Kernel", place["kernel"]
    yield "Processor", f"{place['cpu']}, {place['cpus']} to run on"
    if place["memory_bytes"]:
        yield "Memory", f"{place['memory_bytes'] / _GIB:,.1f} GiB"
    yield "Programs", f"{place['python']}, Locust {place['locust']}, gevent {place['gevent']}"
    yield "Open files", "no limit" if place["open_files"] is None else f"at most {place['open_files']:,} a process"
