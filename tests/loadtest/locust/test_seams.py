"""What the load test needs of Locust beyond its public interface is there, and does what it is for.

It starts no run and takes seconds, so that it can be held against several versions: `make locust-versions`.
"""

import argparse
import inspect
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import locust.log
import locust.main
import pytest
from gevent.pool import Group
from locust import User, constant, task
from locust.argument_parser import get_parser
from locust.env import Environment
from locust.runners import WorkerNode
from locust.stats import RequestStats

from loadtest.core.histogram import Histogram
from loadtest.locust import seams


def test_locust_waits_for_workers_and_ends_with_1_by_the_options_that_we_know() -> None:
    source = inspect.getsource(locust.main)
    assert "options.expect_workers_max_wait and options.expect_workers_max_wait <" in source
    assert "len(runner.clients.ready) < options.expect_workers" in source


def test_without_a_limit_nobody_looks_for_workers() -> None:
    options = SimpleNamespace(expect_workers_max_wait=0, expect_workers=2)
    environment: Any = SimpleNamespace(parsed_options=options, runner=None)
    seams.wait_for_workers(environment, 3)
    assert options.expect_workers_max_wait == 0


def test_locust_ends_by_an_interrupt_in_its_main_greenlet() -> None:
    assert "except KeyboardInterrupt:" in inspect.getsource(locust.main)
    assert isinstance(gevent.get_hub().NOT_ERROR, tuple)


class Idler(User):  # type: ignore[misc]
    wait_time = constant(0)
    waits = False

    @task  # type: ignore[untyped-decorator]
    def idle(self) -> None:
        if self.waits:
            seams.may_be_stopped_at_once(self)
        gevent.sleep(3600)


@pytest.mark.parametrize("waits", [False, True])
def test_a_user_in_a_task_is_stopped_at_once_only_where_it_says_that_it_may(waits: bool) -> None:
    user, group = Idler(Environment(user_classes=[Idler])), Group()
    user.waits = waits
    user.start(group)
    while not user.greenlet.started or user._state != ("waiting" if waits else "running"):
        gevent.sleep(0)
    gevent.sleep(0)
    assert user.stop() is waits
    group.kill()


def test_the_page_is_for_this_machine_unless_told_otherwise() -> None:
    parser = get_parser()
    seams.listen_here_only(parser)
    assert parser.parse_args([]).web_host == "127.0.0.1"
    assert parser.parse_args(["--web-host", "10.0.0.1"]).web_host == "10.0.0.1"


def test_a_row_of_the_table_has_what_is_new_in_a_histogram() -> None:
    stats, times = RequestStats(), Histogram()
    show = seams.new_row(stats)("deliver", "broadcast")
    times.add(1_234, 10)
    show(times)
    show(times)
    times.add(99_000)
    show(times)
    entry = stats.get("broadcast", "deliver")
    assert (entry.num_requests, stats.total.num_requests) == (11, 11)
    assert entry.get_response_time_percentile(0.5) == pytest.approx(1.2)
    assert (round(entry.min_response_time), round(entry.max_response_time)) == (1, 99)


def test_a_single_process_is_its_own_worker() -> None:
    environment = Environment()
    channel = seams.Runner(environment.create_local_runner())
    heard: list[Any] = []
    environment.runner.register_message("fanfare-order", lambda environment, msg: heard.append(msg.data))
    assert (channel.is_apart, channel.names(), channel.has_gone("local")) == (False, ["local"], False)
    channel.send("local", {"order": "here"})
    assert heard == [{"order": "here"}]


def test_a_master_knows_its_workers_and_who_has_gone() -> None:
    runner = Environment().create_master_runner("127.0.0.1", 0)
    try:
        for name in ("b", "a"):
            runner.clients[name] = WorkerNode(name)
            runner.get_worker_index(name)
        channel = seams.Runner(runner)
        assert (channel.is_apart, channel.names(), channel.has_gone("a")) == (True, ["a", "b"], False)
        assert [channel.index(name) for name in ("b", "a")] == [0, 1]
        runner.clients["a"].state = "missing"
        assert (channel.names(), channel.has_gone("a"), channel.has_gone("c")) == (["b"], True, True)
    finally:
        runner.quit()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("sys.argv", ["locust"])  # which the page reads again
    environment = Environment(user_classes=[Idler], parsed_options=get_parser().parse_args([]))
    environment.create_local_runner()
    page = environment.create_web_ui("127.0.0.1", 0)
    yield page
    page.greenlet.kill()
    environment.runner.quit()


def test_a_tab_s_rows_go_with_the_figures(web: Any) -> None:
    seams.add_tab(web, "fan-out", "Fan-out", (("figure", ""), ("now", "Now")), lambda: [("p50", "1.2")])
    assert web.template_args["extended_tabs"] == [{"title": "Fan-out", "key": "fan-out"}]
    answer = web.app.test_client().get("/stats/requests").json
    assert answer["extended_stats"] == [{"key": "fan-out", "data": [{"figure": "p50", "now": "1.2"}]}]
    assert "total_rps" in answer


def test_what_is_checked_comes_before_what_locust_does(web: Any) -> None:
    seen: list[Any] = []

    def check(swarm: Any) -> str:
        seen.append(swarm)
        return "no"

    seams.before_swarm(web, check)
    answer = web.app.test_client().post("/swarm", data={"user_count": "1", "spawn_rate": "1"})
    assert (answer.status_code, answer.text, callable(seen[0])) == (200, "no", True)


def test_the_form_s_own_fields_are_those_that_locust_reads(web: Any) -> None:
    source = inspect.getsource(web.app.view_functions["locust.swarm"])
    assert [name for name in seams.LOCUSTS_OWN_FIELDS if f'"{name}"' not in source] == []
    assert set(seams.names_on_form()).isdisjoint(seams.LOCUSTS_OWN_FIELDS)


def test_an_option_may_stay_off_the_form() -> None:
    parser = argparse.ArgumentParser()
    action = parser.add_argument("--one")
    action.include_in_web_ui = False  # type: ignore[attr-defined]
    assert "include_in_web_ui" in inspect.getsource(locust.argument_parser)


def test_who_writes_to_the_terminal_has_the_names_that_we_know() -> None:
    source = inspect.getsource(locust.log)
    assert all(name in source for name in seams.TERMINAL_LOGGERS if name)
    assert all(isinstance(logging.getLogger(name), logging.Logger) for name in seams.TERMINAL_LOGGERS)
