"""Every resident's notice of every leave is counted, once; what went wrong with the guests or the server is a reason.

Counts decide, never times.
"""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.process import free_port
from chat.errors import SetupError
from loadtest.core.examine import Audience
from loadtest.core.histogram import Histogram
from loadtest.core.ledger import Ledger
from loadtest.core.receiver import Receiver, just
from loadtest.core.result import Figures
from loadtest.core.schedules import Schedule
from loadtest.core.slices import Slices
from loadtest.core.stamps import Stamp, Stamps
from loadtest.core.statement import Statement, total
from loadtest.run.messages import Crowd, Status
from loadtest.run.window import Window
from loadtest.scenarios.churn.flow import LEVELS
from loadtest.scenarios.churn.leader import Churn, ChurnSettings, Flowed
from tests.loadtest.runs import LOSING, PATIENCE, QUICK, ROOT, UNHURRIED, master_port, run, started, summary
from tests.lossy import lossy_proxy
from tests.support import running_server

RUN, ROOM = "0123abcd", "#load"
SIZE = 80  # bytes of a message
SAYS, LEAVES = 1, 2  # senders
SECOND = 1_000_000_000  # ns
FLOW = (
    *("--scenario", "churn", *QUICK, *UNHURRIED, "--users", "30"),
    *("--residents", "5", "--arrivals", "30", "--stay", "0.2"),
)


def account(receivers: int) -> Ledger:
    audiences = {
        0: Audience(ROOM, receivers, 100, schedule=Schedule(1_000, 1, 100)),
        SAYS: Audience(ROOM, receivers, 1 << 32),
        LEAVES: Audience(ROOM, receivers, 1 << 32, leaves=True),
    }
    return Ledger(Stamps(RUN, 1, SIZE), SECOND, audiences)


def text(sender: int, number: int) -> str:
    return Stamps(RUN, 1, SIZE).text(Stamp(sender, number, 1_000 + number * (not sender)))


def said(sender: int, number: int) -> bytes:
    verb = "QUIT :Quit:" if sender == LEAVES else f"PRIVMSG {ROOM} :"
    return f":n!u@h {verb} {text(sender, number)}\r\n".encode()


@pytest.mark.parametrize("together", [True, False])
def test_leaves_are_counted_apart_from_messages(together: bool) -> None:
    taken, receivers = account(2), [Receiver(ROOM), Receiver(ROOM)]
    lines = [said(0, 0), said(LEAVES, 0), said(SAYS, 0), said(LEAVES, 1), said(LEAVES, 1)]
    for receiver in receivers:
        for data in [b"".join(lines)] if together else lines:
            taken.receive(receiver, data, just(5_000))
    taken.flush()
    assert (taken.delivered, taken.duplicated, taken.fanout.count) == (4, 0, 4)
    assert (taken.leaves.delivered, taken.leaves.duplicated, taken.leaves.fanout.count) == (4, 2, 4)
    assert taken.take_completed() == [0, 0, 2, 4, 4, 4, SAYS, 0, 2, 4, 4, 4], "a leave is no message that is complete"


@pytest.mark.parametrize("numbers", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1, 1)])
def test_a_crowd_promises_no_order_but_each_of_its_stamps_counts_once(numbers: Sequence[int]) -> None:
    taken = account(1)
    for sender in (SAYS, LEAVES):
        receiver = Receiver(ROOM)
        for number in numbers:
            taken.receive(receiver, said(sender, number), just(5_000))
    taken.flush()
    for kind in (taken, taken.leaves):
        assert (kind.delivered, kind.reordered, kind.duplicated) == (3, 0, len(numbers) - 3)


def test_one_senders_own_order_is_still_checked() -> None:
    taken, receiver = account(1), Receiver(ROOM)
    for number in (1, 0):
        taken.receive(receiver, said(0, number), just(5_000))
    taken.flush()
    assert (taken.delivered, taken.reordered) == (2, 1)


def window(*parts: dict[str, list[int]], shown: list[int] | None = None) -> Window:
    one = Window(1, 0, 2 * SECOND, parts)
    one.assign(churn(), lambda histogram: None if shown is None else shown.append(histogram.count))
    return one


def churn(users: int = 10, **choices: Any) -> Churn:
    return Churn(ChurnSettings(**{"scenario": "churn", "room": ROOM, "residents": "4", **choices}), users)


