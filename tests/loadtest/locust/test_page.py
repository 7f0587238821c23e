"""Locust's page, as a browser uses it: the form sets what it shows and nothing else, and says what is wrong."""

import json
import re
import signal
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.process import free_port
from chat.errors import SetupError
from loadtest.locust.options import all_options, on_page, typed_options
from loadtest.locust.page import refuse_strangers
from tests.loadtest.locust.test_options import parse
from tests.loadtest.runs import PATIENCE, QUICK, UNHURRIED, master_port, started
from tests.lossy import lossy_proxy
from tests.support import running_server

START = {"user_count": "5", "spawn_rate": "100"}


class Page:
    """Locust with its page."""

    def __init__(self, locust: Any, url: str) -> None:
        self.locust = locust
        self.url = url

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            return answer.read().decode()

    def post(self, path: str, **form: str) -> dict[str, Any]:
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(self.url + path, data, timeout=PATIENCE) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def refusal(self, **form: str) -> str:
        said = self.post("/swarm", **START, **form)
        assert not said["success"]
        return str(said["message"])

    def state(self) -> str:
        return str(json.loads(self.get("/stats/requests"))["state"])

    def tab(self) -> dict[str, tuple[str, str]]:
        """The rows of the tab "Fan-out"."""
        (stats,) = json.loads(self.get("/stats/requests"))["extended_stats"]
        assert stats["key"] == "fan-out"
        return {row["figure"]: (row["recent"], row["whole"]) for row in stats["data"]}

    def verdicts(self) -> Iterator[str]:
        """One word for each window, as it ends."""
        return (line.split()[0] for line in self.locust.stdout if line.startswith((" PASS", " FAIL", " INVALID")))


@contextmanager
def page(port: int, *options: str) -> Iterator[Page]:
    web = free_port()
    place = ("--host", f"irc://127.0.0.1:{port}", "--web-host", "127.0.0.1", "--web-port", str(web))
    with started(*place, *QUICK, *UNHURRIED, *options, "--loglevel", "INFO") as locust:
        assert locust.stderr
        assert any("Starting web interface" in line for line in locust.stderr)
        until = time.monotonic() + PATIENCE
        while True:  # the page is served soon after that line
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", web)) == 0:
                    break
            assert time.monotonic() < until
        yield Page(locust, f"http://127.0.0.1:{web}")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running_server() as server:
        yield server.ports["irc"]


@pytest.fixture(scope="module")
def idle(port: int) -> Iterator[Page]:
    """Nothing is started here."""
    with page(port) as one:
        yield one


def test_the_form_shows_the_settings_of_the_list_in_the_order_of_help(idle: Page) -> None:
    shown = json.loads(re.findall(r"window.templateArgs = (.*)", idle.get("/"))[0])["extra_options"]
    assert list(shown) == [each for each in all_options() if each in on_page()]
    assert "broadcast" in shown["scenario"]["choices"]
    assert shown["duration"]["default_value"] == 1.0  # of the command line


def test_nothing_on_the_form_touches_files_or_programs_and_every_name_survives_the_page() -> None:
    names = set(all_options())
    assert names >= on_page()
    assert not on_page() & {"report", "server_command", "server_pid"}
    assert not any(character.isdigit() for name in on_page() for character in name)


@pytest.mark.parametrize("name", ["report", "server_command", "server_pid", "max_cpu_percent", "html_file", "nonsense"])
def test_what_the_form_does_not_show_cannot_be_set(idle: Page, tmp_path: Path, name: str) -> None:
    refusal = idle.refusal(**{name: str(tmp_path / "made")})
    assert refusal == f"'{name}' is not set from Locust's page: give it on the command line"
    assert not (tmp_path / "made").exists()
    assert idle.state() == "ready"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("rate", "fast", "--rate: 'fast' is not a number"),
        ("settle", "", "--settle: '' is not a number"),
        ("scenario", "party", "--scenario: there is no scenario 'party', choose from"),
        ("announcers", "6", "--announcers 6 is more than the 5 users"),
        ("require", "p98<5ms", "--require: there is no measure 'p98', choose from"),
        ("host", "irc://there:1", "the target is not set from Locust's page, but by --host at launch"),
    ],
)
def test_what_cannot_be_is_one_line_on_the_page_and_in_the_log_and_nothing_starts(
    idle: Page, name: str, text: str, reason: str
) -> None:
    assert idle.refusal(**{name: text}).startswith(reason)
    assert any(f"Not started: {reason}" in line for line in idle.locust.stderr)
    assert idle.state() == "ready"


