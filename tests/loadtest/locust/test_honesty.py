"""Every run checks itself: what is the generator's fault is `invalid`, what is the server's is found and counted.

Counts are asserted, and times only where a busy machine can but add to them.
"""

from pathlib import Path

import pytest

from loadtest.core.requirements import MEASURES
from tests.loadtest.runs import LOSING, QUICK, UNHURRIED, master_port, port, run, summary
from tests.lossy import lossy_proxy
from tests.support import running_server

__all__ = ["port"]  # a fixture: pytest finds it by its name here


@pytest.mark.parametrize(
    ("requirement", "status", "reason"),
    [
        ("p98<5ms", 3, f"there is no measure 'p98', choose from {', '.join(MEASURES)}"),
        ("p50<5ms,join_p99<1s", 3, "this scenario never measures join_p99, but p50, p90"),
        ("p99<5", 2, "'p99<5': a time needs us or µs or ms or s"),
    ],
)
def test_an_objective_that_cannot_be_checked_ends_the_run_before_anybody_connects(
    requirement: str, status: int, reason: str
) -> None:
    done = run(1, *QUICK, "--require", requirement)
    assert (done.returncode, done.stdout) == (status, "")
    (line,) = done.stderr.splitlines()
    assert f"error: --require: {reason}" in line


@pytest.mark.parametrize(
    ("requirement", "status", "reasons"),
    [
        ("p50<60s,complete_max<60s,lost=0", 0, []),
        ("lost=0,dropped>3", 1, ["dropped is 0, the requirement is dropped>3"]),
    ],
)
def test_an_objective_is_judged_at_the_end(
    port: int, tmp_path: Path, requirement: str, status: int, reasons: list[str]
) -> None:
    done = run(port, *QUICK, *UNHURRIED, "--require", requirement, "--report", str(tmp_path))
    assert done.returncode == status, done.stdout + done.stderr
    assert summary(tmp_path)["reasons"] == reasons


def test_the_time_that_arrivals_wait_for_the_generator_is_measured_and_has_a_budget(port: int, tmp_path: Path) -> None:
    done = run(port, *QUICK, *UNHURRIED, "--max-receive-backlog-ms", "0", "--report", str(tmp_path))
    assert done.returncode == 3, done.stdout + done.stderr
    report = summary(tmp_path)
    assert report["verdict"] == "invalid"
    (reason,) = report["reasons"]
    assert reason.startswith("the generator read late: what had arrived waited p99 ")
    backlog = report["generator"]["receive_backlog_us"]
    assert 0 < backlog["p50"] <= backlog["p99"] <= backlog["max"]
    assert "receive backlog, ms" in done.stdout
    assert "receive backlog, ms" in (tmp_path / "report.html").read_text()


OVERLOADED = """
import time
import gevent
from locust import events
from loadtest.locustfile import Member

def work():
    while True:
        gevent.sleep(0.001)
        until = time.monotonic() + 0.4
        while time.monotonic() < until:
            pass

events.init.add_listener(lambda **_: gevent.spawn(work) and None)
"""


def test_an_overloaded_generator_is_invalid_and_blames_itself(port: int, tmp_path: Path) -> None:
    own = tmp_path / "overloaded.py"
    own.write_text(OVERLOADED)
    blind = ("--max-send-lateness-ms", "60000", "--max-receive-backlog-ms", "60000", "--max-cpu-percent", "1000")
    few = ("--users", "3", "--spawn-rate", "100", "--settle", "0.1", "--grace", "20", "--duration", "2")
    done = run(port, *few, *blind, "--require", "p50<1us", "--report", str(tmp_path), locustfile=own)
    assert done.returncode == 3, done.stdout + done.stderr
    report = summary(tmp_path)
    assert report["verdict"] == "invalid"
    assert report["reasons"][0].startswith("the generator read late: loop lag p99 ")
    assert all(reason.startswith("the generator ") for reason in report["reasons"])
    assert report["generator"]["loop_lag_us"]["p99"] >= 300_000


# Having sent its last message, it hangs until the window and its grace are over and everything has arrived.
HUNG = """
import select
import time
from loadtest.net.connection import Connection
from loadtest.locustfile import Member

MESSAGES, HANGS_S, USERS = 10, 14, 3
sent = 0
send = Connection.send

def hanging(connection, data):
    global sent
    going = send(connection, data)
    sent += data.startswith(b"PRIVMSG")
    if data.startswith(b"PRIVMSG") and sent == MESSAGES:
        others = [m.connection.fd for m in Member.worker.members.values() if m.connection is not connection]
        assert len(others) == USERS - 1
        until = time.monotonic() + HANGS_S
        while time.monotonic() < until or len(select.select(others, [], [], 1)[0]) < len(others):
            pass
    return going

Connection.send = hanging
"""


