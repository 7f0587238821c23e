"""The tab "Fan-out" of Locust's page: a table that Locust draws from what it is given with its own figures."""

import json
from collections.abc import Callable
from typing import Any

from flask import request

from loadtest.judge.verdict import Verdict
from loadtest.page.live import RECENT_S
from loadtest.page.progress import users
from loadtest.report.blocks import NONE, ms

KEY = "fan-out"
_COLUMNS = (("figure", ""), ("recent", f"Now (last {RECENT_S} s)"), ("whole", "This window"))
_COUNTS = ("lost", "duplicated", "reordered", "late")

Row = tuple[str, str, str]


def add_tab(environment: Any, look: Callable[[], dict[str, Any] | None]) -> None:
    """Locust's own mechanism: the tab and its table in the page, its rows with each answer to `/stats/requests`."""
    web_ui = environment.web_ui
    web_ui.template_args["extended_tabs"] = [{"title": "Fan-out", "key": KEY}]
    web_ui.template_args["extended_tables"] = [
        {"key": KEY, "structure": [{"key": key, "title": title} for key, title in _COLUMNS]}
    ]

    @web_ui.app.after_request  # type: ignore[untyped-decorator]
    def add_rows(response: Any) -> Any:
        if request.endpoint == "locust.request_stats" and response.is_json:
            data = [dict(zip(("figure", "recent", "whole"), row, strict=True)) for row in rows(look())]
            response.set_data(json.dumps({**response.json, "extended_stats": [{"key": KEY, "data": data}]}))
        return response


def rows(values: dict[str, Any] | None) -> list[Row]:
    """Of what `live.look` gives; None before the first run."""
    if values is None:
        return [("Run", "not started", "")]
    recent, whole, generator = values["recent"], values["whole"], values["generator"]
    messages = values["messages"]
    return [
        ("Run", values["doing"], f"{values['scenario']}, {users(values)}"),
        *_verdict("Verdict so far", values["so_far"]),
        *_verdict("Last verdict", values["last"]),
        *_latency("Fan-out", recent["fanout_us"], whole["fanout_us"], ("p50", "p90", "p99", "p999", "max")),
        *_latency("Completion", None, whole["complete_us"], ("p50", "p99")),
        *((f"{name.title()} deliveries", "", _count(messages[name])) for name in _COUNTS),
        ("Messages a second", _rate(recent["messages_per_s"]), _rate(whole["messages_per_s"])),
        ("Deliveries a second", _rate(recent["deliveries_per_s"]), _rate(whole["deliveries_per_s"])),
        ("Messages sent", "", _count(messages["sent"])),
        ("Deliveries", "", _count(messages["delivered"])),
        *_latency("Generator: send lateness", None, generator["send_lateness_us"], ("p99",)),
        *_latency("Generator: loop lag", None, generator["loop_lag_us"], ("p99",)),
        *_latency("Generator: receive backlog", None, generator["receive_backlog_us"], ("p99",)),
        ("Generator: busiest process, % of a core", "", f"{generator['cpu_percent']:.0f}"),
    ]


def _verdict(title: str, verdict: Verdict | None) -> list[Row]:
    return [(title, verdict.word, "; ".join(verdict.reasons))] if verdict else []


def _latency(title: str, recent: dict[str, int] | None, whole: dict[str, int], names: tuple[str, ...]) -> list[Row]:
    return [
        (f"{title} {name.replace('p999', 'p99.9')}, ms", _time(recent, name) if recent else "", _time(whole, name))
        for name in names
    ]


def _time(figures: dict[str, int], name: str) -> str:
    return ms(figures[name]) if figures["count"] else NONE


def _rate(value: float | None) -> str:
    return NONE if value is None else f"{value:,.1f}"


def _count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"
