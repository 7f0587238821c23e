"""Locust's page: its form, the tab "Fan-out", `/metrics`, and who may talk to it."""

import argparse
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from flask import abort, jsonify, request
from werkzeug.datastructures import ImmutableMultiDict

from chat.errors import SetupError
from loadtest.core.result import Verdict
from loadtest.locust import seams
from loadtest.locust.options import settings_of, typed_options
from loadtest.locust.progress import users
from loadtest.report.blocks import BY_NODE, NONE, ms
from loadtest.run.live import RECENT_S
from loadtest.run.settings import Settings

_log = logging.getLogger("locust.fanfare")

Check = Callable[[Settings, str | None, int], None]  # raises SetupError where that run cannot be


def guard(environment: Any, check: Check) -> None:
    """Have the page's start and edit refuse, with one line, what cannot be.

    Locust itself takes every option by its name, be it on the page or not, and gives a number that is none as an error
    500. So what is typed is checked before Locust has it.
    """
    seams.before_swarm(environment.web_ui, partial(_swarm, environment, check))


def _swarm(environment: Any, check: Check, swarm: Callable[[], Any]) -> Any:
    """What is ours is taken here; Locust sees the rest."""
    form = request.form
    try:
        refuse_strangers(form, seams.names_on_form())
        keep_target(form, environment.parsed_options.host)
        typed = typed_options(form)
        settings = settings_of(argparse.Namespace(**{**vars(environment.parsed_options), **typed}))
        if form.get("user_count", "").isdecimal():  # else Locust says so
            check(settings, environment.host, int(form["user_count"]))
    except SetupError as error:
        _log.error("Not started: %s", error)
        return jsonify({"success": False, "message": str(error), "host": environment.host})
    for name, value in typed.items():
        setattr(environment.parsed_options, name, value)
    request.form = ImmutableMultiDict([each for each in form.items(multi=True) if each[0] not in typed])
    return swarm()


def refuse_strangers(form: Mapping[str, str], shown: Iterable[str]) -> None:
    """Raises SetupError for the first name that the page does not show."""
    for name in form.keys() - seams.LOCUSTS_OWN_FIELDS - set(shown):
        raise SetupError(f"{name!r} is not set from Locust's page: give it on the command line")


def keep_target(form: Mapping[str, str], launched: str | None) -> None:
    """The server under test is said as the load test is launched. Raises SetupError where the form names another."""
    if (asked := form.get("host")) and asked != launched:
        now = f"it is {launched}" if launched else "there is none"
        raise SetupError(f"the target is not set from Locust's page, but by --host at launch: {now}")


_READING = ("GET", "HEAD", "OPTIONS")


def refusal(method: str, host: str, origin: str | None, own_names: frozenset[str]) -> str:
    """Why such a request is refused; empty where it is not."""
    name = urlsplit(f"//{host}").hostname or ""
    if name not in own_names and not _is_number(name):
        return f"this page is not called {name!r}: open it by its address, or name it with --web-host"
    if origin is not None and origin != "null" and urlsplit(origin).netloc.lower() == host.lower():
        return ""
    return "" if origin is None or method in _READING else f"a page of {origin} may not ask for this"


def keep(app: Any, web_host: str, log: Callable[[str], None]) -> None:
    """Have the page's server refuse what is not its own page's."""
    own_names = frozenset(("localhost", web_host.lower()))

    @app.before_request  # type: ignore[untyped-decorator]
    def check() -> None:
        if why := refusal(request.method, request.host, request.headers.get("Origin"), own_names):
            log(f"Refused {request.method} {request.path}: {why}")
            abort(403, why)


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


KEY = "fan-out"
_COLUMNS = (("figure", ""), ("recent", f"Now (last {RECENT_S} s)"), ("whole", "This window"))
_TAB_COUNTS = ("lost", "duplicated", "reordered", "stray", "corrupt", "late")

Row = tuple[str, str, str]


def add_tab(environment: Any, look: Callable[[], dict[str, Any] | None]) -> None:
    """A table that Locust draws from what it is given with its own figures."""
    seams.add_tab(environment.web_ui, KEY, "Fan-out", _COLUMNS, lambda: rows(look()))


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
        *_by_nodes(recent, whole),
        *_latency("Completion", None, whole["complete_us"], ("p50", "p99")),
        *((f"{name.title()} deliveries", "", _count(messages[name])) for name in _TAB_COUNTS),
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


def _by_nodes(recent: dict[str, Any], whole: dict[str, Any]) -> list[Row]:
    shown = [(f"Fan-out {words}", key) for words, key in BY_NODE if key in whole]
    return [row for title, key in shown for row in _latency(title, recent[key], whole[key], ("p50", "p99"))]


def _time(figures: dict[str, int], name: str) -> str:
    return ms(figures[name]) if figures["count"] else NONE


def _rate(value: float | None) -> str:
    return NONE if value is None else f"{value:,.1f}"


def _count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


_STATES = ("delivered", "lost", "duplicated", "reordered", "stray", "corrupt", "late")
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
    for name in _STATES:
        if (count := values["messages"][name]) is not None:
            yield f'fanfare_deliveries{{{label},state="{name}"}} {count}'
    yield "# HELP fanfare_latency_seconds From the intended time to the arrival, in this window."
    yield "# TYPE fanfare_latency_seconds summary"
    for kind in (kind for kind in ("fanout", "within", "across", "complete") if f"{kind}_us" in values["whole"]):
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
