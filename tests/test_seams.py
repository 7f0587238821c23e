"""What the load test needs of Locust beyond its public interface is there, and does what it is for."""

import inspect
import signal
import subprocess
from types import SimpleNamespace
from typing import Any

import gevent
import locust.main
import pytest
from locust.argument_parser import get_parser
from locust.user.task import LOCUST_STATE_WAITING

from loadtest import seams
from tests.test_locust import PATIENCE, QUICK, ROOT, UNHURRIED, command, master_port, port, started

__all__ = ["port"]


def test_locust_waits_for_workers_and_ends_with_1_by_the_options_that_we_know() -> None:
    source = inspect.getsource(locust.main)
    assert "options.expect_workers_max_wait and options.expect_workers_max_wait <" in source
    assert "len(runner.clients.ready) < options.expect_workers" in source


def test_locust_ends_by_an_interrupt_in_its_main_greenlet() -> None:
    assert "except KeyboardInterrupt:" in inspect.getsource(locust.main)
    assert isinstance(gevent.get_hub().NOT_ERROR, tuple)


def test_a_user_that_waits_has_a_state_that_locust_may_stop_at_once() -> None:
    assert isinstance(LOCUST_STATE_WAITING, str)


def test_the_page_is_for_this_machine_unless_told_otherwise() -> None:
    parser = get_parser()
    seams.listen_here_only(parser)
    assert parser.parse_args([]).web_host == "127.0.0.1"
    assert parser.parse_args(["--web-host", "10.0.0.1"]).web_host == "10.0.0.1"


def test_without_a_limit_nobody_looks_for_workers() -> None:
    options = SimpleNamespace(expect_workers_max_wait=0, expect_workers=2)
    environment: Any = SimpleNamespace(parsed_options=options, runner=None)
    seams.wait_for_workers(environment, 3)
    assert options.expect_workers_max_wait == 0


def test_workers_that_do_not_come_make_the_run_invalid_and_not_a_failure(port: int) -> None:
    few = ("--master", "--expect-workers", "2", "--expect-workers-max-wait", "1", *master_port())
    words = command("--headless", "--host", f"irc://127.0.0.1:{port}", *QUICK, *few)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "0 of 2 workers came in 1 s" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("moment", ["coming in", "window 1"])
def test_an_interrupt_prints_no_traceback(port: int, moment: str) -> None:
    long = ("--duration", "3600", "--progress", "0.2")
    with started("--headless", "--host", f"irc://127.0.0.1:{port}", *QUICK, *UNHURRIED, *long) as locust_:
        assert locust_.stderr
        seen = []
        for line in locust_.stderr:
            seen.append(line)
            if moment in line or "window 1" in line:
                break
        locust_.send_signal(signal.SIGINT)
        out, errors = locust_.communicate(timeout=PATIENCE)
    assert locust_.returncode == 3, out + errors
    assert "Traceback" not in "".join(seen) + errors
    assert "KeyboardInterrupt" not in errors
