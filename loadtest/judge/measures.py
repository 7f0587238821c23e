"""The figures of a run under the names that a requirement may ask for. Pure: computes, judges nothing."""

from typing import TYPE_CHECKING

from loadtest.accounting.histogram import Histogram
from loadtest.judge.requirements import PERCENTS

if TYPE_CHECKING:
    from loadtest.judge.verdict import Figures
    from loadtest.scenarios import Scenario

Measures = dict[str, float | None]


def percentiles(kind: str, histogram: Histogram, never: int = 0) -> Measures:
    """In microseconds, `kind` before each name; all None where there is no sample. `never` more are infinitely late."""
    prefix = f"{kind}_" if kind else ""
    return {
        prefix + name: float(histogram.percentile(percent, never)) if histogram.count + never else None
        for name, percent in PERCENTS.items()
    }


def measures(figures: "Figures", scenario: "Scenario | None" = None) -> Measures:
    """Every measure that this scenario has: None where the run took no sample, absent where it never could.

    The scenario's own come last: what it says of a name counts.
    """
    return {
        **_given("", "fanout", figures),
        **_given("complete", "complete", figures),
        **_given("first", "first", figures),
        **_given("median", "median", figures),
        **percentiles("read", figures.read),
        "lost": float(figures.lost),
        "duplicated": float(figures.duplicated),
        "reordered": float(figures.reordered),
        **{name: float(getattr(figures, name)) for name in ("stray", "corrupt", "diverged")},
        "late": float(figures.late),
        "lost_share": _share(figures.lost, figures.expected),
        "late_share": _share(figures.late, max(1, figures.delivered)) if figures.expected else None,
        "dropped": float(sum(figures.dropped.values())),
        **(scenario.measures() if scenario else {}),
    }


def _given(prefix: str, kind: str, figures: "Figures") -> Measures:
    """None also where too few messages tell it."""
    named = {name: figures.given(kind, percent) for name, percent in PERCENTS.items()}
    return {"_".join(filter(None, (prefix, name))): us if us is None else float(us) for name, us in named.items()}


def _share(count: int, whole: int) -> float | None:
    return 100 * count / whole if whole else None
