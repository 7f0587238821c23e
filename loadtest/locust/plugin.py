"""Hang the load test on Locust's events. What each event leads to is elsewhere."""

import logging
import signal
import sys
from pathlib import Path
from typing import Any

import gevent
from locust.runners import MasterRunner, WorkerRunner

from chat.errors import SetupError
from loadtest import scenarios
from loadtest.core.requirements import Requirements, UnknownMeasure
from loadtest.core.result import EXIT_STATUS, INVALID, Figures
from loadtest.core.schedules import read_log
from loadtest.core.verdict import measures
from loadtest.locust import seams
from loadtest.locust.member import ScenarioUser
from loadtest.locust.options import add_options, scenario_of, settings_of
from loadtest.locust.page import add_metrics, add_tab, guard, keep
from loadtest.locust.progress import Progress
from loadtest.net import limits
from loadtest.net.addresses import resolve
from loadtest.net.layers import layer_of
from loadtest.report.table import show
from loadtest.run import server
from loadtest.run.hosts import Hosts
from loadtest.run.leader import Leader
from loadtest.run.scenario import SCENARIOS, Scenario
from loadtest.run.settings import Settings
from loadtest.run.worker import Worker
from loadtest.wires.wire import WIRES

_log = logging.getLogger("locust.fanfare")


def install(events: Any, member: type[ScenarioUser]) -> None:
    """Register everything; `member` is the user class that Locust will start."""
    scenarios.load()
    seams.quiet_interrupts()
    events.init_command_line_parser.add_listener(lambda parser, **_: add_options(parser))
    events.init_command_line_parser.add_listener(lambda parser, **_: seams.listen_here_only(parser))
    events.init.add_listener(lambda environment, **_: _begin(environment, member))


def _begin(environment: Any, member: type[ScenarioUser]) -> None:
    """A process is set up: users go where they run, the leader to the one process that leads."""
    limits.raise_limit()
    runner = environment.runner
    if not isinstance(runner, WorkerRunner):
        gevent.signal_handler(signal.SIGINT, _interrupt)
        _check_or_exit(environment)
        if isinstance(runner, MasterRunner):
            seams.wait_for_workers(environment, EXIT_STATUS[INVALID])
        lead = _Lead(environment)
        if environment.web_ui:
            guard(environment, _check)
            keep(environment.web_ui.app, environment.parsed_options.web_host or "", _log.warning)
            add_tab(environment, lead.look)
            add_metrics(environment.web_ui.app, lead.look)
    if not isinstance(runner, MasterRunner):
        member.worker = Worker(environment, seams.new_row(environment.stats))


def _interrupt() -> None:
    """Ctrl-C, in a greenlet of its own, from where gevent takes it to the main one.

    In the greenlet that starts users Locust keeps it to itself, and its page would stay.
    """
    raise KeyboardInterrupt


def _check_or_exit(environment: Any) -> None:
    """Options that cannot work end the process here, with one line. Locust's page may still change some."""
    options = environment.parsed_options
    try:
        settings = settings_of(options)
        Requirements.parse(settings.require)
        scenario = scenario_of(options)
        if scenario.brings_server:  # nobody need say how many, or how fast
            options.num_users = options.num_users or scenario.usual_users
            options.spawn_rate = options.spawn_rate or options.num_users
        if options.tags:
            raise SetupError("--tags: a scenario's users have no tagged tasks; --scenario says what they do")
        if options.headless or options.autostart:
            if environment.shape_class:
                _check_shape(settings)
            else:
                _check(settings, environment.host, options.num_users or 1)
                _begin_low(options, settings)
        if environment.web_ui:
            _check_page(environment)
        if settings.report:
            Path(settings.report).mkdir(parents=True, exist_ok=True)
    except UnknownMeasure as error:  # such a run could be judged neither a pass nor a fail
        _exit(str(error), EXIT_STATUS[INVALID])
    except SetupError as error:
        _exit(str(error))
    except OSError as error:
        _exit(f"--report {options.report}: {error.strerror}")


def _check_page(environment: Any) -> None:
    try:
        seams.check_page(environment)
    except (OSError, OverflowError) as error:
        options = environment.parsed_options
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        where = f"--web-host {options.web_host}, --web-port {options.web_port}"
        raise SetupError(f"{where}: {reason.partition(' (while')[0]}") from None


