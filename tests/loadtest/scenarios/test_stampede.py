"""The scenario stampede end to end: Locust as a person runs it, and a real server that it starts and restarts itself.

Counts are asserted, and in what order things happened; how long they took, never. In every case the server is gone
afterwards: nothing accepts on its port, and the process of the run that is still there ends.
"""

import json
import os
import select
import shlex
import signal
import socket
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.process import free_port
from loadtest.run.scenario import SCENARIOS
from loadtest.scenarios.stampede.returns import StampedeSettings
from loadtest.scenarios.stampede.server import Restart
from tests.loadtest.report.test_report_page import marks
from tests.loadtest.runs import PATIENCE, UNHURRIED, master_port, run, started, summary

USERS = 12
STAMPEDE = ("--scenario", "stampede", "--users", str(USERS), "--spawn-rate", "100", "--settle", "0.1", "--grace", "20")
BRIEF = ("--before", "1", "--after", "1", "--rate", "10", "--backoff", "0.2")

ENDED = "irc://127.0.0.1:PORT: it ended with status 7 before it accepted connections"


class Site:
    """Where a server of the test's own is to listen."""

    def __init__(self, path: Path) -> None:
        self.port = free_port()
        self.path = path

    @property
    def serve(self) -> str:
        words = [sys.executable, "-m", "chat.cli", "serve", "--listen", f"irc://127.0.0.1:{self.port}"]
        return shlex.join([*words, "--rate-limit", "off"])

    def shell(self, script: str) -> str:
        """A command that runs a script, in which SERVE is the server."""
        return shlex.join(["sh", "-c", script.replace("SERVE", self.serve)])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yield (site := Site(tmp_path))
    assert not accepts(site.port)


