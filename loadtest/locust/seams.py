"""What the load test needs of Locust beyond its public interface, and works around in it. Nothing else touches that.

Each says what it relies on; tests/loadtest/locust/test_seams.py holds that against the installed Locust, and `make
locust-versions` against the lowest, the pinned and the latest one.
"""

import json
import socket
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial, update_wrapper
from typing import Any

import gevent
from flask import request
from locust import argument_parser
from locust.runners import MasterRunner
from locust.stats import StatsEntry
from locust.user.task import LOCUST_STATE_WAITING

from loadtest.core.histogram import Growth, Histogram, middle_of

_LOOK_S = 0.1


def quiet_interrupts() -> None:
    """Ctrl-C ends the process by Locust's own `except KeyboardInterrupt`, and nothing prints a traceback.

    gevent prints what a greenlet raises unless its hub says that it is no error; outside Locust's `try`, Python does.
    """
    hub = type(gevent.get_hub())
    if KeyboardInterrupt not in hub.NOT_ERROR:
        hub.NOT_ERROR = (*hub.NOT_ERROR, KeyboardInterrupt)
    usual = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            usual(kind, error, trace)

    sys.excepthook = hook


def wait_for_workers(environment: Any, status: int) -> None:
    """End with this status, and one line, where `--expect-workers` did not come in time.

    Locust ends with 1 then, as if the server had missed something: so it is told to wait for ever, and we look.
    """
    options, runner = environment.parsed_options, environment.runner
    longest_s, wanted = options.expect_workers_max_wait, options.expect_workers
    if not longest_s:
        return
    options.expect_workers_max_wait = 0

    def look() -> None:
        until = time.monotonic() + longest_s
        while len(runner.clients.ready) < wanted:
            if time.monotonic() >= until:
                here = len(runner.clients.ready)
                sys.stderr.write(f"locust: error: {here} of {wanted} workers came in {longest_s} s\n")
                runner.quit()
                raise SystemExit(status)
            gevent.sleep(_LOOK_S)

    gevent.spawn(look)


def listen_here_only(parser: Any) -> None:
    """Locust's page is for this machine unless `--web-host` says otherwise: it starts any load that it is told to."""
    parser.set_defaults(web_host="127.0.0.1")


def check_page(environment: Any) -> None:
    """Raises OSError where Locust's page cannot listen, which Locust tells by a traceback.

    Relies on the page being started after `events.init` was fired. Nobody can connect to what only tries the address.
    """
    options = environment.parsed_options
    host = "" if options.web_host == "*" else options.web_host or ""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind((host, options.web_port))


class Row:
    """One line of Locust's table, `kind` its type and `name` its name.

    Firing `events.request` for each delivery costs more than the delivery. A row instead compares a histogram with what
    it showed of it so far, and adds the difference to Locust's statistics. Locust rounds its keys to whole
    milliseconds; ours keep two significant digits, so that its percentiles stay meaningful below a millisecond.

    Relies on `StatsEntry`'s fields and `extend`, and on `RequestStats.get` and `total`.
    """

    def __init__(self, stats: Any, kind: str, name: str) -> None:
        self._stats = stats
        self._kind = kind
        self._name = name
        self._growth = Growth()

    def show(self, histogram: Histogram) -> None:
        """Add what is new in a histogram that only grows."""
        grown = self._growth.take(histogram)
        if not grown:
            return
        fresh = list(zip(grown[3::2], grown[4::2], strict=True))
        entry = StatsEntry(self._stats, self._name, self._kind)
        count = sum(grown[4::2])
        now = time.time()
        entry.num_requests = count
        entry.num_reqs_per_sec = {int(now): count}
        entry.last_request_timestamp = now
        entry.total_response_time = grown[0] / 1000
        entry.min_response_time = middle_of(fresh[0][0]) / 1000
        entry.max_response_time = min(middle_of(fresh[-1][0]), histogram.longest) / 1000
        for bucket, n in fresh:
            key = round_key(middle_of(bucket) / 1000)
            entry.response_times[key] += n
        self._stats.get(self._name, self._kind).extend(entry)
        self._stats.total.extend(entry)