@pytest.mark.parametrize(("limits", "status"), [(UNHURRIED, 0), (("--max-loop-lag-ms", "10"), 3)])
def test_what_arrived_while_the_generator_hung_is_not_lost_and_the_stall_is_the_generators(
    port: int, tmp_path: Path, limits: tuple[str, ...], status: int
) -> None:
    own = tmp_path / "hung.py"
    own.write_text(HUNG)
    few = ("--users", "3", "--spawn-rate", "100", "--settle", "0.1", "--grace", "0.1", "--duration", "1")
    done = run(port, *few, *limits, "--late-after", "12", "--report", str(tmp_path), locustfile=own)
    assert done.returncode == status, done.stdout + done.stderr
    report = summary(tmp_path)
    assert (report["messages"]["expected_deliveries"], report["messages"]["lost"]) == (20, 0)
    assert report["messages"]["late"] == 0, "it had arrived in time"
    assert any(reason.startswith("the generator read late: loop lag") for reason in report["reasons"]) == (status == 3)


STOPPING = """
import gevent
from loadtest.locustfile import Member
from loadtest.run.part import Part

begin = Part.__init__

def began(part, *words):
    begin(part, *words)
    members = sorted(Member.worker.members.values(), key=lambda member: member.number)
    gevent.spawn(members[-1].environment.runner.stop_users, {"Member": 1})

Part.__init__ = began
"""


def test_a_user_whom_locust_stops_was_not_dropped_and_nothing_is_due_to_it(port: int, tmp_path: Path) -> None:
    own = tmp_path / "stopping.py"
    own.write_text(STOPPING)
    done = run(port, *QUICK, *UNHURRIED, *LOSING, "--report", str(tmp_path), locustfile=own)
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    messages = report["messages"]
    assert report["members"] == {"joined": 0, "left": 1, "dropped": 0}
    assert (messages["sent"], messages["lost"]) == (10, 0), "it is not the announcer who goes"
    assert 18 * 10 <= messages["expected_deliveries"] == messages["delivered"] + messages["under_way"] <= 19 * 10