def test_each_process_has_senders_of_its_own_that_nobody_else_has() -> None:
    one = window({ROOM: [0, 2]}, {ROOM: [1, 3]})
    crowds = one.add_crowds(ROOM)
    opening = one.opening({ROOM: [0, 2]})
    numbers = [each.sender for each in opening.senders] + [sender for pair in crowds for sender in pair]
    assert numbers == [0, 1, 2, 3, 4]
    assert opening.crowds == [Crowd(n, ROOM, n % 2 == 0) for n in (1, 2, 3, 4)]


def test_what_a_crowd_sends_is_due_to_every_resident_and_nothing_else_is() -> None:
    one = window({ROOM: [0, 2]}, {ROOM: [1]})
    assert one.crowd_due({ROOM: 4}) == 4 * 3
    state = Status(due=1, delivered=1)
    other = Status(due=1, crowd_sent={ROOM: 1}, crowd_left={ROOM: 2}, delivered=4, leaves_delivered=6)
    assert one.is_drained([state, other])
    assert not one.is_drained([state, replace(other, delivered=3)])
    assert not one.is_drained([state, replace(other, leaves_delivered=5)])


def test_a_guest_s_message_is_complete_when_every_process_with_residents_says_so() -> None:
    shown: list[int] = []
    one = window({ROOM: [0]}, {}, {ROOM: [1]}, shown=shown)
    ((says, _), *_) = one.add_crowds(ROOM)
    one.complete([says, 0, 1, 500, 500, 500])
    one.complete([says, 0, 1, 700, 700, 700])
    assert shown == [0, 1]


@pytest.mark.parametrize(
    ("choices", "users", "reason"),
    [
        ({"residents": "1"}, 10, "--residents 1 of 10 users is 1, churn needs 2"),
        ({"residents": "100%"}, 10, "--residents 100% of 10 users leaves nobody to come and go"),
        ({"announcers": 5}, 10, "--announcers 5 is more than the 4 residents"),
        ({"arrivals": 2.0, "stay": 4.0}, 10, r"--arrivals 2 a second who stay 4 s are 8 at a time, too many for 6 gue"),
    ],
)
def test_options_that_do_not_fit_are_refused(choices: dict[str, Any], users: int, reason: str) -> None:
    with pytest.raises(SetupError, match=re.escape(reason)):
        churn(users, **choices).check()


def test_by_default_half_of_the_guests_are_in_at_a_time() -> None:
    one = churn(104, stay=2.0)
    one.check()
    assert (one.residents, one.guests, one.arrivals) == (4, 100, 25.0)
    assert [user for user in range(104) if not one.is_guest(user)] == [0, 1, 2, 3]


def test_the_fan_out_of_a_guest_who_came_in_after_the_end_counts_too() -> None:
    one, late = window({ROOM: [0, 1]}), Slices(0, SECOND)
    late.at(7 * SECOND).add(500, 2)
    figures = Figures("churn", "host:1")
    one.sum_up(figures, Statement(crowd_sent={ROOM: 1}, delivered=2, joined=1, ended=1, slices=late.each()))
    assert figures.fanout.count == figures.delivered == figures.expected == 2


def of(*us: int) -> Histogram:
    histogram = Histogram()
    for each in us:
        histogram.add(each)
    return histogram


FLOWED = {
    "arrivals": 9,
    "late_arrivals": 2,
    "no_guest": 1,
    "departures": 5,
    "unclosed": 1,
    "stayed_ns": 10 * SECOND,
    "refused": {"full": 2},
    "cut_off": {"reset": 1},
    "connect": of(1_000).pack(),
    "join": of(2_000).pack(),
    "lateness": of(100).pack(),
    "levels": [0, 3, 1] + [0] * (LEVELS - 3),
}
STATEMENT = Statement(crowd_left={ROOM: 5}, leaves_duplicated=1, leaves=of(*[4_000] * 18), role=[FLOWED])
OTHER = Statement(leaves=of(3_000), role=[{}])  # it has residents only
MORE = replace(STATEMENT, role=[{**FLOWED, "levels": [0, 1, 3] + [0] * (LEVELS - 3)}])


def flowed(*statements: Statement) -> Flowed:
    one = Flowed(coming_s=2.0)
    one.take(window({ROOM: [0, 1]}, {ROOM: [2, 3]}), total(statements))
    return one


