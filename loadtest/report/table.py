"""The fan-out table: a summary as plain text, 100 columns at most, for the end of a run."""

import sys
from collections.abc import Sequence
from textwrap import wrap
from typing import Any, TextIO

from loadtest.core.reasons import printable
from loadtest.report.blocks import BY_NODE, LATENCY_HEAD, NONE, OF_ITSELF, Block, latency, machine, ms, sections

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
_FAULTS = ("stray", "corrupt", "diverged")
_COUNT_WIDTHS = (10, 12, 15, 15, 11, 12, 11, 10)
_LATENCY_WIDTHS = (26, 13, 11, 11, 11, 11, 13)
_TARGET_WIDTH = 60  # a longer host name is cut
_NAME_WIDTH = 26  # of a block's first column, where there is room
_GAP = 2  # at least between figures
_BESIDE_WORDS = 9  # a column of figures is at least so wide
_WORDS_WIDTH = 20  # at least
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
        *_faults(messages),
        *_members(summary),
        "",
        _cells(f"latency in ms{_error(summary)}", LATENCY_HEAD),
        _cells(*_split(latency("fan-out, each delivery", summary["fanout_us"]))),
        *_interval(summary["intervals_us"]["fanout"]),
        *(_cells(*_split(latency(f"  {words}", summary[key]))) for words, key in BY_NODE if key in summary),
        _cells(*_split(latency("  until it was read", summary["read_us"]))),
        _cells(*_split(latency("first receiver", summary["first_us"]))),
        _cells(*_split(latency("half of the receivers", summary["median_us"]))),
        _cells(*_split(latency("complete, last receiver", summary["complete_us"]))),
        *_fairness(summary["tenths_us"]),
        "",
        *(line for section in sections(summary) for block in section.blocks for line in (*_block(block), "")),
        *_generator(summary["generator"]),
        *_named("required", ", ".join(summary.get("requirements") or ["nothing"])),
        _RULE,
        *_verdict(summary),
        _RULE,
    ]
    return "\n".join(line.rstrip() for line in lines)


def show(text: str, out: TextIO | None = None) -> None:
    """Print it, to stdout if not said otherwise, whatever the terminal's encoding."""
    out = out or sys.stdout
    encoding = out.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding), file=out, flush=True)


def _scale(summary: dict[str, Any]) -> str:
    return f"{summary['users']:,} users, {summary['duration_s']:,.1f} s "


def _spread(left: str, right: str) -> list[str]:
    gap = _WIDTH - len(left) - len(right)
    return [left + " " * gap + right] if gap > 0 else [left, right.rjust(_WIDTH)]


def _cells(title: str, cells: tuple[str, ...]) -> str:
    """A title, then right-aligned columns of one of the two blocks; both end at the same edge."""
    first, *widths = _COUNT_WIDTHS if len(cells) == len(_COUNTS) else _LATENCY_WIDTHS
    return f" {title:<{first - 1}}" + "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def _split(row: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    return row[0], row[1:]


def _block(block: Block) -> list[str]:
    """Names on the left, figures on the right; words after them, on as many lines as they need."""
    rows = (block.head, *block.rows)
    figures = [row[:-1] if block.has_words else row for row in rows]
    widths = _widths(figures, spread=not block.has_words)
    lines = []
    for row, cells in zip(rows, figures, strict=True):
        line = f" {cells[0]:<{widths[0] - 1}}" + "".join(map(str.rjust, cells[1:], widths[1:]))
        words = wrap(row[-1], max(_WIDTH - len(line) - 3, _WORDS_WIDTH)) if block.has_words else [""]
        lines.append(f"{line}   {words[0]}")
        lines += [" " * (len(line) + 3) + more for more in words[1:]]
    return lines


def _widths(rows: Sequence[tuple[str, ...]], spread: bool) -> list[int]:
    """What each column needs; `spread` over the table's width, so that all blocks end at the same edge."""
    name, *needed = (max(map(len, cells)) for cells in zip(*rows, strict=True))
    widths = [name + 1, *(cell + _GAP for cell in needed)]
    if not spread:
        return [name + 1, *(max(width, _BESIDE_WORDS) for width in widths[1:])]
    if len(widths) == len(_LATENCY_WIDTHS) and all(map(int.__le__, widths, _LATENCY_WIDTHS)):
        return list(_LATENCY_WIDTHS)
    widths[0] += max(0, min(_NAME_WIDTH - widths[0], _WIDTH - sum(widths)))
    even, rest = divmod(_WIDTH - widths[0], len(needed))
    if max(widths[1:]) <= even:
        return [widths[0] + rest, *(even for _ in needed)]
    each, rest = divmod(max(0, _WIDTH - sum(widths)), len(needed))
    return [widths[0], *(width + each + (turn < rest) for turn, width in enumerate(widths[1:]))]


