"""A guest comes, says one thing, goes, and may come again; whatever hinders it is counted under its own name.

The flow has a thread of its own, and so a hub of its own; the test is the server, or a resident of one. Counts decide:
the plan's times are only so far apart that their order is certain, or none matters.
"""

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from loadtest.core.examine import Audience
from loadtest.core.histogram import Histogram
from loadtest.core.ledger import Ledger
from loadtest.core.schedules import Schedule
from loadtest.core.stamps import Stamp, Stamps
from loadtest.scenarios.churn import flow
from loadtest.scenarios.churn.flow import Flow, Times, Way
from tests.scripted import ScriptedServer, scripted_server
from tests.support import PATIENCE, IrcClient, running_server

RUN, ROOM = "0123abcd", "#load"
SIZE = 80  # bytes of a message
SAYS, LEAVES = 1, 2  # senders
SECOND = 1_000_000_000  # ns
OUTCOMES = ("arrivals", "departures", "no_guest", "unclosed")


class Accounts:
    """What a flow needs of a window's part."""

    def __init__(self) -> None:
        table = Schedule(0, 1, 1)
        self.ledgers = [Ledger(Stamps(RUN, 1, SIZE), SECOND, {0: Audience(ROOM, 0, 1, schedule=table)})]
        self.crowd_sent: Counter[str] = Counter()
        self.crowd_left: Counter[str] = Counter()
        self.send_lateness = Histogram()

    def words(self, stamp: Stamp) -> str:
        return Stamps(RUN, 1, SIZE).text(stamp)

    def leave_words(self, stamp: Stamp) -> str:
        return Stamps(RUN, 1, SIZE).head(stamp)


class Running:
    """A flow under way."""

    def __init__(
        self, port: int, nicks: Sequence[str], plan: Sequence[Times], patience: float = PATIENCE, stamped: bool = True
    ) -> None:
        self.accounts = Accounts()
        self.reports: list[tuple[str, str]] = []
        way = Way([(socket.AF_INET, ("127.0.0.1", port))], ROOM, patience)
        flow = self._flow = Flow(self.accounts, way, (SAYS, LEAVES), stamped)
        flow.report = lambda kind, ns, error: self.reports.append((kind, str(error or "")))
        self.start_ns = time.monotonic_ns()
        guests = [(nick, 0) for nick in nicks]
        self._thread = threading.Thread(target=flow.run, args=(guests, plan, self.start_ns, self.start_ns + SECOND))
        self._thread.start()

    def end(self) -> dict[str, Any]:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self._flow.statement()


def plan(*times: tuple[float, float]) -> list[Times]:
    """Comings and goings in milliseconds."""
    return [Times(round(come * 1e6), round(go * 1e6)) for come, go in times]


def outcomes(statement: dict[str, Any]) -> tuple[int, ...]:
    return tuple(statement[name] for name in OUTCOMES)


def heard(resident: IrcClient, departures: int) -> list[tuple[str, str, Stamp]]:
    """Who said what and left, up to so many departures: nickname, verb and stamp."""
    seen: list[tuple[str, str, Stamp]] = []
    while departures:
        message = resident.read()
        assert message
        if message.verb in ("PRIVMSG", "QUIT"):
            (stamp,) = Stamps(RUN, 1, SIZE).find(message.params[-1].encode())
            seen.append((message.nick, message.verb, stamp))
            departures -= message.verb == "QUIT"
    return seen


def admit(server: ScriptedServer) -> IrcClient:
    """Let the next guest in, up to its message."""
    end = server.accept()
    end.expect("USER")
    end.send(":irc.example 001 g :Welcome")
    end.expect("JOIN")
    end.send(":g!g@h JOIN #load", ":irc.example 366 g #load :End")
    end.expect("PRIVMSG")
    return end


def test_a_visit_is_one_message_and_one_stamped_leave_that_others_learn_of() -> None:
    with running_server() as server:
        resident = server.irc("ana", ROOM)
        running = Running(server.ports["irc"], ["g1", "g2"], plan((1, 300), (2, 310), (3, 320)))
        seen = heard(resident, 2)
        statement = running.end()
    assert outcomes(statement) == (2, 2, 1, 0), "two guests, three arrivals"
    assert sorted((nick, verb) for nick, verb, _ in seen) == [
        (nick, verb) for nick in ("g1", "g2") for verb in ("PRIVMSG", "QUIT")
    ]
    for verb, sender in (("PRIVMSG", SAYS), ("QUIT", LEAVES)):
        assert sorted(stamp[:2] for _, said, stamp in seen if said == verb) == [(sender, 0), (sender, 1)]
    leaves = sorted(stamp.intended_ns - running.start_ns for _, verb, stamp in seen if verb == "QUIT")
    assert leaves == [300_000_000, 310_000_000], "to the nanosecond as planned, however late they were sent"
    assert (running.accounts.crowd_sent[ROOM], running.accounts.crowd_left[ROOM]) == (2, 2)
    assert sorted(running.reports) == [("connect", "")] * 2 + [("join", "")] * 2
    assert max(statement["levels"]) == 2
    assert statement["levels"][-1] == 0