def accepts(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def stampede(site: Site, *options: str, command: str | None = None) -> Any:
    words = ("--server-command", site.serve if command is None else command)
    return run(site.port, *STAMPEDE, *BRIEF, *UNHURRIED, *words, "--report", str(site.path), *options)


def all_came_back(report: Any) -> None:
    figures, attempts = report["stampede"], report["stampede"]["attempts"]
    counts = {name: figures[name] for name in ("users", "returned", "still_away", "kept", "lost_again")}
    assert counts == {"users": USERS, "returned": USERS, "still_away": 0, "kept": 0, "lost_again": 0}
    assert attempts == {
        "made": USERS + attempts["refused"],
        "succeeded": USERS,
        "refused": attempts["refused"],
        "timed_out": 0,
        "other": 0,
        "unfinished": 0,
    }
    assert figures["reasons"] == {}
    assert figures["cut_off"] == {"Closing link: Server is shutting down": USERS}
    moments = [figures[name] for name in ("stopped_us", "away_us", "back_50_us", "back_90_us", "back_all_us")]
    assert 0 < moments[0] < moments[1]
    assert moments[1:] == sorted(moments[1:])
    assert (figures["back_us"]["count"], figures["back_us"]["max"]) == (USERS, figures["back_all_us"])
    assert figures["connect_us"]["count"] == USERS
    assert 0 < figures["most_back_in_1_s"] <= USERS
    assert figures["generator"]["loop_lag_us"]["count"] > 0
    assert figures["server"]["descriptors"] > USERS
    assert figures["server"]["memory_bytes"] > 0
    messages = report["messages"]
    assert (messages["sent"], messages["expected_deliveries"]) == (20, 20 * (USERS - 1))
    assert (messages["delivered"], messages["lost"], messages["duplicated"]) == (20 * (USERS - 1), 0, 0)
    assert {phase: latency["count"] for phase, latency in figures["fanout_us"].items()} == {
        "before": 10 * (USERS - 1),
        "after": 10 * (USERS - 1),
    }


def test_all_come_back_and_hear_each_other_again(site: Site) -> None:
    done = stampede(site)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    report = summary(site.path)
    assert (report["verdict"], report["reasons"], report["users"], report["duration_s"]) == ("pass", [], USERS, 2.0)
    all_came_back(report)
    timeline = report["timeline"]  # a window of a second before, and one after
    assert timeline[0]["at_s"] == 0.0 < 1.0 < timeline[1]["at_s"]
    assert [row["deliveries"] for row in timeline] == [10 * (USERS - 1)] * 2
    assert all(row["server_memory_bytes"] > 1 << 20 for row in timeline), "of the old server and of the new one"
    assert marks(site.path) == ["SIGTERM"]
    history = report["history"]
    assert (history["readers"], history["unanswered"], history["not_offered"]) == (0, 0, USERS)
    assert "not offered by the server (draft/chathistory)" in done.stdout


def test_two_processes_bring_back_the_same_users(site: Site) -> None:
    done = stampede(site, "--processes", "2", *master_port())
    assert done.returncode == 0, done.stdout + done.stderr
    all_came_back(summary(site.path))


def kept(history: Any) -> None:
    assert history["messages"] > 0
    nothing = dict.fromkeys(("unanswered", "not_offered", "missed", "doubled", "reordered", "excused"), 0)
    assert history == {"messages": history["messages"], "readers": USERS, **nothing, "reasons": {}}


@pytest.mark.parametrize("options", [(), ("--processes", "2")], ids=["one", "two"])
def test_each_one_who_comes_back_reads_all_that_was_said_before(site: Site, options: tuple[str, ...]) -> None:
    several = (*options, *master_port()) if options else ()
    done = stampede(site, *several, command=f"{site.serve} --log sqlite:{site.path}/log.sqlite")
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(site.path)
    all_came_back(report)
    kept(report["history"])


def test_a_history_that_ends_with_its_server_fails_the_run_unless_that_is_allowed(site: Site) -> None:
    log = site.path / "log"
    forgets = site.shell(f"rm -rf {log}; mkdir {log}; exec SERVE --log sqlite:{log}/log.sqlite")
    done = stampede(site, command=forgets)
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(site.path)
    missed = USERS * report["history"]["messages"]
    assert report["history"]["missed"] == missed > 0
    wanted = "missing: not in the history after a restart; the requirement is history_missed=0"
    assert report["reasons"] == [f"{missed:,} deliveries {wanted}"]
    assert "--log sqlite:PATH is on disk" in " ".join(done.stdout.split())
    done = stampede(site, "--require", "history_missed>=0", command=forgets)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_server_that_does_not_heed_sigterm_is_killed_which_is_told_and_all_come_back(site: Site) -> None:
    deaf = site.shell("trap '' TERM; SERVE & wait")  # without a pid of its own SIGTERM does not reach the server
    done = stampede(site, "--stop-within", "0.3", command=deaf)
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(site.path)
    assert report["reasons"] == ["the server had not ended 0.3 s after SIGTERM, and was killed"]
    assert report["stampede"]["returned"] == USERS


def test_a_server_that_does_not_come_back_fails_the_run_with_its_last_words(site: Site) -> None:
    once = site.shell(f"test -e {site.path}/once && {{ echo no licence; exit 7; }}; touch {site.path}/once; exec SERVE")
    done = stampede(site, command=once)
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(site.path)
    assert report["reasons"] == [
        "the server did not come back: it ended with status 7 before it accepted connections: no licence",
        f"0 of {USERS} users were back 60 s after the stop",
    ]
    figures = report["stampede"]
    assert (figures["returned"], figures["still_away"], figures["away_us"]) == (0, USERS, None)
    assert (figures["back_50_us"], figures["back_all_us"], figures["server"]) == (None, None, None)
    assert figures["attempts"]["succeeded"] == 0
    assert report["messages"]["sent"] == 10  # no second window


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("", "--server-command is missing: it says how to start the server, which the scenario restarts"),
        ("no-such-server", "--server-command: there is no program 'no-such-server'"),
        ("sh -c 'echo starting; echo no licence >&2; exit 7'", f"--server-command, with --host {ENDED}: no licence"),
    ],
)
def test_a_server_that_cannot_be_started_is_one_line_and_exit_status_2(site: Site, command: str, reason: str) -> None:
    done = stampede(site, command=command)
    assert done.returncode == 2, done.stdout + done.stderr
    wanted = f"locust: error: {reason.replace('PORT', str(site.port))}"
    assert [line for line in done.stderr.splitlines() if "rror" in line] == [wanted]
    assert "Traceback" not in done.stderr


@contextmanager
def under_way(site: Site, *options: str) -> Iterator[Any]:
    """A run in its first window, with hours to go."""
    words = ("--headless", "--host", f"irc://127.0.0.1:{site.port}", "--loglevel", "INFO", *STAMPEDE, *UNHURRIED)
    with started(*words, "--before", "3600", "--server-command", site.serve, *options) as locust:
        assert locust.stderr
        assert any("Window 1:" in line for line in locust.stderr)
        yield locust


