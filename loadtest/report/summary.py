"""`summary.json`: a run's figures and verdict as plain values. Its keys are a contract."""

import json
from typing import Any

from loadtest.histogram import Histogram
from loadtest.verdict import Figures, Verdict


def summarise(figures: Figures, verdict: Verdict) -> dict[str, Any]:
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
        },
        "fanout_us": _latency(figures.fanout),
        "complete_us": _latency(figures.complete),
        "disconnects": [],
        "generator": {
            "workers": figures.workers,
            "cpu_percent": round(figures.cpu_percent, 1),
            "send_lateness_us": _brief(figures.send_lateness),
            "loop_lag_us": _brief(figures.loop_lag),
            "clock_error_us": figures.clock_error_us,
        },
    }


def dump(summary: dict[str, Any]) -> str:
    return json.dumps(summary, indent=1) + "\n"


def _latency(histogram: Histogram) -> dict[str, int]:
    return {
        "count": histogram.count,
        "p50": histogram.percentile(50),
        "p90": histogram.percentile(90),
        "p99": histogram.percentile(99),
        "p999": histogram.percentile(99.9),
        "max": histogram.longest,
    }


def _brief(histogram: Histogram) -> dict[str, int]:
    return {"p50": histogram.percentile(50), "p99": histogram.percentile(99), "max": histogram.longest}
