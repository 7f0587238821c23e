"""The fan-out table: a summary as plain text, 100 columns at most, for the end of a run."""

import sys
from textwrap import wrap
from typing import Any

_WIDTH = 96
_RULE = "─" * _WIDTH
_COUNTS = (
    ("sent", "sent"),
    ("expected", "expected_deliveries"),
    ("delivered", "delivered"),
    ("lost", "lost"),
    ("duplicated", "duplicated"),
    ("reordered", "reordered"),
    ("late", "late"),
)
_COUNT_WIDTHS = (10, 12, 15, 15, 11, 12, 11, 10)
_LATENCY_WIDTHS = (26, 13, 11, 11, 11, 11, 13)
_TARGET_WIDTH = 60  # a longer host name is cut
_LATENCY = (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p99.9", "p999"), ("max", "max"))
_WORDS = {
    "pass": "the server held what was asked of it",
    "fail": "the server missed what was asked of it",
    "invalid": "these figures do not count, neither for the server nor against it",
}


def table(summary: dict[str, Any]) -> str:
    messages = summary["messages"]
    lines = [
        _RULE,
        *_spread(f" FANFARE  {summary['scenario']}  →  {summary['target'][:_TARGET_WIDTH]}", _scale(summary)),
        _RULE,
        _cells("messages", tuple(title for title, _ in _COUNTS)),
        _cells("", tuple(f"{messages[key]:,}" for _, key in _COUNTS)),
        "",
        _cells("latency in ms", ("samples", *(title for title, _ in _LATENCY))),
        _latency("fan-out, each delivery", summary["fanout_us"]),
        _latency("complete, last receiver", summary["complete_us"]),
        "",
        *_generator(summary["generator"]),
        _RULE,
        *_verdict(summary),
        _RULE,
    ]
    return "\n".join(line.rstrip() for line in lines)


def show(text: str) -> None:
    """Print it, whatever the terminal's encoding."""
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


def _scale(summary: dict[str, Any]) -> str:
    return f"{summary['users']:,} users, {summary['duration_s']:,.1f} s "


def _spread(left: str, right: str) -> list[str]:
    gap = _WIDTH - len(left) - len(right)
    return [left + " " * gap + right] if gap > 0 else [left, right.rjust(_WIDTH)]


def _cells(title: str, cells: tuple[str, ...]) -> str:
    """A title, then right-aligned columns of one of the two blocks; both end at the same edge."""
    first, *widths = _COUNT_WIDTHS if len(cells) == len(_COUNTS) else _LATENCY_WIDTHS
    return f" {title:<{first - 1}}" + "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def _latency(title: str, latency: dict[str, int]) -> str:
    if not latency["count"]:
        return _cells(title, ("0", *("–" for _ in _LATENCY)))
    return _cells(title, (f"{latency['count']:,}", *(_ms(latency[key]) for _, key in _LATENCY)))


def _ms(us: int) -> str:
    """To the microsecond, up to 100 s; nobody reads them beyond."""
    return f"{us / 1000:,.3f}" if us < 100_000_000 else f"{us / 1000:,.0f}"


def _generator(generator: dict[str, Any]) -> list[str]:
    late, lag = generator["send_lateness_us"], generator["loop_lag_us"]
    processes = f"{generator['workers']} process" + ("es" if generator["workers"] != 1 else "")
    return [
        f" {'generator':<25}{processes}, busiest at {generator['cpu_percent']:.0f} % of a core",
        f" {'  send lateness, ms':<25}" + _health(late),
        f" {'  loop lag, ms':<25}" + _health(lag),
    ]


def _health(figures: dict[str, int]) -> str:
    return "   ".join(f"{key} {_ms(figures[key])}" for key in ("p50", "p99", "max"))


def _verdict(summary: dict[str, Any]) -> list[str]:
    word, messages = summary["verdict"], summary["messages"]
    meaning = _WORDS[word]
    if word == "pass" and not messages["lost"] + messages["duplicated"] + messages["reordered"]:
        meaning = f"all {messages['delivered']:,} deliveries arrived, once and in order"
    lines = [f" {word.upper():<9}{meaning}"]
    for reason in summary["reasons"]:
        lines += wrap(reason, _WIDTH - 2, initial_indent=" " * 10 + "· ", subsequent_indent=" " * 12)
    return lines