def test_a_guest_who_has_gone_comes_again_under_its_name() -> None:
    with running_server() as server:
        resident = server.irc("ana", ROOM)
        running = Running(server.ports["irc"], ["g1"], plan((1, 2), (1_500, 1_501)))
        assert [(nick, verb) for nick, verb, _ in heard(resident, 2)] == [("g1", "PRIVMSG"), ("g1", "QUIT")] * 2
        assert outcomes(running.end()) == (2, 2, 0, 0)


def test_who_should_be_gone_before_it_is_in_goes_as_soon_as_it_is() -> None:
    with scripted_server() as server:
        running = Running(server.target.port, ["g1"], plan((0, 0)))
        end = admit(server)
        end.expect("QUIT")
        end.sock.close()
        assert outcomes(running.end()) == (1, 1, 0, 0)


def test_what_is_waited_counts_from_the_time_planned_not_from_when_the_generator_got_to_it() -> None:
    with running_server() as server:
        statement = Running(server.ports["irc"], ["g1"], [Times(-3 * SECOND, 0)]).end()
    assert statement["late_arrivals"] == 1
    for name in ("connect", "join", "lateness"):
        assert Histogram.unpack(statement[name]).longest > 3_000_000


def test_a_guest_whom_the_server_does_not_want_is_refused_in_its_words_and_goes_back_to_the_pool() -> None:
    with running_server() as server:
        server.irc("g1")
        running = Running(server.ports["irc"], ["g1"], plan((1, 2), (1_500, 1_501)))
        statement = running.end()
    assert outcomes(statement) == (2, 0, 0, 0)
    assert statement["refused"] == {"433 NICK Nickname is already in use": 2}, "whoever it was"
    assert not running.accounts.crowd_sent.total() + running.accounts.crowd_left.total()
    assert [kind for kind, reason in running.reports if "433" in reason] == ["connect", "connect"]


def test_a_server_with_a_reason_for_each_guest_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.core.reasons.MOST", 1)
    with scripted_server() as server:
        running = Running(server.target.port, ["g1", "g2", "g3"], plan((0, 1), (0, 1), (0, 1)))
        for number in range(3):
            server.accept().send(f"ERROR :full {number}")
        refused = running.end()["refused"]
    assert sorted(refused.values()) == [1, 2]
    assert refused["other reasons"] == 2


def test_a_server_that_never_answers_refuses_when_patience_is_over() -> None:
    with scripted_server() as server:
        running = Running(server.target.port, ["g1"], plan((0, 1)), patience=0.2)
        statement = running.end()
    assert statement["refused"] == {"not in within 0.2 s": 1}


def test_nobody_listening_is_a_refusal_too() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        statement = Running(unused.getsockname()[1], ["g1"], plan((0, 1))).end()
    assert statement["refused"] == {"[Errno 111] Connection refused": 1}


@pytest.mark.parametrize(("words", "reason"), [((), "closed by the server"), (("ERROR :Flood",), "Flood")])
def test_who_loses_the_connection_before_it_goes_is_cut_off_with_the_server_s_reason(
    words: tuple[str, ...], reason: str
) -> None:
    with scripted_server() as server:
        running = Running(server.target.port, ["g1"], plan((0, 1_500)))
        end = admit(server)
        end.send(*words)
        end.sock.close()
        statement = running.end()
    assert (outcomes(statement), statement["cut_off"]) == ((1, 0, 0, 0), {reason: 1})
    assert running.accounts.crowd_left[ROOM] == 0, "it never said that it leaves"
    assert statement["levels"][-1] == 0


def test_a_server_that_does_not_close_after_quit_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "FAREWELL_S", 0.1)
    with scripted_server() as server:
        running = Running(server.target.port, ["g1"], plan((0, 1)))
        end = admit(server)
        end.expect("QUIT")
        assert outcomes(running.end()) == (1, 1, 0, 1)
        assert end.rest() == [], "and the guest has closed then"


def test_pings_are_answered_by_those_who_are_in() -> None:
    with scripted_server() as server:
        running = Running(server.target.port, ["g1"], plan((0, 1_000)))
        end = admit(server)
        end.send(":g!g@h PRIVMSG #load :PING", "PING :are you there")
        assert end.expect("PONG").params == ["are you there"]
        end.expect("QUIT")
        end.sock.close()
        running.end()


def test_where_leaves_cannot_be_timed_they_are_not_stamped_and_nothing_is_expected() -> None:
    with scripted_server() as server:
        running = Running(server.target.port, ["g1"], plan((0, 1)), stamped=False)
        end = admit(server)
        assert not re.search("~", end.expect("QUIT").params[0])
        end.sock.close()
        assert outcomes(running.end()) == (1, 1, 0, 0)
    assert running.accounts.crowd_left[ROOM] == 0
