"""`summary.json`: a run's figures and verdict as plain values. Its keys are a contract."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures, Verdict

_INTERVALS = {"p50": 50.0, "p99": 99.0}


def summarise(
    figures: Figures, verdict: Verdict, part: Mapping[str, Any], origin: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """`part` is what the scenario adds of its own, `origin` where the run was made and how it was started."""
    return {
        "scenario": figures.scenario,
        "verdict": verdict.word,
        "reasons": verdict.reasons,
        "users": figures.users,
        "duration_s": round(figures.duration_s, 3),
        "target": figures.target,
        "messages": {
            "sent": figures.sent,
            "expected_deliveries": figures.expected,
            "delivered": figures.delivered,
            "lost": figures.lost,
            "duplicated": figures.duplicated,
            "reordered": figures.reordered,
            "late": figures.late,
            "stray": figures.stray,
            "corrupt": figures.corrupt,
            "diverged": figures.diverged,
            "under_way": figures.under_way,
        },
        "members": {"joined": figures.joined, "left": figures.left, "dropped": sum(figures.dropped.values())},
        "fanout_us": figures.latency("fanout"),
        **({f"{part}_us": figures.latency(part) for part in ("within", "across")} if figures.nodes > 1 else {}),
        "read_us": figures.latency("read"),
        "first_us": figures.latency("first"),
        "median_us": figures.latency("median"),
        "complete_us": figures.latency("complete"),
        "intervals_us": {
            kind: {name: figures.interval(kind, percent) for name, percent in _INTERVALS.items()}
            for kind in ("fanout", "first", "median", "complete")
        },
        "tenths_us": [figures.told(tenth) for tenth in figures.tenths],
        "disconnects": [],
        **part,
        "generator": {
            "workers": figures.workers,
            "cpu_percent": round(figures.cpu_percent, 1),
            "send_lateness_us": brief(figures.send_lateness),
            "loop_lag_us": brief(figures.loop_lag),
            "receive_backlog_us": brief(figures.receive_backlog) if figures.receive_backlog.count else None,
            "doubt_us": brief(figures.doubt),
            "collections_us": {"count": figures.collections.count, **brief(figures.collections)},
            "machine": figures.machine,
            "clock_error_us": figures.clock_error_us,
        },
        "timeline": _timeline(figures),
        **(origin or {}),
    }


def _timeline(figures: Figures) -> list[dict[str, Any]]:
    """A row for each slice of the windows; latencies that too few messages tell are null."""
    return [
        {"at_s": at_s, "deliveries": each.count, **_latencies(figures.told_of_part(each)), **asdict(cost)}
        for (at_s, each), cost in zip(figures.over_time, figures.costs, strict=True)
    ]


def _latencies(given: Mapping[str, int | None]) -> dict[str, int | None]:
    return {f"{name}_us": given[name] if given["count"] else None for name in ("p50", "p90", "p99", "max")}


def brief(histogram: Histogram) -> dict[str, int]:
    return {"p50": histogram.percentile(50), "p99": histogram.percentile(99), "max": histogram.longest}
