"""Several windows at one load are judged as one long one, and what they say is said in words."""

from dataclasses import fields
from typing import Any

import pytest

from loadtest.core.histogram import Histogram
from loadtest.core.result import Cost, Figures
from loadtest.core.search import BISECT, GENERATOR, HELD, MISSED, REPEAT, UP, Bounds, Search, Step
from loadtest.core.slices import TENTHS
from loadtest.scenarios.capacity import steps as capacity_steps
from loadtest.scenarios.capacity.steps import Played, at, side, together


def of(*us: int) -> Histogram:
    histogram = Histogram()
    for each in us:
        histogram.add(each)
    return histogram


def tenths(*us: int) -> list[Histogram]:
    """A sample in each of the first."""
    return [of(each) for each in us] + [of() for _ in range(TENTHS - len(us))]


def figures(us: int, **changes: Any) -> Figures:
    times = {name: of(us) for name in ("fanout", "first", "median", "complete")}
    health = {name: of(us) for name in ("send_lateness", "loop_lag", "receive_backlog")}
    usual = {"asked_users": 4, "users": 4, "duration_s": 10.0, "sent": 5, "expected": 15, "delivered": 15}
    return Figures("capacity", "host:1", **{**times, **health, **usual, **changes})


def played(load: float, phase: str, result: str, us: int = 1_000, *reasons: str, **changes: Any) -> Played:
    return Played(load, phase, 10.0, result, figures(us, **changes), list(reasons))


def test_counts_add_up_times_are_merged_and_the_worst_cpu_counts() -> None:
    steps = [
        played(
            4,
            REPEAT,
            HELD,
            1_000,
            cpu_percent=10.0,
            dropped={"reset": 1},
            tenths=tenths(1),
            complete_by_size={3: of(7)},
        ),
        played(4, REPEAT, HELD, 3_000, cpu_percent=30.0, dropped={"reset": 2, "quit": 1}, tenths=tenths(2, 3)),
    ]
    total = together(steps, "host:1")
    assert (total.users, total.duration_s, total.sent, total.delivered, total.lost) == (4, 20.0, 10, 30, 0)
    assert (total.cpu_percent, total.dropped) == (30.0, {"reset": 3, "quit": 1})
    assert total.fanout == total.loop_lag == of(1_000, 3_000)
    assert total.tenths[:3] == [of(1, 2), of(3), of()]
    assert total.complete_by_size == {3: of(7)}
    assert steps[0].figures.fanout == of(1_000), "a step's own figures stay as they are"


def test_each_window_keeps_its_time() -> None:
    first: dict[str, Any] = {
        "over_time": [(0.0, of(1)), (1.0, of(2))],
        "costs": [Cost(1.0), Cost(2.0)],
        "began_ns": 5_000_000_000,
    }
    later: dict[str, Any] = {
        "over_time": [(0.0, of(3))],
        "costs": [Cost(3.0)],
        "marks": [(0.5, "a word")],
        "began_ns": 17_000_000_000,
    }
    total = together([played(4, REPEAT, HELD, **first), played(4, REPEAT, HELD, **later)], "host:1")
    assert total.over_time == [(0.0, of(1)), (1.0, of(2)), (12.0, of(3))]
    assert total.costs == [Cost(1.0), Cost(2.0), Cost(3.0)]
    assert (total.marks, total.began_ns) == ([(12.5, "a word")], 5_000_000_000)


def test_one_window_alone_is_what_it_is_whatever_figures_come_to_be() -> None:
    one = figures(1_000, cpu_percent=3.0, dropped={"reset": 1}, under_way=1, joined=2, left=3, clock_error_us=9)
    one.began_ns, one.over_time, one.costs, one.marks = 7, [(0.0, of(1))], [Cost(1.0)], [(0.5, "a word")]
    total = together([Played(4, UP, 10.0, HELD, one)], "host:1")
    assert [each.name for each in fields(Figures) if getattr(total, each.name) != getattr(one, each.name)] == []


def test_the_repeats_decide_where_there_are_any() -> None:
    steps = [played(4, UP, HELD), played(8, UP, MISSED), played(4, REPEAT, HELD), played(4, REPEAT, MISSED, 9, "slow")]
    assert at(4, steps) == steps[2:]
    assert at(8, steps) == [steps[1]]
    knee = side(4, steps, "host:1")
    assert knee
    assert (knee["load"], knee["steps"], knee["held"], knee["reasons"]) == (4, 2, 1, ["slow"])
    assert (knee["sent"], knee["expected_deliveries"], knee["fanout_us"]["count"]) == (10, 30, 2)
    assert side(None, steps, "host:1") is None


