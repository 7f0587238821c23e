"""What who came back finds in the history: missed, doubled and reordered are counted exactly."""

from typing import Any

import pytest

from loadtest.core.requirements import Requirements
from loadtest.run.scenario import SCENARIOS
from loadtest.scenarios.stampede.history import Account, digest, first_seen, hold, sum_of, young
from loadtest.scenarios.stampede.returns import StampedeSettings

A, B, C, D = (0, 0), (0, 1), (1, 0), (1, 1)
MS = 1_000_000


@pytest.mark.parametrize(
    ("heard", "read", "missed", "doubled", "reordered"),
    [
        ([A, B], [A, B, C], 0, 0, 0),
        ([], [A, B, C], 0, 0, 0),
        ([A, B], [A, B, C, D], 0, 0, 0),  # what nobody had seen may be there
        ([A, B], [A, C], 1, 0, 0),
        ([A, B], [], 3, 0, 0),
        ([A, B], [A, B, A, C], 0, 1, 0),
        ([A, A, B], [A, B, C], 0, 1, 0),
        ([A, B, C], [B, A, C], 0, 0, 1),
        ([A, B, C], [C, A, B], 0, 0, 1),
    ],
)
def test_one_reader(
    heard: list[tuple[int, int]], read: list[tuple[int, int]], missed: int, doubled: int, reordered: int
) -> None:
    account = hold(heard, read, {A, B, C}, set())
    assert account == Account(1, missed=missed, doubled=doubled, reordered=reordered)


def test_what_may_be_missing_is_excused_and_counted() -> None:
    assert hold([A, B], [A], {A, B, C}, {B}) == Account(1, missed=1, excused=1)


def test_first_of_all_processes_counts() -> None:
    assert first_seen([[[0, 0, 7], [0, 1, 9]], [[0, 0, 5]]]) == {A: 5, B: 9}


def test_young_is_what_was_first_seen_shortly_before_the_kill_and_not_what_the_new_server_showed() -> None:
    seen = {A: 40 * MS, B: 51 * MS, C: 101 * MS, D: 200 * MS}
    assert young(seen, killed_ns=100 * MS, ended_ns=102 * MS, safe_after_ms=50) == {B, C}
    assert young(seen, killed_ns=100 * MS, ended_ns=102 * MS, safe_after_ms=0) == {C}


def test_readers_with_another_history_than_most_are_out_of_order() -> None:
    whole = {"readers": 2}
    assert sum_of([{"account": whole, "digests": {"x": 2}}, {"account": whole, "digests": {"x": 1, "y": 1}}]) == (
        Account(4, reordered=1)
    )


def test_histories_that_differ_only_in_what_nobody_had_seen_are_alike() -> None:
    assert digest([A, B], {A, B}) == digest([A, B, C], {A, B}) == digest([A, D, B], {A, B})
    assert digest([A, B], {A, B}) != digest([B, A], {A, B})


def test_each_count_that_is_not_0_fails_the_run_unless_more_is_allowed() -> None:
    one: Any = SCENARIOS["stampede"](StampedeSettings(scenario="stampede"), 5)
    one._account = Account(5, missed=1, doubled=2, reordered=3, excused=4)
    required = Requirements.over(type(one).requirement, "history_missed<2")
    assert required.missed(one.measures()) == [
        "2 deliveries doubled: more than once in the history after a restart; the requirement is history_doubled=0",
        "3 deliveries reordered: elsewhere in the history after a restart; the requirement is history_reordered=0",
    ]
    one._account = Account(5, excused=4)
    assert Requirements.over(type(one).requirement, "").missed(one.measures()) == []


def test_without_an_answer_the_run_fails_and_without_the_extension_only_where_it_is_needed() -> None:
    assert Account(5).wrong(needed=True) == []
    assert Account(not_offered=5).wrong(needed=False) == []
    assert Account(not_offered=5).wrong(needed=True) == ["the server offers no history (draft/chathistory) to 5 users"]
    assert Account(4, unanswered=1).wrong(needed=False) == ["1 users asked for the history and got no answer"]
