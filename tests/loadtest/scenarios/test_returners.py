"""Every user who was in is back, still away, or kept its connection; every attempt is counted once, by its outcome."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import gevent
import pytest
from gevent.event import Event

from loadtest.core.histogram import Histogram
from loadtest.core.reasons import MOST
from loadtest.core.receiver import Receiver
from loadtest.net.addresses import Sources
from loadtest.net.connection import Door
from loadtest.run.hosts import Hosts
from loadtest.run.role import Gone
from loadtest.run.settings import Settings
from loadtest.scenarios.stampede.returns import Attempts, Return, StampedeSettings
from loadtest.scenarios.stampede.worker import Returners
from tests.support import PATIENCE

SOON = 3_600_000_000_000  # ns, an hour: nobody waits for it
REFUSED, TIMED_OUT, RESET = ConnectionRefusedError(111, "refused"), TimeoutError("timed out"), ConnectionResetError()
IN, LOST_AT_ONCE, HANG = "in", "lost at once", "hang"


class Part:
    def __init__(self) -> None:
        self.parted: list[tuple[int, str]] = []

    def remove(self, member: Any, why: str) -> None:
        self.parted.append((member.number, why))


class Worker:
    """What a role knows of its worker, and its users, who are all in."""

    def __init__(self, *outcomes: list[Any]) -> None:
        self.run_id = "run"
        self.rank = 0
        self.sources = Sources()
        self.hosts = Hosts(("irc://here",))
        stampede = StampedeSettings(scenario="stampede", backoff=0.01, backoff_most=0.01)
        self.settings: Settings = stampede
        self.part: Any = Part()
        self.members: Any = {}
        self.turned_down: Counter[str] = Counter()
        self.role = Returners(self, stampede)
        self.users = [Traveller(self.role, number, each) for number, each in enumerate(outcomes)]
        self.members.update(enumerate(self.users))

    def nick_of(self, number: int) -> str:
        return f"u{number}"

    def node_of(self, number: int) -> int:
        return 0

    def refuse(self, reason: str) -> None:
        self.turned_down[reason] += 1

    def report(self, kind: str, ns: int, error: Exception | None = None) -> None: ...

    def order(self, kind: str, **data: Any) -> dict[str, Any]:
        answer = self.role.orders[kind](data)
        assert answer is not None
        return answer

    def figures(self, wait: bool = True) -> Return:
        total = Return()
        total.take([self.order("returned", since_ns=0, until_ns=time.monotonic_ns() + SOON if wait else 0)])
        return total


class Traveller:
    """A user whose ways in are scripted: each an error, or how it goes well."""

    def __init__(self, role: Returners, number: int, outcomes: list[Any]) -> None:
        self.role: Any = role
        self.number = number
        self.outcomes = outcomes
        self.label = ""
        self.ledger: Any = "the last window's"
        self.receiver = Receiver("#load")
        self.door = Door(1)
        self.at_once = False
        self.connect_patience = 60.0
        self.gone = Event()
        self.gone_why = ""
        self.failure: Exception | None = None
        self.is_in = True
        self.greenlet = gevent.spawn(self._live)

    def _live(self) -> None:
        with suppress(Gone):
            self.role.stay(self)

    def lose(self, reason: str = "closed by the server") -> None:
        self.is_in, self.gone_why = False, reason
        self.gone.set()
        self.role.lost(self, reason)

    def leave(self) -> None:
        self.is_in = False

    def enter(self, room: str) -> bool:
        self.gone.clear()
        self.failure = None
        outcome = self.outcomes.pop(0)
        try:
            if isinstance(outcome, Exception):
                raise outcome
            with nullcontext() if self.at_once else self.door.passing():
                self.role.connected(self)
                if outcome == HANG:
                    gevent.sleep(float("inf"))
        except Exception as error:
            self.failure, self.gone_why = error, f"connect: {error}"
            self.gone.set()
            self.role.refused(self, self.gone_why)
            return False
        self.is_in = outcome == IN
        if not self.is_in:
            self.gone_why = "reset"
            self.gone.set()
        return True


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    made: list[Worker] = []
    yield made
    for worker in made:
        worker.role.end()
        gevent.killall([user.greenlet for user in worker.users])


@pytest.fixture
def worker(workers: list[Worker], request: pytest.FixtureRequest) -> Worker:
    workers.append(Worker(*request.param))
    gevent.sleep(0)
    return workers[0]


def adds_up(total: Return) -> bool:
    attempts = total.attempts.figures()
    return (
        total.users == total.returned + total.still_away + total.kept
        and attempts["made"] == sum(count for name, count in attempts.items() if name != "made")
        and attempts["succeeded"] == total.returned + total.lost_again
    )


@pytest.mark.parametrize(
    "worker", [([IN], [REFUSED, REFUSED, IN], [TIMED_OUT, RESET, LOST_AT_ONCE, IN])], indirect=True
)
def test_users_come_back_as_often_as_it_takes_and_each_attempt_is_counted_by_its_outcome(worker: Worker) -> None:
    worker.order("watch")
    for user in worker.users:
        user.lose()
    assert (worker.role.standing, worker.members) == (3, {})
    total = worker.figures()
    assert (total.users, total.returned, total.still_away, total.kept) == (3, 3, 0, 0)
    assert total.attempts.figures() == {
        "made": 8,
        "succeeded": 3,
        "refused": 2,
        "timed_out": 1,
        "other": 2,
        "unfinished": 0,
    }
    assert total.attempts.reasons == {"connect: ": 1, "reset": 1}
    assert (total.connect.count, total.first_ns is not None) == (4, True)
    assert adds_up(total)
    assert (worker.role.standing, worker.members) == (0, dict(enumerate(worker.users)))
    assert not worker.turned_down  # nobody is refused, and nobody dropped, who comes back
    assert not worker.part.parted
    assert {user.ledger for user in worker.users} == {None}


@pytest.mark.parametrize("worker", [([IN], [HANG], [REFUSED] * 10_000, [IN])], indirect=True)
def test_who_is_not_back_in_time_is_still_away_and_is_given_up(worker: Worker) -> None:
    worker.order("watch")
    for user in worker.users[:3]:
        user.lose()
    while 0 not in worker.members or worker.users[1].outcomes:  # the first is back, the second on the way in
        gevent.sleep(0)
    total = worker.figures(wait=False)
    assert (total.users, total.returned, total.still_away, total.kept) == (4, 1, 2, 1)
    assert (total.attempts.unfinished, total.attempts.other) == (1, 0)
    assert adds_up(total)
    assert worker.turned_down == {"the time to return in was over": 2}
    gevent.joinall([user.greenlet for user in worker.users[1:3]], PATIENCE)
    assert [user.greenlet.dead for user in worker.users] == [False, True, True, False]
    assert worker.turned_down.total() == 2
    assert not any(user.is_in for user in worker.users[1:3])


@pytest.mark.parametrize("worker", [([IN, IN], [HANG])], indirect=True)
def test_who_loses_the_connection_again_before_all_are_back_comes_back_again(worker: Worker) -> None:
    worker.order("watch")
    for user in worker.users:
        user.lose()
    while 0 not in worker.members:
        gevent.sleep(0)
    worker.users[0].lose("reset")
    assert 0 not in worker.members
    while 0 not in worker.members:
        gevent.sleep(0)
    total = worker.figures(wait=False)
    assert (total.returned, total.lost_again, total.attempts.succeeded) == (1, 1, 2)
    assert total.cut_off == {"closed by the server": 2, "reset": 1}
    assert adds_up(total)


@pytest.mark.parametrize("worker", [([IN], [IN])], indirect=True)
def test_after_the_return_a_lost_connection_is_dropped_as_in_any_scenario(worker: Worker) -> None:
    worker.order("watch")
    for user in worker.users:
        user.lose()
    assert worker.figures().returned == 2
    worker.users[0].lose("reset")
    assert worker.part.parted == [(0, "reset")]
    assert worker.turned_down == {"lost: reset": 1}
    worker.users[0].greenlet.join(PATIENCE)
    assert worker.users[0].greenlet.dead


class Shut(Door):
    def passing(self) -> Any:
        raise OSError("held up")


@pytest.mark.parametrize("worker", [([IN, IN],)], indirect=True)
def test_a_crowd_is_not_held_up_at_the_door(worker: Worker) -> None:
    worker.users[0].door = Shut(1)
    worker.order("watch")
    worker.users[0].lose()
    assert worker.figures().attempts.figures()["made"] == 1
    assert worker.users[0].connect_patience == StampedeSettings().attempt_timeout


@pytest.mark.parametrize("worker", [([IN], [IN], [IN])], indirect=True)
def test_no_two_users_share_a_schedule(worker: Worker) -> None:
    worker.order("watch")
    for user in worker.users:
        user.lose()
    worker.figures()
    assert len({chance.random() for chance in worker.role._chances.values()}) == 3


def test_reasons_of_failures_do_not_grow_without_end() -> None:
    attempts = Attempts()
    for number in range(MOST + 5):
        attempts.fail(RESET, f"433 u{number} is taken")
    attempts.fail(RESET, "433 u0 is taken")
    assert (attempts.other, len(attempts.reasons)) == (MOST + 6, MOST + 1)
    assert attempts.reasons["433 u0 is taken"] == 2
    assert attempts.reasons["other reasons"] == 5


def answer(*back_s: float, away: int = 0, **more: Any) -> dict[str, Any]:
    """What a process states whose users were back after so many seconds."""
    back = Histogram()
    for moment in back_s:
        back.add(round(moment * 1e6))
    empty = Histogram().pack()
    return {
        "users": len(back_s) + away,
        "still_away": away,
        "kept": 0,
        "cut_off": {},
        "lost_again": 0,
        "attempts": Attempts(made=len(back_s), succeeded=len(back_s)).plain(),
        "back": back.pack(),
        "tenths": sorted(Counter(int(moment * 10) for moment in back_s).items()),
        "connect": empty,
        "first_ns": None,
        "loop_lag": empty,
        "cpu_percent": 0.0,
        **more,
    }


def returned(*answers: dict[str, Any]) -> Return:
    total = Return()
    total.take(answers)
    return total


def test_the_moments_when_half_and_all_were_back_are_those_of_all_processes_together() -> None:
    total = returned(answer(1, 2, 3, 4, first_ns=7), answer(5, 6, 7, 8, 9, 10, first_ns=5), answer())
    assert (total.users, total.returned, total.first_ns) == (10, 10, 5)
    assert total.back_us(0.5) == pytest.approx(5e6, rel=0.01)
    assert total.back_us(0.9) == pytest.approx(9e6, rel=0.01)
    assert total.back_us(1) == 10_000_000


def test_a_share_of_all_users_that_was_never_back_has_no_moment() -> None:
    total = returned(answer(1, 2, 3, 4, 5, away=5))
    assert total.back_us(0.5) == 5_000_000  # of ten users, though it is all who returned
    assert total.back_us(0.6) is None
    assert total.back_us(1) is None
    assert returned(answer()).back_us(0.5) is None


def test_the_busiest_second_is_found_wherever_it_begins() -> None:
    assert returned(answer(0.1, 0.95, 1.05, 1.6), answer(1.85, 2.5)).most_in_1_s == 4
    assert returned(answer()).most_in_1_s == 0


@pytest.mark.parametrize(
    ("total", "lines"),
    [
        (returned(answer(1, 60)), []),
        (returned(answer(1, away=1)), ["1 of 2 users were back 60 s after the stop"]),
        (returned(answer(1, 60.5)), ["the last user was back after 60.500 s, the limit is 60 s"]),
        (
            returned(answer(1, attempts=Attempts(made=4, succeeded=1, timed_out=3).plain())),
            ["3 of 4 attempts to return timed out, the limit is 2"],
        ),
        (
            returned(answer(1, users=2, kept=1)),
            [
                "1 of 2 users were back 60 s after the stop",
                "1 of 2 users kept the connection: the server did not end it",
            ],
        ),
    ],
)
def test_what_was_missed_is_told_with_both_numbers(total: Return, lines: list[str]) -> None:
    assert total.missed(60, 2) == lines


def test_a_generator_that_was_late_or_busy_during_the_return_is_a_fault() -> None:
    lag = Histogram()
    lag.add(101_000)
    total = returned(answer(1, loop_lag=lag.pack()), answer(1, cpu_percent=91.0))
    assert total.faults(100, 90) == [
        "the generator read late during the return: loop lag p99 101.000 ms, the limit is 100 ms",
        "the generator was busy during the return: 91 % of a core, the limit is 90 %; use more --processes",
    ]
    assert total.faults(101, 91) == []