def test_a_delay_on_the_way_is_found_whole_and_missed_by_nobody(port: int, tmp_path: Path) -> None:
    with lossy_proxy(port, delay_s=0.2) as slowed:
        done = run(slowed, *QUICK, *UNHURRIED, "--require", "p50<150ms,lost=0", "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(tmp_path)
    (reason,) = report["reasons"]
    assert reason.startswith("p50 is ")
    assert reason.endswith(" ms, the requirement is p50<150ms")
    assert 200_000 <= report["fanout_us"]["p50"] <= report["fanout_us"]["max"]
    messages = report["messages"]
    assert messages["delivered"] == messages["expected_deliveries"] == 190
    assert messages["duplicated"] == messages["reordered"] == 0


def test_several_faults_to_several_senders_over_two_processes_are_each_counted_exactly(
    port: int, tmp_path: Path
) -> None:
    crowd = ("--users", "12", "--announcers", "3", "--spawn-rate", "100", "--settle", "0.1", *LOSING)
    window = ("--rate", "10", "--duration", "2", "--processes", "2", *master_port())
    with lossy_proxy(port, lose=[3, 11, 12], repeat=[5, 13], hold=[7]) as tampered:
        done = run(tampered, *crowd, *window, *UNHURRIED, "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    messages = summary(tmp_path)["messages"]
    hearers = 3 * 11  # of a number: three senders, and eleven others each
    assert (messages["sent"], messages["expected_deliveries"]) == (60, 20 * hearers)
    assert messages["lost"] == 3 * hearers
    assert messages["duplicated"] == 2 * hearers
    assert messages["reordered"] == 1 * hearers


def test_who_would_have_spoken_while_the_server_stood_still_is_counted_from_when_it_was_meant_to(
    port: int, tmp_path: Path
) -> None:
    rate, late_after_s, hearers = 20, 0.5, 19
    window = ("--rate", str(rate), "--duration", "3", "--late-after", str(late_after_s))
    with lossy_proxy(port, stall=10, stall_s=1.0) as stalled:
        done = run(stalled, *QUICK, *UNHURRIED, *window, "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(tmp_path)
    assert report["reasons"][0].startswith("late_share is "), "no scenario lets a server hang for a third of the time"
    assert (report["messages"]["sent"], report["messages"]["lost"]) == (60, 0)
    assert report["fanout_us"]["max"] >= 1_000_000
    assert report["messages"]["late"] >= rate * late_after_s * hearers  # the first half of those due in that second
    assert report["fanout_us"]["p90"] >= 500_000


ROOMS = ("--scenario", "room", "--users", "15", "--room-size", "5", "--rate", "5", "--duration", "2")


def test_messages_that_leak_into_other_rooms_fail_the_run_and_are_counted_exactly(port: int, tmp_path: Path) -> None:
    with lossy_proxy(port, leak=[2, 5]) as leaking:
        done = run(leaking, *QUICK, *ROOMS, *UNHURRIED, "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(tmp_path)
    leaked = 2 * 10 * 12  # of each sender two messages, to ten others; but not of the three who would tell of them
    assert report["messages"]["stray"] == leaked
    assert (report["messages"]["lost"], report["messages"]["corrupt"]) == (0, 0)
    assert any("stray" in reason for reason in report["reasons"])
    assert "stray" in done.stdout
    assert "stray" in (tmp_path / "report.html").read_text()


def test_altered_messages_fail_the_run_and_are_counted_exactly(port: int, tmp_path: Path) -> None:
    with lossy_proxy(port, alter=[3, 4]) as altering:
        done = run(altering, *QUICK, *UNHURRIED, "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    messages = summary(tmp_path)["messages"]
    assert (messages["corrupt"], messages["lost"], messages["delivered"]) == (2 * 19, 0, 190)


@pytest.mark.parametrize("processes", [1, 2])
def test_one_user_with_another_order_than_the_others_fails_the_run(port: int, tmp_path: Path, processes: int) -> None:
    several = ("--processes", str(processes), *master_port()) if processes > 1 else ()
    talk = ("--scenario", "room", "--users", "12", "--room-size", "12", "--rate", "3", "--duration", "2")
    with lossy_proxy(port, divide=[1, 3]) as dividing:
        done = run(dividing, *QUICK, *talk, *several, *UNHURRIED, "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    messages = summary(tmp_path)["messages"]
    assert 2 <= messages["diverged"] <= 2 * 11 * processes
    assert (messages["lost"], messages["duplicated"], messages["reordered"], messages["stray"]) == (0, 0, 0, 0)


BACKLOG = """
import time
import gevent
from locust import events
from loadtest.locustfile import Member

def work():
    while True:
        gevent.sleep(0.001)
        until = time.monotonic() + 0.099
        while time.monotonic() < until:
            pass

events.init.add_listener(lambda **_: gevent.spawn(work) and None)
"""


def test_what_only_the_generators_own_backlog_could_have_missed_is_no_failure(port: int, tmp_path: Path) -> None:
    own = tmp_path / "backlog.py"
    own.write_text(BACKLOG)
    blind = ("--max-send-lateness-ms", "60000", "--max-loop-lag-ms", "60000", "--max-cpu-percent", "1000")
    done = run(port, *QUICK, *blind, "--rate", "40", "--require", "p50<90ms", "--report", str(tmp_path), locustfile=own)
    report = summary(tmp_path)
    assert done.returncode != 1, done.stdout + done.stderr
    assert all("generator" in reason for reason in report["reasons"])
    assert report["read_us"]["p50"] >= 90_000  # it would be a failure, were it judged


def test_a_server_that_throttles_its_senders_is_named_as_the_likely_cause(tmp_path: Path) -> None:
    with running_server(rate_limit=2.0, rate_burst=5) as server:
        few = (
            "--users",
            "3",
            "--spawn-rate",
            "100",
            "--settle",
            "3",
            "--grace",
            "1",
            "--rate",
            "10",
            "--duration",
            "3",
        )
        done = run(server.ports["irc"], *few, *UNHURRIED, "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert summary(tmp_path)["reasons"][-1].startswith("likely cause: the server throttles its senders")
    assert "fanfare serve --rate-limit off" in " ".join(done.stdout.split())


BROKEN = """
from loadtest.run import leader
from loadtest.locustfile import Member

def broken(*_):
    raise RuntimeError("a fault of our own")

leader.table = broken
"""


def test_a_fault_of_the_instrument_ends_the_run_and_is_no_pass(port: int, tmp_path: Path) -> None:
    own = tmp_path / "broken.py"
    own.write_text(BROKEN)
    done = run(port, *QUICK, *UNHURRIED, locustfile=own)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "a fault of our own" in done.stderr
    assert "PASS" not in done.stdout
