"""Tables of the turns' results: medians of the rounds, each as a ratio to the best peer's."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.cases import PLAIN
from bench.servers import Server
from bench.turn import Turn

DISTURBED = 15  # % of a core that other processes may take in an undisturbed turn; the kernel takes a few


@dataclass(frozen=True)
class Column:
    title: str
    value: Callable[[dict[str, Any]], float | None]  # from the generator's report
    show: Callable[[float], str]
    best: Callable[[Sequence[float]], float] | None = None  # min or max; None: no ratio is shown
    of_rounds: Callable[[Iterable[float]], float] = median


def _at(*path: str) -> Callable[[dict[str, Any]], float | None]:
    """The value at this place in the report, or None."""

    def value(result: dict[str, Any]) -> float | None:
        found: Any = result
        for key in path:
            found = None if found is None else found.get(key)
        return None if found is None else float(found)

    return value


def _ms(group: str, rank: str) -> Callable[[dict[str, Any]], float | None]:
    microseconds = _at(group, rank)
    return lambda result: None if (value := microseconds(result)) is None else value / 1000


def _kib_per_member(result: dict[str, Any]) -> float | None:
    growth = result["server_memory_growth"]
    return None if growth is None else growth / 1024 / result["arrival"]["connections"]


def _when_all(moment: str) -> Callable[[dict[str, Any]], float | None]:
    """None when some had not joined in time."""

    def value(result: dict[str, Any]) -> float | None:
        arrival = result["arrival"]
        return arrival[moment] if arrival["joined"] == arrival["connections"] >= result["members"] else None

    return value


def _show_ms(value: float) -> str:
    return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def _percent(value: float) -> str:
    return f"{value:.0f} %"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _s(value: float) -> str:
    return f"{value:.1f} s"


COSTS = (
    Column("server CPU", _at("server_cpu_percent"), _percent),
    Column("generator CPU", _at("generator_cpu_percent"), _percent),
    Column("others' CPU", _at("others_cpu_percent"), _percent),
)
SATURATED = (
    Column("deliveries/s", _at("deliveries_per_s"), _whole, max),
    Column("complete p50", _ms("complete_us", "p50"), _show_ms),
    Column("complete p99", _ms("complete_us", "p99"), _show_ms, min),
    *COSTS,
)
STEADY = (
    Column("complete p50", _ms("complete_us", "p50"), _show_ms, min),
    Column("complete p99", _ms("complete_us", "p99"), _show_ms, min),
    Column("delivery p50", _ms("fanout_us", "p50"), _show_ms, min),
    Column("delivery p99", _ms("fanout_us", "p99"), _show_ms),
    Column("sent late p99", _ms("send_lateness_us", "p99"), lambda value: f"{value:.2f} ms"),
    *COSTS,
)
BUSY = (
    Column("messages/s", _at("messages_per_s"), _whole, max),
    Column("complete p50", _ms("complete_us", "p50"), _show_ms),
    Column("complete p99", _ms("complete_us", "p99"), _show_ms),
    Column("all in all rooms", _when_all("joined_s"), _s, min),
    Column("sent late p99", _ms("send_lateness_us", "p99"), lambda value: f"{value:.2f} ms"),
    Column(  # one round that the generator held up is enough
        "held up by",
        lambda result: float(result["bounded_by"] == "generator"),
        lambda value: "generator" if value else "server",
        of_rounds=max,
    ),
    *COSTS,
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "saturated": SATURATED,
    "steady-100": STEADY,
    "steady": STEADY,
    "steady-10000": STEADY,
    "busy": BUSY,
    "rooms": BUSY,
    "large": SATURATED,
    "arrival": (
        Column("all joined", _when_all("joined_s"), _s, min),
        Column("all joins seen", _when_all("settled_s"), _s, min),
        Column("joined", _at("arrival", "joined"), _whole),
        Column("memory a member", _kib_per_member, lambda value: f"{value:.1f} KiB", min),
        Column("server CPU", _at("arrival", "server_cpu_percent"), _percent),
        Column("generator CPU", _at("arrival", "generator_cpu_percent"), _percent),
        COSTS[-1],
    ),
    "idle": (
        Column("server CPU", _at("server_cpu_percent"), lambda value: f"{value:.4f} %", min),
        Column("memory a member", _kib_per_member, lambda value: f"{value:.1f} KiB", min),
        Column("all joined", _when_all("joined_s"), _s, min),
        *COSTS[1:],
    ),
}
COLUMNS |= {case: COLUMNS[plain] for case, plain in PLAIN.items()}


def outline(turn: Turn) -> str:
    """One turn in one line, to show progress."""
    if not turn.result:
        return failed(turn) or ""
    values = [(column, column.value(turn.result)) for column in COLUMNS[turn.case]]
    shown = [f"{column.title} {column.show(value)}" for column, value in values if value is not None]
    return f"{turn.case} {turn.server}: {', '.join(shown)}"


def failed(turn: Turn) -> str | None:
    """Why a turn has no figures, or None."""
    return f"{turn.case} {turn.server} FAILED in round {turn.round + 1}: {turn.error}" if turn.error else None


def medians(turns: Sequence[Turn], server: str, case: str) -> dict[str, float | None]:
    """The case's columns for one server, by their titles; None where no round has a value.

    Only undisturbed rounds count, if there is one: other processes slow some servers more than others.
    """
    results = [turn.result for turn in turns if turn.server == server and turn.case == case and turn.result]
    results = [result for result in results if result["others_cpu_percent"] <= DISTURBED] or results
    rows: dict[str, float | None] = {}
    for column in COLUMNS[case]:
        present = [value for result in results if (value := column.value(result)) is not None]
        rows[column.title] = column.of_rounds(present) if present else None
    return rows


def table(turns: Sequence[Turn], servers: Sequence[Server], case: str) -> str:
    """One line a server. The ratio after a value is the value over the best peer's."""
    columns = COLUMNS[case]
    rows = {server.name: medians(turns, server.name, case) for server in servers}
    lines = [["", *(column.title for column in columns)]]
    best: list[float | None] = []
    for column in columns:
        peers = [value for server in servers if server.peer and (value := rows[server.name][column.title]) is not None]
        best.append(column.best(peers) if column.best and peers else None)
    for server in servers:
        reason = server.left_out(case in PLAIN)
        cells = [
            _cell(column, rows[server.name][column.title], of_best)
            for column, of_best in zip(columns, best, strict=True)
        ]
        lines.append([server.name, reason] if reason else [server.name, *cells])
    return aligned(lines)


