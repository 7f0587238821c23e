"""What the comparison says of one server: the figures that matter, out of its run's summary. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.compare.target import Target

INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Result:
    """One server's turn. `summary` is what its run left in summary.json; None where there was none, and `why` tells."""

    target: Target
    version: str
    summary: Mapping[str, Any] | None
    why: str = ""


def row(result: Result, baseline: Mapping[str, Any] | None) -> dict[str, Any]:
    """As it stands in compare.json; null is what nobody knows. `baseline` is the summary that ratios are taken to."""
    summary = result.summary
    head = {"server": result.target.name, "target": result.target.url, "version": result.version}
    if summary is None:
        return {**head, "verdict": INVALID, "reasons": [result.why]} | dict.fromkeys(_FIGURES)
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
        "complete_ratio": {key: _ratio(summary, baseline, key) for key in ("p50", "p99")},
    }


_FIGURES = (
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


def _ratio(summary: Mapping[str, Any], baseline: Mapping[str, Any] | None, key: str) -> float | None:
    """An invalid run says nothing about a server, so nothing is made of it."""
    if baseline is None or INVALID in (summary["verdict"], baseline["verdict"]):
        return None
    one, other = summary["complete_us"], baseline["complete_us"]
    return round(one[key] / other[key], 3) if one["count"] and one[key] and other[key] else None