def new_row(stats: Any) -> Callable[[str, str], Callable[[Histogram], None]]:
    """What makes rows of Locust's table, of a kind and a name; each is shown a histogram that only grows."""
    return lambda kind, name: Row(stats, kind, name).show


def round_key(ms: float) -> float:
    """Two significant digits: 0.347 becomes 0.35, 147 becomes 150; whole numbers as int, as Locust's own are."""
    rounded = float(f"{ms:.2g}")
    return int(rounded) if rounded.is_integer() else rounded


class Runner:
    """The way to the generator processes: a `Channel`, see run/workers.py.

    Relies on a master's `clients`, each with an `id` and a `state` that is "missing" once it is silent for too long,
    and on `get_worker_index`. `send_message` and its `client_id` are public.
    """

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self.is_apart = isinstance(runner, MasterRunner)

    def names(self) -> list[str]:
        if not self.is_apart:
            return ["local"]
        return sorted(client.id for client in self._runner.clients.all if client.state != "missing")

    def has_gone(self, name: str) -> bool:
        if not self.is_apart:
            return False
        client = self._runner.clients.get(name)
        return client is None or client.state == "missing"

    def index(self, name: str) -> int:
        index: int = self._runner.get_worker_index(name)
        return index

    def send(self, name: str, order: dict[str, Any]) -> None:
        if self.is_apart:
            self._runner.send_message("fanfare-order", order, client_id=name)
        else:
            self._runner.send_message("fanfare-order", order)


def may_be_stopped_at_once(user: Any) -> None:
    """A user is in no task that `--stop-timeout` is for.

    Relies on `User._state`, which Locust's own tasks set as they wait.
    """
    user._state = LOCUST_STATE_WAITING


def add_tab(
    web_ui: Any, key: str, title: str, columns: Sequence[tuple[str, str]], rows: Callable[[], list[Any]]
) -> None:
    """A tab with a table on Locust's page, by its columns' keys and titles; rows go with each answer of figures.

    Relies on `template_args` of the page, and on the name of that endpoint.
    """
    web_ui.template_args["extended_tabs"] = [{"title": title, "key": key}]
    structure = [{"key": each, "title": words} for each, words in columns]
    web_ui.template_args["extended_tables"] = [{"key": key, "structure": structure}]

    @web_ui.app.after_request  # type: ignore[untyped-decorator]
    def add_rows(response: Any) -> Any:
        if request.endpoint == "locust.request_stats" and response.is_json:
            data = [dict(zip((each for each, _ in columns), row, strict=True)) for row in rows()]
            response.set_data(json.dumps({**response.json, "extended_stats": [{"key": key, "data": data}]}))
        return response


def before_swarm(web_ui: Any, check: Callable[[Callable[[], Any]], Any]) -> None:
    """Have `check` called in place of the page's start and edit, given what Locust would do.

    Relies on the name of that view, and on `auth_required_if_enabled`.
    """
    swarm = web_ui.app.view_functions["locust.swarm"]
    guarded = update_wrapper(partial(check, swarm), swarm)
    web_ui.app.view_functions["locust.swarm"] = web_ui.auth_required_if_enabled(guarded)
    web_ui.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # the form is in the order of --help


def names_on_form() -> Iterable[str]:
    """Of the options on the page's form, beside Locust's own. Relies on `argument_parser.ui_extra_args_dict`."""
    names: Iterable[str] = argument_parser.ui_extra_args_dict().keys()
    return names


LOCUSTS_OWN_FIELDS = frozenset(  # of the page's form
    ("user_count", "spawn_rate", "host", "run_time", "user_classes", "shape_class", "profile")
)
TERMINAL_LOGGERS = ("", "locust.stats_logger")  # whose handlers write to the terminal
