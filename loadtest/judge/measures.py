"""The figures of a run under the names that an objective may ask for. Pure: computes, judges nothing."""

from typing import TYPE_CHECKING

from loadtest.accounting.histogram import Histogram

if TYPE_CHECKING:
    from loadtest.judge.verdict import Figures
    from loadtest.scenarios import Scenario

Measures = dict[str, float | None]
_PERCENTS = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9, "max": 100.0}


def percentiles(kind: str, histogram: Histogram, never: int = 0) -> Measures:
    """In microseconds, `kind` before each name; all None where there is no sample. `never` more are infinitely late."""
    prefix = f"{kind}_" if kind else ""
    return {
        prefix + name: float(histogram.percentile(percent, never)) if histogram.count + never else None
        for name, percent in _PERCENTS.items()
    }


def measures(figures: "Figures", scenario: "Scenario") -> Measures:
    """Every measure that this scenario has: None where the run took no sample, absent where it never could.

    The scenario's own come last: what it says of a name counts.
    """
    return {
        **percentiles("", figures.fanout, figures.never_of(figures.fanout)),
        **percentiles("complete", figures.complete, figures.never_of(figures.complete)),
        **percentiles("first", figures.first, figures.never_of(figures.first)),
        **percentiles("median", figures.median, figures.never_of(figures.median)),
        **percentiles("read", figures.read),
        "lost": float(figures.lost),
        "duplicated": float(figures.duplicated),
        "reordered": float(figures.reordered),
        **{name: float(getattr(figures, name)) for name in ("stray", "corrupt", "diverged")},
        "late": float(figures.late),
        "lost_share": _share(figures.lost, figures.expected),
        "late_share": _share(figures.late, figures.delivered),
        "dropped": float(sum(figures.dropped.values())),
        **scenario.measures(),
    }


def _share(count: int, whole: int) -> float | None:
    return 100 * count / whole if whole else None