def _check(settings: Settings, host: str | None, users: int) -> None:
    scenario = SCENARIOS[settings.scenario](settings, users)
    if scenario.brings_server:
        host = "irc://127.0.0.1"
    if not host:
        raise SetupError("--host irc://HOST:PORT is missing; several with commas between")
    hosts = Hosts.of(host)
    _check_hosts(hosts, scenario)
    scenario.check()
    settings.login()
    layer_of(hosts.urls[0], hosts.wire, settings.tls_ca)
    if settings.replay:
        read_log(settings.replay)
    measured = measures(Figures(settings.scenario, host, nodes=hosts.count), scenario.measures())
    requirements = Requirements.parse(settings.require)
    if blind := requirements.unmeasurable(measured):
        raise UnknownMeasure(blind)
    if scenario.messages_planned is not None and (few := requirements.too_few(scenario.messages_planned)):
        raise UnknownMeasure(f"--require: {few[0]}")
    if settings.server_pid:
        server.read(settings.server_pid)


def _check_hosts(hosts: Hosts, scenario: Scenario) -> None:
    """Raises SetupError where the scenario does not go with them."""
    wire, text = hosts.wire, ",".join(hosts.urls)
    if hosts.count > 1 and scenario.one_host:
        raise SetupError(f"{scenario.name} takes one host, got {hosts.count}: {text}")
    if hosts.count < scenario.least_hosts:
        raise SetupError(f"{scenario.name} takes {scenario.least_hosts} hosts or more, got {hosts.count}: {text}")
    for url in hosts.urls:
        resolve(url, wire.scheme, wire.port)
    if missing := scenario.needs - wire.tells:
        able = " or ".join(sorted(f"{name}://" for name, kind in WIRES.items() if scenario.needs <= kind.tells))
        raise SetupError(
            f"{scenario.name} needs {able}, got {text!r}: {wire.scheme} tells nothing of {', '.join(sorted(missing))}"
        )


def _begin_low(options: Any, settings: Settings) -> None:
    """A scenario that raises the number of users by itself begins with few."""
    users = options.num_users or 1
    first = SCENARIOS[settings.scenario](settings, users).first_users
    if first != users:
        options.num_users, options.most = first, options.most or users


def _check_shape(settings: Settings) -> None:
    """Raises SetupError where the scenario takes no LoadTestShape. How many users there are is known later."""
    if not SCENARIOS[settings.scenario].takes_shapes:
        able = " and ".join(name for name, scenario in SCENARIOS.items() if scenario.takes_shapes)
        raise SetupError(f"{settings.scenario} needs a fixed number of users: a LoadTestShape goes with {able}")


def _exit(reason: str, status: int = 2) -> None:
    sys.stderr.write(f"locust: error: {reason}\n")
    sys.exit(status)


class _Lead:
    """Starts a leader for each test that Locust starts, and passes on what it must hear."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._leader: Leader | None = None
        self._progress = Progress(self.look, environment.parsed_options.progress)
        for kind in ("status", "answer"):
            environment.runner.register_message(f"fanfare-{kind}", self._listener(kind))
        events = environment.events
        events.test_start.add_listener(lambda **_: self._start())
        events.spawning_complete.add_listener(lambda **_: self._leader and self._leader.all_spawned())
        events.test_stopping.add_listener(lambda **_: self._leader and self._leader.interrupt())
        events.quitting.add_listener(lambda **_: self._progress.stop())
        events.quitting.add_listener(lambda **_: self._leader and self._leader.interrupt())
        if not environment.parsed_options.headless:  # a master's users stop later then
            events.test_stop.add_listener(lambda **_: self._clear_up())
        events.quit.add_listener(lambda **_: self._clear_up())
        events.quit.add_listener(lambda **_: self._show())

    def look(self) -> dict[str, Any] | None:
        """How the run goes, or went, in plain values; None where there is none."""
        return self._leader.look() if self._leader else None

    def _start(self) -> None:
        environment = self._environment
        try:
            settings = settings_of(environment.parsed_options)
            if environment.shape_class:
                _check_shape(settings)
            _check(settings, environment.host, environment.runner.target_user_count)
            self._leader = Leader(
                environment, settings, seams.Runner(environment.runner), seams.new_row(environment.stats)
            )
            self._leader.start()
            if environment.parsed_options.headless and settings.progress:
                self._progress.start()
        except SetupError as error:  # the page's form and the command line were checked before; preparations may fail
            self._leader = None
            environment.process_exit_code = 2
            sys.stderr.write(f"locust: error: {error}\n")
            runner = environment.runner
            gevent.spawn_later(0, runner.stop if environment.web_ui else runner.quit)  # when Locust has started

    def _clear_up(self) -> None:
        if self._leader:
            self._leader.clear_up()

    def _listener(self, kind: str) -> Any:
        def listen(environment: Any, msg: Any) -> None:
            if self._leader:
                self._leader.hear(kind, msg.node_id, msg.data)

        return listen

    def _show(self) -> None:
        """Last of all, below Locust's own tables; with `--json` stdout is for those alone."""
        options = self._environment.parsed_options
        if self._leader and options.headless:
            show(self._leader.last_table, sys.stderr if options.json else sys.stdout)