def server_of(locust: Any) -> int:
    """A descriptor that becomes readable when the server of this run ends."""
    [keeper] = children(locust.pid)
    [server] = children(keeper)
    return os.pidfd_open(server)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 3), (signal.SIGTERM, 3), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_the_server_is_gone_however_the_run_was_ended(site: Site, number: signal.Signals, status: int) -> None:
    with under_way(site) as locust:
        server = server_of(locust)
        try:
            locust.send_signal(number)
            assert locust.wait(PATIENCE) == status
            assert select.select([server], [], [], PATIENCE)[0]
        finally:
            os.close(server)


def test_a_run_that_is_stopped_before_the_server_listens_is_invalid_and_leaves_nothing(site: Site) -> None:
    with started(
        "--headless", "--host", f"irc://127.0.0.1:{site.port}", *STAMPEDE, "--server-command", mute(site)
    ) as run:
        with (site.path / "pid").open() as fifo:
            pid = int(fifo.readline())
        server = os.pidfd_open(pid)
        try:
            run.send_signal(signal.SIGINT)
            assert run.wait(PATIENCE) == 3
            assert select.select([server], [], [], PATIENCE)[0]
        finally:
            os.close(server)


def mute(site: Site) -> str:
    """A server that never listens, and writes its number to a named pipe."""
    os.mkfifo(site.path / "pid")
    return shlex.join(["sh", "-c", f"echo $$ > {site.path}/pid; exec sleep 600"])


@contextmanager
def page(site: Site, *options: str) -> Iterator[tuple[Any, str]]:
    web = free_port()
    place = ("--host", f"irc://127.0.0.1:{site.port}", "--web-host", "127.0.0.1", "--web-port", str(web))
    words = (*STAMPEDE, *BRIEF, *UNHURRIED, "--after", "0", "--server-command", site.serve, *options)
    with started(*place, *words, "--loglevel", "INFO") as locust:
        until = time.monotonic() + PATIENCE
        while not accepts(web):
            assert time.monotonic() < until
        yield locust, f"http://127.0.0.1:{web}"


def test_with_locusts_page_every_course_restarts_the_server(site: Site) -> None:
    with page(site, "--autostart") as (locust, _):
        verdicts = (line.split()[0] for line in locust.stdout if line.startswith((" PASS", " FAIL", " INVALID")))
        assert [next(verdicts), next(verdicts)] == ["PASS", "PASS"]
        locust.send_signal(signal.SIGINT)
        assert locust.wait(PATIENCE) == 0


def test_the_page_cannot_say_what_is_run(site: Site) -> None:
    done = site.path / "done"
    with page(site) as (_, url):
        form = urllib.parse.urlencode({"user_count": "2", "spawn_rate": "2", "server_command": f"touch {done}"})
        with urllib.request.urlopen(f"{url}/swarm", form.encode(), timeout=PATIENCE) as answer:
            said = json.load(answer)
        assert "give it on the command line" in said["message"]
    assert not done.exists()


def scenario(**choices: Any) -> Any:
    return SCENARIOS["stampede"](StampedeSettings(scenario="stampede", **choices), USERS)


@pytest.mark.parametrize(
    ("status", "killed", "lines"),
    [
        (0, False, []),
        (3, False, ["the server ended with status 3 at SIGTERM, not with 0"]),
        (-15, False, ["the server did not heed SIGTERM: it was ended by a signal"]),
        (-9, True, ["the server had not ended 30 s after SIGTERM, and was killed"]),
    ],
)
def test_a_server_that_does_not_end_well_at_sigterm_fails_the_run(status: int, killed: bool, lines: list[str]) -> None:
    one = scenario()
    one._restart = Restart(0, 1, status, killed, 2, "", None)
    assert one.missed() == lines


def test_a_server_may_end_with_a_status_of_its_own() -> None:
    one = scenario(server_exit_status=10)  # as InspIRCd does
    one._restart = Restart(0, 1, 10, False, 2, "", None)
    assert one.missed() == []
    one._restart = Restart(0, 1, 0, False, 2, "", None)
    assert one.missed() == ["the server ended with status 0 at SIGTERM, not with 10"]


def test_the_keepers_connection_or_a_users_whichever_was_first_ends_the_time_away() -> None:
    one = scenario()
    restart = Restart(1_000_000, 5_000_000, 0, False, 9_000_000, "", None)
    assert one._away_us(restart) == 8_000
    one._return.first_ns = 7_000_000
    assert one._away_us(restart) == 6_000
    one._return.first_ns = 4_000_000  # at the old server
    assert one._away_us(restart) == 8_000
