"""Fanfare's goals beside the other servers, checked on the medians of one run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from bench.servers import YARDSTICK
from bench.table import aligned

Medians = Mapping[str, Mapping[str, Mapping[str, float | None]]]  # by case, server and column title


class Against(Enum):
    PEERS = "best peer"  # the best of those that can be installed instead, the tutorials' server among them
    YARDSTICK = "the bare loop"
    MEMORY = "Fanfare with its log in memory"
    NOTHING = "the bound itself"


@dataclass(frozen=True)
class Goal:
    """`bound` times the reference, and `more`. `least`: a floor, otherwise a ceiling. `strict`: equal is not enough.

    0 satisfies a ceiling, whatever the others have.
    """

    text: str
    case: str
    column: str
    against: Against
    bound: float
    least: bool = False
    strict: bool = False
    more: float = 0.0  # in the column's unit


GOALS = (
    Goal(
        "saturated: deliveries/s at least 1.25 of the best peer's",
        "saturated",
        "deliveries/s",
        Against.PEERS,
        1.25,
        least=True,
    ),
    Goal(
        "saturated: deliveries/s at least 0.9 of bare-epoll's",
        "saturated",
        "deliveries/s",
        Against.YARDSTICK,
        0.9,
        least=True,
    ),
    Goal("steady: complete p50 at most 0.75 of the best peer's", "steady", "complete p50", Against.PEERS, 0.75),
    Goal("steady: complete p99 below the best peer's", "steady", "complete p99", Against.PEERS, 1, strict=True),
    Goal("busy: messages/s at least the best peer's", "busy", "messages/s", Against.PEERS, 1, least=True),
    Goal("arrival: all joins seen in at most 0.5 of the best peer's", "arrival", "all joins seen", Against.PEERS, 0.5),
    Goal("arrival: at most 4 KiB of memory a member", "arrival", "memory a member", Against.NOTHING, 4),
    Goal("tls-idle: at most 40 KiB of memory a member", "tls-idle", "memory a member", Against.NOTHING, 40),
    Goal("idle: server CPU below every peer's, or none at all", "idle", "server CPU", Against.PEERS, 1, strict=True),
)

LOG_GOALS = {
    "fanfare-disk": (
        Goal(
            "saturated: deliveries/s at least 0.95 of those with memory:",
            "saturated",
            "deliveries/s",
            Against.MEMORY,
            0.95,
            least=True,
        ),
        Goal("steady: complete p50 at most 1.05 of that with memory:", "steady", "complete p50", Against.MEMORY, 1.05),
        Goal("busy: messages/s at least 0.85 of those with memory:", "busy", "messages/s", Against.MEMORY, 0.85, True),
    ),
    "fanfare-strict": (
        Goal("steady: complete p50 at most 2 ms over memory:'s", "steady", "complete p50", Against.MEMORY, 1, more=2.0),
    ),
}

HISTORY_GOALS = tuple(
    Goal(text, "history", column, Against.NOTHING, bound)
    for text, column, bound in (
        ("LATEST of 100: p99 at most 5 ms", "LATEST p99, ms", 5.0),
        ("others' p99 while one asks: at most 5 ms more", "added to others' p99, ms", 5.0),
        ("others' p99, 60 questions at once: at most 5 ms more", "added to others' p99, 60 at once, ms", 5.0),
        ("start: at most 1 s to the first answer", "start, s", 1.0),
        ("start after a crash: at most 1 s", "start after a crash, s", 1.0),
    )
)


@dataclass(frozen=True)
class Checked:
    """`reached` and missing values are None where the run has no figures for the goal."""

    server: str
    goal: str
    value: float | None
    reference: float | None
    held_by: str | None  # the server whose figure is the reference
    reached: bool | None


def check(medians: Medians, server: str, peers: Sequence[str], goals: Sequence[Goal] | None = None) -> list[Checked]:
    """These goals, or all that there are for the server, against its peers."""
    goals = LOG_GOALS.get(server, GOALS) if goals is None else goals
    return [_check(goal, medians.get(goal.case, {}), server, peers) for goal in goals]


def _check(goal: Goal, rows: Mapping[str, Mapping[str, float | None]], server: str, peers: Sequence[str]) -> Checked:
    value = rows.get(server, {}).get(goal.column)
    reference: float | None = 1.0
    holder: str | None = None
    if goal.against is not Against.NOTHING:
        others = {Against.YARDSTICK: [YARDSTICK], Against.MEMORY: ["fanfare"]}.get(goal.against, peers)
        figures = {name: figure for name in others if (figure := rows.get(name, {}).get(goal.column)) is not None}
        best: Callable[..., str] = max if goal.least else min
        holder = best(figures, key=figures.__getitem__) if figures else None
        reference = figures[holder] if holder else None
    reached = None
    if value is not None and reference is not None:
        bound = goal.bound * reference + goal.more
        below = (value < bound if goal.strict else value <= bound) or value == 0
        reached = value >= bound if goal.least else below
    return Checked(server, goal.text, value, reference, holder, reached)


def goals_table(checked: Sequence[Checked]) -> str:
    lines = [["goal", "measured", "against", "ratio", "reached"]]
    for one in checked:
        measured = "-" if one.value is None else f"{one.value:,.4g}" if one.value < 1000 else f"{one.value:,.0f}"
        against = ratio = "-"
        if one.held_by and one.reference is not None:
            against = f"{one.reference:,.4g}" if one.reference < 1000 else f"{one.reference:,.0f}"
            against += f" ({one.held_by})"
            ratio = f"{one.value / one.reference:.2f}" if one.value is not None and one.reference else "-"
        reached = "-" if one.reached is None else "yes" if one.reached else "no"
        lines.append([one.goal, measured, against, ratio, reached])
    return aligned(lines)