def searched(*steps: Played, most: float = 80, max_steps: int = 40, repeats: int = 1) -> Search:
    search = Search(Bounds(10, most, 5.0, repeats, max_steps, whole=True))
    for step in steps:
        search.note(Step(step.load, step.phase), step.result)
    return search


CASES: dict[str, tuple[list[Played], dict[str, Any], str, str, list[str]]] = {
    "both sides": (
        [
            *(played(10, UP, HELD), played(20, UP, MISSED, 1, "p99 is high"), played(15, BISECT, HELD)),
            *(played(17, BISECT, HELD), played(18, BISECT, HELD), played(19, BISECT, MISSED, 1, "x")),
            *(played(18, REPEAT, HELD), played(19, REPEAT, MISSED, 1, "p99 is 60 ms", "more")),
        ],
        {},
        *("exact", "pass"),
        ["the server keeps p99<50ms up to 18 users (95 %: 17 to 20), and misses it at 19: p99 is 60 ms"],
    ),
    "all good": (
        [played(10, UP, HELD), played(10, REPEAT, HELD)],
        {"most": 10},
        *("at_least", "pass"),
        ["the server keeps p99<50ms up to at least 10 users, the highest load that was tried"],
    ),
    "the generator": (
        [played(10, UP, HELD), *[played(20, UP, GENERATOR, 1, "it was busy")] * 2],
        {},
        *("at_least", "pass"),
        ["the generator is the limit at 20 users: the server keeps p99<50ms up to at least 10", "it was busy"],
    ),
    "the generator at once": (
        [played(10, UP, GENERATOR, 1, "it was busy")] * 2,
        {},
        *("none", "invalid"),
        ["the generator is the limit at 10 users: nothing is known of the server", "it was busy"],
    ),
    "nothing good": (
        [played(10, UP, MISSED, 1, "first"), played(10, REPEAT, MISSED, 1, "p99 is high")],
        {},
        *("none", "fail"),
        ["the server misses p99<50ms at 10 users, the lowest load", "p99 is high"],
    ),
    "no end": (
        [played(10, UP, HELD)],
        {"max_steps": 1},
        *("at_least", "pass"),
        ["the server keeps p99<50ms up to at least 10 users; --max-steps 1 were not enough to find its limit"],
    ),
    "a doubt": (
        [played(10, UP, HELD), *[played(10, REPEAT, HELD)] * 2, played(10, REPEAT, MISSED, 1, "once")],
        {"most": 10, "repeats": 3},
        *("at_least", "pass"),
        [
            "the server keeps p99<50ms up to at least 10 users, the highest load that was tried",
            "at 10 users the first step held, and 2 of 3 repeats held",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_verdict_says_up_to_where_and_what_is_the_limit(
    case: tuple[list[Played], dict[str, Any], str, str, list[str]],
) -> None:
    steps, changes, result, word, reasons = case
    search = searched(*steps, **changes)
    assert search.next_step() is None
    assert capacity_steps.outcome(search) == result
    verdict = capacity_steps.verdict(search, steps, "p99<50ms", by_users=True)
    assert (verdict.word, verdict.reasons) == (word, reasons)


def test_a_search_that_stepped_down_says_so() -> None:
    steps = [
        *(played(10, UP, HELD), played(11, UP, HELD), played(11, REPEAT, MISSED, 1, "p99 is high")),
        played(10, REPEAT, HELD),
    ]
    search = searched(*steps, most=11)
    assert capacity_steps.verdict(search, steps, "lost=0", by_users=False).reasons == [
        "the server keeps lost=0 up to 10 messages/s, and misses it at 11: p99 is high",
        "at 11 messages/s the first step held, and 0 of 1 repeats held, so the search stepped down",
    ]


def test_a_step_is_a_line() -> None:
    step = played(4, UP, MISSED, 61_000, "p99 is 61 ms", asked_users=1_000)
    assert capacity_steps.of_step(step) == "up, 1,000 users at 10 messages/s: missed, p90 61.000 ms (p99 is 61 ms)"
