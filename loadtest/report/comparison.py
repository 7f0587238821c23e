"""Several results side by side: two runs for `diff`, the servers of `compare`. Pure.

Where both were run in several rounds, the rounds are paired, and the interval of their ratio decides: B is worse where
it lies wholly above 1. Of one run each there is no ratio, as nobody knows how far two runs of the same are apart; B is
worse then where its interval lies wholly above A's. What no server should do has no interval: more of it is worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.core.intervals import of_ratios
from loadtest.core.result import Figures, Result, merged
from loadtest.report.blocks import ms

SAME, WORSE, BETTER, UNKNOWN = "same", "worse", "better", "unknown"
_TIMES = (("fanout", 50.0), ("fanout", 99.0), ("first", 50.0), ("median", 50.0), ("complete", 50.0), ("complete", 99.0))
_FAULTS = ("lost", "duplicated", "reordered", "stray", "corrupt", "diverged")


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    one: str
    other: str
    ratio: str
    word: str


def diff(ones: Sequence[Result], others: Sequence[Result]) -> list[Row]:
    """Of the rounds of two, in their order. Those beyond the shorter of both have no pair, and add to the counts."""
    a, b = (merged([each.figures for each in several]) for several in (ones, others))
    rounds = [(one.figures, other.figures) for one, other in zip(ones, others, strict=False)]
    rows = [_time(a, b, rounds, kind, percent) for kind, percent in _TIMES]
    for name in _FAULTS:
        then, now = getattr(a, name), getattr(b, name)
        word = SAME if now == then else WORSE if now > then else BETTER
        rows.append(Row(name, f"{then:,}", f"{now:,}", "", word))
    return rows


def is_worse(rows: list[Row]) -> bool:
    return any(row.word == WORSE for row in rows)


def unlike(one: Result, other: Result) -> list[str]:
    """What makes the two no comparison of like with like, one line each."""
    a, b = one.figures, other.figures
    pairs = (
        ("scenario", a.scenario, b.scenario),
        ("users", a.users, b.users),
        ("processor", one.environment.get("cpu"), other.environment.get("cpu")),
    )
    return [f"{what}: {then} and {now}" for what, then, now in pairs if then != now]


def show(one: Result, other: Result, rows: list[Row]) -> str:
    """The rows as text, 95 % intervals in brackets."""
    lines = [f"{'':<18}{'A':>28}{'B':>28}{'B / A':>22}   B is"]
    lines += [f"{row.name:<18}{row.one:>28}{row.other:>28}{row.ratio:>22}   {row.word}" for row in rows]
    return "\n".join([*lines, *(f"not alike: {line}" for line in unlike(one, other))])


def _time(a: Figures, b: Figures, rounds: Sequence[tuple[Figures, Figures]], kind: str, percent: float) -> Row:
    values = [each.given(kind, percent) for each in (a, b)]
    bounds = [each.interval(kind, percent) for each in (a, b)]
    then, now = (
        ms(value) + (f" [{ms(bound[0])}, {ms(bound[1])}]" if bound else "")
        for value, bound in zip(values, bounds, strict=True)
    )
    ratio = ratio_of([(one.given(kind, percent), other.given(kind, percent)) for one, other in rounds])
    word = UNKNOWN
    if ratio:
        word = WORSE if ratio["low"] > 1 else BETTER if ratio["high"] < 1 else SAME
    elif len(rounds) == 1 and bounds[0] and bounds[1]:
        word = WORSE if bounds[1][0] > bounds[0][1] else BETTER if bounds[1][1] < bounds[0][0] else SAME
    return Row(f"{kind} p{percent:g}, ms", then, now, _times(ratio), word)


Ratio = Mapping[str, float]  # "ratio", and "low" and "high", the ends of its interval


def ratio_of(rounds: Sequence[tuple[int | None, int | None]]) -> Ratio | None:
    """Of two figures in each round; a round that lacks one does not count. None with fewer than two."""
    found = of_ratios([(one, other) for one, other in rounds if one and other])
    return dict(zip(("ratio", "low", "high"), (round(each, 4) for each in found), strict=True)) if found else None


def _times(ratio: Ratio | None) -> str:
    return f"{ratio['ratio']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]" if ratio else ""


@dataclass(frozen=True, slots=True)
class Target:
    name: str  # also of the directory with its report
    url: str


INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Turn:
    """One server's turns. `summary` is of all its runs together; None where one left nothing, and `why` tells."""

    target: Target
    version: str
    summary: Mapping[str, Any] | None
    why: str = ""
    rounds: Sequence[Mapping[str, Any]] = ()  # the summary of each