def test_the_processes_flows_add_up_to_one_part_of_the_summary() -> None:
    one = churn()
    one.flowed = flowed(STATEMENT, OTHER, MORE)
    part = one.part()["churn"]
    assert {name: value for name, value in part.items() if isinstance(value, int | float)} == {
        "residents": 4,
        "guests": 6,
        "arrivals": 18,
        "departures": 10,
        "refused": 4,
        "cut_off": 2,
        "unsettled": 2,
        "unclosed": 2,
        "late_arrivals": 4,
        "no_guest": 2,
        "arrivals_per_s": 9.0,
        "mean_stay_s": 2.0,
        "most_present": 4,
    }
    assert part["leave_notices"] == {"expected": 40, "delivered": 37, "lost": 3, "duplicated": 2}
    assert (part["refused_reasons"], part["cut_off_reasons"]) == ({"full": 4}, {"reset": 2})
    assert [part[name]["count"] for name in ("connect_us", "join_us", "leave_notice_us")] == [2, 2, 37]
    assert (part["quit_texts"], part["server"]) == ("shown", None)


def test_what_went_wrong_with_guests_is_a_reason_each() -> None:
    one = churn()
    one.flowed = flowed(STATEMENT)
    assert one.missed() == [
        "2 guests did not get in: full",
        "1 guest lost the connection: reset",
        "1 guest did not get in: no answer before the run's end",
        "1 guest had to close after QUIT, as the server did not in 10 s",
        "2 leave notices lost, the limit is 0",
        "1 leave notice duplicated, the limit is 0",
    ]


def test_the_most_frequent_reasons_are_shown_and_the_others_added_up() -> None:
    one = churn()
    reasons = {f"reason {number}": 10 - number for number in range(8)}
    one.flowed.counts["arrivals"] = sum(reasons.values())
    one.flowed.refused.update(reasons)
    assert one.missed() == [
        *(f"{10 - number} guests did not get in: reason {number}" for number in range(5)),
        "12 guests did not get in: other reasons",
    ]


def test_at_the_limits_nothing_is_missed() -> None:
    role = {**FLOWED, "arrivals": 5, "refused": {}, "cut_off": {}, "unclosed": 0}
    one = churn()
    one.flowed = flowed(replace(STATEMENT, leaves_duplicated=0, leaves=of(*[4_000] * 20), role=[role]))
    assert one.missed() == []


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running_server() as server:
        yield server.ports["irc"]


def check(report: Any, residents: int) -> None:
    """All that was to come has come, and is what the guests and the announcer sent."""
    churned, messages = report["churn"], report["messages"]
    assert churned["arrivals"] == churned["departures"] > 0
    due = churned["departures"] * residents
    assert churned["leave_notices"] == {"expected": due, "delivered": due, "lost": 0, "duplicated": 0}
    assert [churned[f"{name}_us"]["count"] for name in ("connect", "join")] == [churned["arrivals"]] * 2
    assert churned["leave_notice_us"]["count"] == due
    assert messages["sent"] == 10 + churned["arrivals"], "those of the announcer, and one of each guest"
    to_guests = messages["expected_deliveries"] - 10 * (residents - 1) - due
    assert 0 < to_guests <= 10 * churned["most_present"], "of the announcer's messages, those while they were in"
    assert messages["expected_deliveries"] == messages["delivered"] + messages["under_way"]
    assert report["members"] == {"joined": churned["arrivals"], "left": churned["arrivals"], "dropped": 0}


SERVE = """
import sys
from chat.cli import main
sys.exit(main(["serve", "--listen", "irc://127.0.0.1:0", "--rate-limit", "off"]))
"""
LEAK = """
import os, socket
close = socket.socket.close
def leak(self):
    if self.fileno() >= 0 and self.type == socket.SOCK_STREAM and self.family == socket.AF_INET:
        os.open(os.devnull, os.O_RDONLY)
    close(self)
socket.socket.close = leak
"""


HIDE = """
from chat.server.core.node import Node
quit = Node.quit
Node.quit = lambda self, user, reason: quit(self, user, "Client Quit")
"""


