"""`/metrics` on Locust's page: how the run goes, in Prometheus's text format 0.0.4."""

from collections.abc import Callable, Iterator
from typing import Any

_COUNTS = ("delivered", "lost", "duplicated", "reordered", "late")
_QUANTILES = {"p50": "0.5", "p90": "0.9", "p99": "0.99", "p999": "0.999"}
_HEALTH = ("send_lateness", "loop_lag", "receive_backlog")

Look = Callable[[], dict[str, Any] | None]


def add_metrics(app: Any, look: Look) -> None:
    @app.route("/metrics")  # type: ignore[untyped-decorator]
    def metrics() -> tuple[str, dict[str, str]]:
        return text(look()), {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


def text(values: dict[str, Any] | None) -> str:
    """Of what `live.look` gives; None before the first run."""
    return "".join(f"{line}\n" for line in _lines(values))


def _lines(values: dict[str, Any] | None) -> Iterator[str]:
    yield "# HELP fanfare_up Whether a run has begun."
    yield "# TYPE fanfare_up gauge"
    yield f"fanfare_up {int(values is not None)}"
    if values is None:
        return
    label = f'scenario="{values["scenario"]}"'
    yield "# HELP fanfare_users Users who are in."
    yield "# TYPE fanfare_users gauge"
    yield f"fanfare_users{{{label}}} {values['users']}"
    yield "# HELP fanfare_deliveries Deliveries of the window, by what became of them so far."
    yield "# TYPE fanfare_deliveries gauge"
    for name in _COUNTS:
        if (count := values["messages"][name]) is not None:
            yield f'fanfare_deliveries{{{label},state="{name}"}} {count}'
    yield "# HELP fanfare_latency_seconds From the intended time to the arrival, in this window."
    yield "# TYPE fanfare_latency_seconds summary"
    for kind in ("fanout", "complete"):
        yield from _summary("fanfare_latency_seconds", f'{label},of="{kind}"', values["whole"][f"{kind}_us"])
    yield "# HELP fanfare_generator_seconds The generator's own delays."
    yield "# TYPE fanfare_generator_seconds summary"
    for kind in _HEALTH:
        yield from _summary("fanfare_generator_seconds", f'{label},of="{kind}"', values["generator"][f"{kind}_us"])


def _summary(name: str, labels: str, figures: dict[str, int]) -> Iterator[str]:
    if figures["count"]:
        for key, quantile in _QUANTILES.items():
            yield f'{name}{{{labels},quantile="{quantile}"}} {figures[key] / 1e6:g}'
    yield f"{name}_count{{{labels}}} {figures['count']}"