def test_a_form_is_taken_whole_or_not_at_all() -> None:
    options = parse("--rate", "5")
    assert typed_options({"rate": "", "announcers": "3", "host": "x"}) == {"rate": None, "announcers": 3}
    assert options.announcers == 1
    with pytest.raises(SetupError, match="'report' is not set from"):
        refuse_strangers({"rate": "5", "report": "x"}, on_page())


def test_start_edit_stop_and_start_again_with_what_was_typed_last(port: int) -> None:
    with page(port) as locust:
        assert locust.refusal(rate="fast") == "--rate: 'fast' is not a number"
        verdicts = locust.verdicts()
        assert locust.post("/swarm", **START, rate="2", duration="1")["success"]
        assert next(verdicts) == "PASS"
        assert locust.post("/swarm", user_count="8", spawn_rate="100", rate="")["success"]
        assert "PASS" in (next(verdicts), next(verdicts), next(verdicts))  # one is cut by the edit: invalid
        assert locust.post("/stop")["success"]
        assert locust.post("/swarm", **START, scenario="room", rate="3")["success"]
        rooms = next(line for line in locust.locust.stdout if "FANFARE  room" in line)
        assert "5 users" in rooms
        locust.locust.send_signal(signal.SIGINT)
        assert locust.locust.wait(PATIENCE) == 0


def test_start_and_stop_work_with_workers_too(port: int) -> None:
    with page(port, "--processes", "2", *master_port()) as locust:
        verdicts = locust.verdicts()
        assert locust.refusal(report="x")
        while json.loads(locust.get("/stats/requests")).get("worker_count") != 2:
            pass
        for _ in range(2):
            assert locust.post("/swarm", **START)["success"]
            assert next(verdicts) == "PASS"
            assert locust.post("/stop")["success"]
        locust.locust.send_signal(signal.SIGINT)
        assert locust.locust.wait(PATIENCE) == 0


def test_the_tab_is_there_before_the_first_run(idle: Page) -> None:
    shown = json.loads(re.findall(r"window.templateArgs = (.*)", idle.get("/"))[0])
    assert shown["extended_tabs"] == [{"title": "Fan-out", "key": "fan-out"}]
    (table,) = shown["extended_tables"]
    assert (table["key"], [column["key"] for column in table["structure"]]) == (
        "fan-out",
        ["figure", "recent", "whole"],
    )
    assert idle.tab() == {"Run": ("not started", "")}


def until(look: Callable[[], dict[str, tuple[str, str]]], name: str, cell: str) -> dict[str, tuple[str, str]]:
    """Look until the row's last cell says so."""
    end = time.monotonic() + PATIENCE
    while (tab := look()).get(name, ("", ""))[1] != cell:
        assert time.monotonic() < end, tab
    return tab


def test_what_is_lost_and_what_that_means_is_seen_while_the_window_goes_on(port: int) -> None:
    overdue = ("--late-after", "1", "--require", "late_share<=100%")
    forever = ("--autostart", "--duration", "100", "--grace", "0.5", *overdue)
    with lossy_proxy(port, lose={3}) as tampered, page(tampered, *forever) as locust:
        tab = until(locust.tab, "Lost deliveries", "19")
        assert tab["Run"][0].startswith("window 1, ")
        assert tab["Run"][1] == "broadcast, 20 users"
        assert tab["Verdict so far"] == ("fail", "19 deliveries lost; the requirement is lost=0")
        locust.post("/stop")
        assert locust.tab()["Run"][0] == "stopped"


def test_the_tab_adds_up_over_processes_and_keeps_the_last_verdict(port: int) -> None:
    with page(port, "--autostart", "--processes", "2", "--expect-workers", "2", *master_port()) as locust:
        assert next(locust.verdicts()) == "PASS"
        tab = until(locust.tab, "Deliveries", "190")
        assert tab["Last verdict"][0] == "pass"
        assert tab["Messages sent"] == ("", "10")
        assert tab["Lost deliveries"] == ("", "0")


INTERRUPTED = """
import os, signal
from locust import events
from loadtest.locust import member, plugin

class Member(member.ScenarioUser):
    def __init__(self, environment):
        os.kill(os.getpid(), signal.SIGINT)
        super().__init__(environment)

plugin.install(events, Member)
"""


def test_ctrl_c_while_users_are_being_started_ends_locust_and_its_page(port: int, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(INTERRUPTED)
    with page(port, "--locustfile", str(own)) as locust:
        locust.post("/swarm", **START)
        assert locust.locust.wait(PATIENCE) == 0