@contextmanager
def serving(program: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own: its port and its number."""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline().rpartition(":")[2]), process.pid
        finally:
            process.kill()


def test_a_run_accounts_for_every_leave_and_finds_the_server_as_it_was(tmp_path: Path) -> None:
    with serving(SERVE) as (port, pid):
        done = run(port, *FLOW, "--server-pid", str(pid), "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    check(report, residents=5)
    churned = report["churn"]
    before, peak, after = (churned["server"][moment] for moment in ("before", "peak", "after"))
    assert (after["descriptors"], after["threads"]) == (before["descriptors"], before["threads"])
    assert before["descriptors"] < peak["descriptors"] <= before["descriptors"] + 25
    assert (report["users"], churned["residents"], churned["guests"]) == (30, 5, 25)
    assert 0 < churned["most_present"] <= 25


def test_two_processes_count_exactly_what_one_does(port: int, tmp_path: Path) -> None:
    done = run(port, *FLOW, "--processes", "2", *master_port(), "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    check(summary(tmp_path), residents=5)
    assert summary(tmp_path)["churn"]["server"] is None


def test_a_server_that_leaks_a_descriptor_for_each_connection_fails(tmp_path: Path) -> None:
    with serving(LEAK + SERVE) as (port, pid):
        done = run(port, *FLOW, *LOSING, "--server-pid", str(pid), "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(tmp_path)
    server = report["churn"]["server"]
    leaked = server["after"]["descriptors"] - server["before"]["descriptors"]
    assert leaked == report["churn"]["departures"] + 1, "and one who rehearsed"
    (reason,) = report["reasons"]
    assert re.fullmatch(r"the server has \d+ descriptors after the guests have gone, before they came .*", reason)


def test_lost_and_repeated_leaves_are_counted_exactly(port: int, tmp_path: Path) -> None:
    with lossy_proxy(port, lose=[0], repeat=[1]) as tampered:
        done = run(tampered, *FLOW, *LOSING, "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(tmp_path)
    again = report["messages"]["duplicated"]
    assert again >= 4 + 5, "the announcer's second message and the second guest's, at whoever was in"
    assert report["reasons"] == [
        "9 deliveries lost; the requirement is lost=0",  # 4 of the announcer's first message, 5 of the guests'
        f"{again} deliveries duplicated; the requirement is duplicated=0",
        "5 leave notices lost, the limit is 0",
        "5 leave notices duplicated, the limit is 0",
    ]


def test_guests_who_find_no_place_are_refused_and_the_reason_is_the_server_s(tmp_path: Path) -> None:
    with running_server(max_per_address=6, exempt=()) as full:
        done = run(full.ports["irc"], *FLOW, "--stay", "0.6", "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    report = summary(tmp_path)
    churned = report["churn"]
    assert churned["arrivals"] == churned["departures"] + churned["refused"]
    assert churned["refused"] == sum(churned["refused_reasons"].values()) > 0
    assert any("too many connections from 127.0.0.1: the limit is 6" in reason for reason in report["reasons"])
    assert churned["leave_notices"]["lost"] == report["messages"]["lost"] == 0


def test_a_server_of_no_such_number_is_one_line_and_exit_status_2() -> None:
    done = run(1, *FLOW, "--server-pid", str(1 << 22))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0].endswith("error: --server-pid 4194304: there is no such process here")


@pytest.mark.parametrize(("more", "status"), [((), 0), (("--require", "leave_p99<60s"), 1)])
def test_a_server_that_changes_quit_texts_loses_nothing_and_is_said_to(
    tmp_path: Path, more: tuple[str, ...], status: int
) -> None:
    with serving(HIDE + SERVE) as (port, _):
        done = run(port, *FLOW, *more, "--report", str(tmp_path))
    assert done.returncode == status, done.stdout + done.stderr
    report = summary(tmp_path)
    assert report["churn"]["quit_texts"] == "changed"
    assert report["churn"]["departures"] > 0 == report["churn"]["leave_notices"]["expected"]
    assert report["reasons"] == ["leave_p99 has no sample, so leave_p99<60s is not met"] * status


def test_with_locusts_page_courses_follow_one_another_each_with_figures_of_its_own(port: int, tmp_path: Path) -> None:
    web_port = free_port()
    options = (*FLOW, "--autostart", "--web-host", "127.0.0.1", "--web-port", str(web_port), "--report", str(tmp_path))
    with started("--host", f"irc://127.0.0.1:{port}", *options) as page:
        assert page.stdout
        verdicts = (line.split()[0] for line in page.stdout if line.startswith((" PASS", " FAIL", " INVALID")))
        for _ in range(2):
            assert next(verdicts) == "PASS"
            check(summary(tmp_path), residents=5)
        page.send_signal(signal.SIGINT)
        assert page.wait(PATIENCE) == 0