def row(result: Turn, baseline: Turn) -> dict[str, Any]:
    """As it stands in compare.json; null is what nobody knows. Ratios are taken to `baseline`, round by round."""
    summary = result.summary
    head = {"server": result.target.name, "target": result.target.url, "version": result.version}
    if summary is None:
        return {**head, "verdict": INVALID, "reasons": [result.why]} | dict.fromkeys(_COLUMNS)
    messages, seconds = summary["messages"], summary["duration_s"]
    return {
        **head,
        "verdict": summary["verdict"],
        "reasons": summary["reasons"],
        "users": summary["users"],
        "messages": messages["sent"],
        "lost": messages["lost"],
        "fanout_us": summary["fanout_us"],
        "complete_us": summary["complete_us"],
        "deliveries_per_s": round(messages["delivered"] / seconds, 1) if seconds else None,
        "server_cpu_percent": _mean(_column(summary, "server_cpu_percent")),
        "server_memory_bytes": max(_column(summary, "server_memory_bytes"), default=None),
        "complete_ratio": {key: _ratio(result, baseline, key) for key in ("p50", "p99")},
    }


_COLUMNS = (
    "users",
    "messages",
    "lost",
    "fanout_us",
    "complete_us",
    "deliveries_per_s",
    "server_cpu_percent",
    "server_memory_bytes",
    "complete_ratio",
)


def _column(summary: Mapping[str, Any], key: str) -> list[Any]:
    """What is known of one figure over the window's time."""
    return [each[key] for each in summary.get("timeline", ()) if each.get(key) is not None]


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 1) if values else None


def _ratio(result: Turn, baseline: Turn, key: str) -> Ratio | None:
    """An invalid run says nothing about a server, so its round does not count."""
    return ratio_of(
        [
            (one["complete_us"][key], other["complete_us"][key])
            for one, other in zip(baseline.rounds, result.rounds, strict=False)
            if INVALID not in (one["verdict"], other["verdict"])
        ]
    )


_GAP = "  "
_VERSION_WIDTH = 24  # a longer one is cut
_UNKNOWN = "–"
_LEFT = 3  # columns of words, aligned to the left
_HEAD = (
    ("", "server"),
    ("", "version"),
    ("", "verdict"),
    ("", "users"),
    ("", "messages"),
    ("", "lost"),
    *(("fan-out", f"{key} ms") for key in ("p50", "p99", "max")),
    *(("complete", f"{key} ms") for key in ("p50", "p99")),
    ("deliveries", "a second"),
    ("server", "CPU %"),
    ("server", "MiB"),
    *(("ratio", key) for key in ("p50", "p99")),
)


def comparison(rows: Sequence[Mapping[str, Any]], baseline: str) -> str:
    """`baseline` is the server whose completion times the last two columns are multiples of."""
    lines = [*map(list, zip(*_HEAD, strict=True)), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [_line(cells, widths) for cells in lines]
    rule = "─" * max(map(len, text))
    ratio = f"ratio: the time until a message's last receiver has it, as a multiple of {baseline}'s in the same round"
    return "\n".join([rule, *text[:2], rule, *text[2:], rule, ratio, *_reasons(rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.ljust(width) if place < _LEFT else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return _GAP.join(padded).rstrip()


def _cells(row: Mapping[str, Any]) -> list[str]:
    fanout, complete, ratio = (row[key] or {} for key in ("fanout_us", "complete_us", "complete_ratio"))
    memory = row["server_memory_bytes"]
    return [
        row["server"],
        (row["version"] or _UNKNOWN)[:_VERSION_WIDTH],
        row["verdict"],
        *(_count(row[key]) for key in ("users", "messages", "lost")),
        *(_cell_ms(fanout, key) for key in ("p50", "p99", "max")),
        *(_cell_ms(complete, key) for key in ("p50", "p99")),
        _count(row["deliveries_per_s"]),
        _decimals(row["server_cpu_percent"], 0),
        _decimals(None if memory is None else memory / (1 << 20), 1),
        *(_times(ratio.get(key)) or _UNKNOWN for key in ("p50", "p99")),
    ]


def _reasons(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{row['server']}: {row['verdict']}: {reason}" for row in rows for reason in row["reasons"]]


def _count(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.0f}"


def _decimals(value: float | None, places: int) -> str:
    return _UNKNOWN if value is None else f"{value:,.{places}f}"


def _cell_ms(figures: Mapping[str, int | None], key: str) -> str:
    value = figures[key] if figures.get("count") else None
    return ms(value) if value is not None else _UNKNOWN