def _interval(bounds: dict[str, Any]) -> list[str]:
    """How sure the fan-out's percentiles are."""
    known = [f"{name} {ms(both[0])} to {ms(both[1])}" for name, both in bounds.items() if both]
    return [f" {'  95 % interval':<25}" + "   ".join(known)] if known else []


def _faults(messages: dict[str, int]) -> list[str]:
    """What no server should ever do."""
    shown = (f"{messages[name]:,} {name}" for name in _FAULTS)
    return _named("", "   ".join(shown))


def _members(summary: dict[str, Any]) -> list[str]:
    """Who came and went in the window; nothing where nobody did."""
    members, under_way = summary["members"], summary["messages"]["under_way"]
    if not any(members.values()):
        return []
    shown = ", ".join(f"{count:,} {what}" for what, count in members.items())
    what = "delivery" if under_way == 1 else "deliveries"
    return _named("members", f"{shown}; {under_way:,} {what} under way as connections ended")


def _error(summary: dict[str, Any]) -> str:
    """How far off a latency may be where the clocks of several hosts were compared."""
    error_us = summary["generator"]["clock_error_us"]
    return f" ± {ms(error_us)}" if error_us else ""


def _fairness(tenths: Sequence[dict[str, int | None]]) -> list[str]:
    """Whether those who came first are served first."""
    first, last = tenths[0], tenths[-1]
    if not (first["count"] and last["count"]):
        return []
    ends = (("first", first), ("last", last))
    return [
        f" {'  ' + name + ' tenth to join':<25}p50 {ms(each['p50'])}   p99 {ms(each['p99'])}" for name, each in ends
    ]


def _generator(generator: dict[str, Any]) -> list[str]:
    late, lag, backlog = (generator[f"{name}_us"] for name in ("send_lateness", "loop_lag", "receive_backlog"))
    processes = f"{generator['workers']} process" + ("es" if generator["workers"] != 1 else "")
    return [
        f" {'generator':<25}{processes}, busiest at {generator['cpu_percent']:.0f} % of a core",
        f" {'  send lateness, ms':<25}" + _health(late),
        f" {'  loop lag, ms':<25}" + _health(lag),
        f" {'  receive backlog, ms':<25}" + (_health(backlog) if backlog else NONE),
        *(_named("  its machine", machine(generator["machine"])) if generator["machine"] else []),
    ]


def _named(title: str, words: str) -> list[str]:
    """Words behind a title, on as many lines as they need."""
    first, *others = wrap(words, _WIDTH - _NAME_WIDTH)
    return [f" {title:<{_NAME_WIDTH - 1}}{first}", *(" " * _NAME_WIDTH + more for more in others)]


def _health(figures: dict[str, int]) -> str:
    return "   ".join(f"{key} {ms(figures[key])}" for key in ("p50", "p99", "max"))


def _verdict(summary: dict[str, Any]) -> list[str]:
    word, messages = summary["verdict"], summary["messages"]
    meaning = _WORDS[word]
    if "selfcheck" in summary:
        meaning = OF_ITSELF[word]
    elif word == "pass" and not any(messages[name] for name in ("lost", "duplicated", "reordered", *_FAULTS)):
        meaning = f"all {messages['delivered']:,} deliveries arrived, once, whole and in one order"
    lines = [f" {word.upper():<9}{meaning}"]
    told = [f"all observers were told of all {deaths:,} deaths in time"] if (deaths := _told(summary)) else []
    if word == "pass" and "selfcheck" in summary:
        told = [summary["selfcheck"]["words"]]
    for reason in told + summary["reasons"]:
        lines += wrap(printable(reason), _WIDTH - 2, initial_indent=" " * 10 + "· ", subsequent_indent=" " * 12)
    return lines


def _told(summary: dict[str, Any]) -> int:
    """How many died, if the run passed and every observer was told of each of them by its deadline."""
    disconnects = [] if "slow" in summary else summary["disconnects"]  # nobody dies of not reading
    in_time = all(
        0 < one["observers"] == one["informed"] and one["last_us"] <= one["deadline_us"] for one in disconnects
    )
    return sum(one["victims"] for one in disconnects) if summary["verdict"] == "pass" and in_time else 0
