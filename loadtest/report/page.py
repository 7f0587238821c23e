"""`report.html`: verdict, figures and latency by percentile on one page that needs nothing but itself."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from loadtest.histogram import Histogram
from loadtest.report.blocks import LATENCY_HEAD, Block, Section, latency, machine
from loadtest.report.parts import sections
from loadtest.report.plot import Curve, plot

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #667085; --line: #d9dee8; --paper: #fff;
        --pass: #1a7f4b; --fail: #b42318; --invalid: #9a6700; --one: #2563eb; --two: #d9480f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9f0; --soft: #98a2b3; --line: #343b4a; --paper: #14171f;
          --pass: #4ade80; --fail: #f97066; --invalid: #fdb022; --one: #7aa2ff; --two: #ff9466; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, li { margin: .25rem 0; } .soft { color: var(--soft); }
.verdict { border-left: .4rem solid; padding: .25rem 1rem; margin: 1.5rem 0; }
.verdict b { text-transform: uppercase; letter-spacing: .05em; }
.pass { border-color: var(--pass); } .fail { border-color: var(--fail); } .invalid { border-color: var(--invalid); }
.pass b { color: var(--pass); } .fail b { color: var(--fail); } .invalid b { color: var(--invalid); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 500; }
svg { width: 100%; min-width: 44rem; height: auto; } svg text { fill: var(--soft); font-size: 12px; }
.grid { stroke: var(--line); } .one { stroke: var(--one); } .two { stroke: var(--two); }
.words td:last-child, .words th:last-child { text-align: left; white-space: normal; min-width: 14rem; }
.scroll + .scroll, .scroll + p { margin-top: 1rem; }
.told { fill: var(--one); } .due { stroke: var(--two); stroke-width: 3; }
.curve { fill: none; stroke-width: 2; } text.one { fill: var(--one); stroke: none; }
text.two { fill: var(--two); stroke: none; }
@media (max-width: 40rem) { table, p.soft { font-size: .875rem; } th, td { padding: .35rem; } }
"""
_MEANING = {
    "pass": "The server held what was asked of it.",
    "fail": "The server missed what was asked of it.",
    "invalid": "These figures do not count, neither for the server nor against it.",
}

_HEALTH = (
    ("send lateness, ms", "send_lateness_us"),
    ("loop lag, ms", "loop_lag_us"),
    ("receive backlog, ms", "receive_backlog_us"),
)


def page(summary: dict[str, Any], fanout: Histogram, complete: Histogram) -> str:
    title = f"Fanfare: {summary['scenario']} on {summary['target']}"
    word = summary["verdict"]
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in summary["reasons"])
    listed = f"<ul>{reasons}</ul>" if reasons else ""
    curves = [Curve("fan-out, each delivery", "one", fanout), Curve("complete, last receiver", "two", complete)]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p class="soft">{summary["users"]:,} users, a window of {summary["duration_s"]:,g} s</p>
<div class="verdict {word}"><p><b>{word}</b> {_MEANING[word]}</p>{listed}</div>
<h2>Messages</h2>{_counts(summary["messages"])}
{"".join(map(_section, sections(summary)))}
<h2>Latency in milliseconds</h2>{_latencies(summary)}
<h2>Latency by percentile</h2>{_picture(plot(curves))}
<p class="soft">From the moment a message was meant to leave to the moment a receiver read it.</p>
<h2>Generator</h2>{_generator(summary["generator"])}
</body></html>
"""


def _section(section: Section) -> str:
    first, *others = map(_block, section.blocks)
    return f"<h2>{escape(section.title)}</h2>{first}{_picture(section.picture)}{''.join(others)}"


def _picture(svg: str) -> str:
    return f'<div class="scroll">{svg}</div>' if svg else ""


def _block(block: Block) -> str:
    note = f'<p class="soft">{escape(block.note)}</p>' if block.note else ""
    return note + _table(block.head, block.rows, "scroll words" if block.has_words else "scroll")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], style: str = "scroll") -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f'<div class="{style}"><table>{row(head, "th")}{"".join(row(cells, "td") for cells in rows)}</table></div>'


def _counts(messages: dict[str, int]) -> str:
    return _table(
        [name.replace("_", " ") for name in messages],
        [[f"{count:,}" for count in messages.values()]],
    )


def _latencies(summary: dict[str, Any]) -> str:
    titles = (("fan-out, each delivery", "fanout_us"), ("complete, last receiver", "complete_us"))
    return _table(["", *LATENCY_HEAD], [latency(title, summary[key]) for title, key in titles])


def _generator(generator: dict[str, Any]) -> str:
    rows = [
        [title, *(f"{generator[key][name] / 1000:,.3f}" for name in ("p50", "p99", "max"))]
        for title, key in _HEALTH
        if generator[key]
    ]
    load = f"Processes: {generator['workers']}. The busiest took {generator['cpu_percent']:.0f} % of a core."
    if generator["machine"]:
        load += f" Its machine: {machine(generator['machine'])}."
    return f"<p>{escape(load)}</p>" + _table(["", "p50", "p99", "max"], rows)