def cost_of_tls(turns: Sequence[Turn], servers: Sequence[Server], case: str) -> str:
    """The values of a case with TLS over those of its plain case; empty where the run has none of those."""
    rows = []
    for server in servers:
        secure, plain = medians(turns, server.name, case), medians(turns, server.name, PLAIN[case])
        ratios = [
            f"{value / base:.2f}x" if (value := secure[title]) and (base := plain[title]) else "-" for title in plain
        ]
        if set(ratios) != {"-"}:
            rows.append([server.name, *ratios])
    return aligned([["TLS / plain", *(column.title for column in COLUMNS[case])], *rows]) if rows else ""


def _cell(column: Column, value: float | None, best: float | None) -> str:
    if value is None:
        return "-"
    return column.show(value) + (f" {value / best:6.2f}x" if best else "")


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Rows of cells as text. A row of a name and one more cell is a comment, and widens no column."""
    columns = max(map(len, lines))
    widths = [max(len(line[at]) for line in lines if len(line) == columns) for at in range(columns)]
    widths[0] = max(len(line[0]) for line in lines)
    rows = []
    for line in lines:
        if len(line) < columns:
            rows.append(f"  {line[0]:{widths[0]}}  {line[1]}")
        else:
            cells = [f"{cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True)]
            rows.append("  " + "  ".join([f"{line[0]:{widths[0]}}", *cells]))
    return "\n".join(rows)
