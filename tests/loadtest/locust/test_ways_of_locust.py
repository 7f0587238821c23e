"""Locust's own options and files go on working with ours: each is run once, as a person would."""

import csv
import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loadtest.runs import PATIENCE, QUICK, UNHURRIED, command, run, started, summary
from tests.support import running_server


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running_server() as server:
        yield server.ports["irc"]


SHORT = ("-u", "5", "-r", "100", *QUICK[4:], *UNHURRIED)


def test_csv_and_html_have_our_rows(port: int, tmp_path: Path) -> None:
    done = run(port, *SHORT, "--duration", "3", "--csv", str(tmp_path / "run"), "--html", str(tmp_path / "run.html"))
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "run_stats.csv").open() as table:
        assert {"connect", "join"} <= {row["Type"] for row in csv.DictReader(table)}
    page = (tmp_path / "run.html").read_text()
    assert all(f'"method": "{kind}"' in page for kind in ("connect", "join", "send", "deliver", "complete"))


def test_json_has_stdout_for_itself(port: int) -> None:
    done = run(port, *SHORT, "--json")
    assert done.returncode == 0, done.stderr
    assert {row["method"]: row["num_requests"] for row in json.loads(done.stdout)}["deliver"] == 40
    assert "PASS" in done.stderr


def test_a_scenario_has_no_tags_to_choose_by(port: int) -> None:
    done = run(port, *SHORT, "--tags", "fast")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "locust: error: --tags: a scenario's users have no tagged tasks; --scenario says what they do\n"
    )


def test_a_tag_that_is_left_out_leaves_a_scenario_as_it_is(port: int) -> None:
    assert run(port, *SHORT, "--exclude-tags", "fast").returncode == 0


TAGGED = """
import gevent
from locust import constant, tag, task
from loadtest import ChatUser

class Talker(ChatUser):
    room = "#tagged"
    wait_time = constant(0.1)

    @tag("talk")
    @task
    def talk(self):
        self.say("hello")
        gevent.spawn(self.environment.runner.quit)

    @tag("fail")
    @task
    def fail(self):
        raise AssertionError("not asked for")
"""


@pytest.mark.parametrize("choice", [("-T", "talk"), ("-E", "fail")])
def test_tags_choose_the_tasks_of_ones_own_users(port: int, tmp_path: Path, choice: tuple[str, str]) -> None:
    own = tmp_path / "own.py"
    own.write_text(TAGGED)
    options = ("-u", "2", "-r", "10", "--run-time", "40", "--json-file", str(tmp_path / "locust"), *choice)
    done = run(port, *options, locustfile=own)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row["method"]: row["num_requests"] for row in json.loads((tmp_path / "locust.json").read_text())}
    assert rows["send"] > 0


def test_run_time_alone_gives_the_window_what_is_left(port: int, tmp_path: Path) -> None:
    options = [*SHORT[:-2], "--run-time", "12", "--grace", "3", "--report", str(tmp_path)]
    del options[options.index("--duration") : options.index("--duration") + 2]
    done = run(port, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 0.5 <= summary(tmp_path)["duration_s"] < 9


def test_stop_timeout_is_not_waited_for_as_no_user_is_in_a_task(port: int) -> None:
    assert run(port, *SHORT, "--stop-timeout", "3600").returncode == 0


def test_the_page_can_start_and_quit_by_itself_with_the_verdicts_exit_status(port: int) -> None:
    place = ("--host", f"irc://127.0.0.1:{port}", "--web-host", "127.0.0.1", "--web-port", "0")
    itself = ("--autostart", "--run-time", "10", "--autoquit", "0", "--require", "p50<1us")
    with started(*place, *SHORT, *itself) as locust:
        assert locust.stdout
        assert " FAIL" in locust.stdout.read()
        assert locust.wait(PATIENCE) == 1


def test_where_there_is_no_terminal_a_run_says_now_and_then_how_it_goes(port: int) -> None:
    done = run(port, *SHORT, "--duration", "4", "--progress", "0.5")
    lines = [line for line in done.stderr.splitlines() if line.startswith("broadcast   ")]
    assert any(re.search(r"window 1, [1-4] s of 4   5 users", line) and "pass so far" in line for line in lines), (
        done.stderr
    )
    assert "\r" not in done.stderr


def test_progress_can_be_left_out(port: int) -> None:
    assert run(port, *SHORT, "--duration", "2", "--progress", "0").stderr == ""


def test_on_a_terminal_the_line_is_rewritten_and_gone_at_the_end(port: int) -> None:
    ours, its = pty.openpty()
    options = command("--host", f"irc://127.0.0.1:{port}", "--headless", *SHORT, "--duration", "4")
    with subprocess.Popen(options, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=its) as locust:
        os.close(its)
        written = b""
        try:
            while data := os.read(ours, 4096):
                written += data
        except OSError:  # how Linux says that the other end is closed
            pass
        os.close(ours)
        assert locust.wait(PATIENCE) == 0
    assert b"\n" not in written
    pieces = written.decode().split("\r\x1b[K")
    assert (pieces[0], pieces[-1]) == ("", "")
    assert any(re.search(r"window 1, [1-4] s of 4", piece) for piece in pieces)
