"""Compare two results: is B worse than A beyond what chance explains? Pure.

Of latencies the intervals decide: B is worse where its interval lies wholly above A's, better where wholly below. What
no server should do has no interval: more of it is worse.
"""

from dataclasses import dataclass

from loadtest.judge.verdict import Figures
from loadtest.report.blocks import ms
from loadtest.results.result import Result

SAME, WORSE, BETTER, UNKNOWN = "same", "worse", "better", "unknown"
_TIMES = (("fanout", 50.0), ("fanout", 99.0), ("first", 50.0), ("median", 50.0), ("complete", 50.0), ("complete", 99.0))
_COUNTS = ("lost", "duplicated", "reordered", "stray", "corrupt", "diverged")


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    one: str
    other: str
    ratio: str
    word: str


def diff(one: Result, other: Result) -> list[Row]:
    a, b = one.figures, other.figures
    rows = [_time(a, b, kind, percent) for kind, percent in _TIMES]
    for name in _COUNTS:
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
    lines = [f"{'':<18}{'A':>28}{'B':>28}{'B / A':>9}   B is"]
    lines += [f"{row.name:<18}{row.one:>28}{row.other:>28}{row.ratio:>9}   {row.word}" for row in rows]
    return "\n".join([*lines, *(f"not alike: {line}" for line in unlike(one, other))])


def _time(a: Figures, b: Figures, kind: str, percent: float) -> Row:
    values = [each.given(kind, percent) for each in (a, b)]
    bounds = [each.interval(kind, percent) for each in (a, b)]
    then, now = (
        ms(value) + (f" [{ms(bound[0])}, {ms(bound[1])}]" if bound else "")
        for value, bound in zip(values, bounds, strict=True)
    )
    ratio = f"{values[1] / values[0]:.2f}" if values[0] and values[1] is not None else ""
    word = UNKNOWN
    if bounds[0] and bounds[1]:
        word = WORSE if bounds[1][0] > bounds[0][1] else BETTER if bounds[1][1] < bounds[0][0] else SAME
    return Row(f"{kind} p{percent:g}, ms", then, now, ratio, word)
