"""Turn what the turns measured into tables: medians of the rounds, and each as a ratio to the best peer's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.cases import Turn
from bench.servers import Server


@dataclass(frozen=True)
class Column:
    title: str
    value: Callable[[dict[str, Any]], float | None]  # from the generator's report
    show: Callable[[float], str]
    best: Callable[[Sequence[float]], float] | None = None  # min or max; None: no ratio is shown


def _ms(group: str, rank: str) -> Callable[[dict[str, Any]], float | None]:
    return lambda result: result[group][rank] / 1000


def _kib_per_member(result: dict[str, Any]) -> float | None:
    growth = result["server_memory_growth"]
    return None if growth is None else growth / 1024 / result["arrival"]["connections"]


def _show_ms(value: float) -> str:
    return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def _percent(value: float) -> str:
    return f"{value:.0f} %"


DISTURBED = 15  # % of a core that others may take in an undisturbed turn; the kernel's own work is a few of them

OTHERS = Column("others' CPU", lambda result: result["others_cpu_percent"], _percent)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "saturated": (
        Column("deliveries/s", lambda result: result["deliveries_per_s"], lambda value: f"{value:,.0f}", max),
        Column("complete p50", _ms("complete_us", "p50"), _show_ms),
        Column("complete p99", _ms("complete_us", "p99"), _show_ms, min),
        Column("generator CPU", lambda result: result["generator_cpu_percent"], _percent),
        OTHERS,
    ),
    "steady": (
        Column("complete p50", _ms("complete_us", "p50"), _show_ms, min),
        Column("complete p99", _ms("complete_us", "p99"), _show_ms, min),
        Column("delivery p50", _ms("fanout_us", "p50"), _show_ms, min),
        Column("delivery p99", _ms("fanout_us", "p99"), _show_ms),
        Column("sent late p99", _ms("send_lateness_us", "p99"), lambda value: f"{value:.2f} ms"),
        Column("generator CPU", lambda result: result["generator_cpu_percent"], _percent),
        OTHERS,
    ),
    "idle": (
        Column("memory a member", _kib_per_member, lambda value: f"{value:.1f} KiB", min),
        Column("all joined", lambda result: _when_all(result, "joined_s"), lambda value: f"{value:.1f} s", min),
        Column("all joins seen", lambda result: _when_all(result, "settled_s"), lambda value: f"{value:.1f} s", min),
        Column("joined", lambda result: result["arrival"]["joined"] - 1, lambda value: f"{value:,.0f}"),
        Column("generator CPU", lambda result: result["arrival"]["generator_cpu_percent"], _percent),
        OTHERS,
    ),
}


def _when_all(result: dict[str, Any], moment: str) -> float | None:
    """None when some had not come in when the time was up."""
    arrival = result["arrival"]
    value: float | None = arrival[moment]
    return value if arrival["joined"] == result["members"] + 1 else None


def outline(turn: Turn) -> str:
    """One turn in one line, for whoever waits."""
    if not turn.result:
        return failed(turn) or ""
    values = [(column, column.value(turn.result)) for column in COLUMNS[turn.case]]
    shown = [f"{column.title} {column.show(value)}" for column, value in values if value is not None]
    return f"{turn.case} {turn.server}: {', '.join(shown)}"


def failed(turn: Turn) -> str | None:
    """Why a turn has no figures, or None when it has some."""
    return f"{turn.case} {turn.server} FAILED in round {turn.round + 1}: {turn.error}" if turn.error else None


def medians(turns: Sequence[Turn], server: str, case: str) -> list[float | None]:
    """The case's columns for one server; None where no round has a value.

    Of the undisturbed rounds, if there is one: others that take CPU slow some servers more than others.
    """
    results = [turn.result for turn in turns if turn.server == server and turn.case == case and turn.result]
    results = [result for result in results if result["others_cpu_percent"] <= DISTURBED] or results
    values = [[column.value(result) for result in results] for column in COLUMNS[case]]
    present = [[value for value in column if value is not None] for column in values]
    return [median(column) if column else None for column in present]


def table(turns: Sequence[Turn], servers: Sequence[Server], case: str) -> str:
    """One line a server. The ratio after a value is the value over the best peer's."""
    columns = COLUMNS[case]
    rows = {server.name: medians(turns, server.name, case) for server in servers}
    best: list[float | None] = []
    for number, column in enumerate(columns):
        peers = [value for server in servers if server.peer and (value := rows[server.name][number]) is not None]
        best.append(column.best(peers) if column.best and peers else None)
    lines = [["", *(column.title for column in columns)]]
    for server in servers:
        reason = server.missing()
        cells = [_cell(*parts) for parts in zip(columns, rows[server.name], best, strict=True)]
        lines.append([server.name, reason] if reason else [server.name, *cells])
    widths = [max(len(line[at]) for line in lines if len(line) > 2) for at in range(len(columns) + 1)]
    return "\n".join(_aligned(line, widths) for line in lines)


def _cell(column: Column, value: float | None, best: float | None) -> str:
    if value is None:
        return "-"
    return column.show(value) + (f" {value / best:6.2f}x" if best else "")


def _aligned(line: list[str], widths: list[int]) -> str:
    if len(line) == 2:
        return f"  {line[0]:{widths[0]}}  {line[1]}"
    cells = [f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True)]
    return "  " + "  ".join([f"{line[0]:{widths[0]}}", *cells])
