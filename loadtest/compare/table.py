"""The comparison as text: a row for each server, and under it why a run did not pass. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from loadtest.report.blocks import ms

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
    ratio = f"ratio: the time until a message's last receiver has it, as a multiple of {baseline}'s"
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
        *(_ms(fanout, key) for key in ("p50", "p99", "max")),
        *(_ms(complete, key) for key in ("p50", "p99")),
        _count(row["deliveries_per_s"]),
        _decimals(row["server_cpu_percent"], 0),
        _decimals(None if memory is None else memory / (1 << 20), 1),
        *(_decimals(ratio.get(key), 2) for key in ("p50", "p99")),
    ]


def _reasons(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{row['server']}: {row['verdict']}: {reason}" for row in rows for reason in row["reasons"]]


def _count(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.0f}"


def _decimals(value: float | None, places: int) -> str:
    return _UNKNOWN if value is None else f"{value:,.{places}f}"


def _ms(figures: Mapping[str, int | None], key: str) -> str:
    value = figures[key] if figures.get("count") else None
    return ms(value) if value is not None else _UNKNOWN
