"""How a run goes, added up over processes, from what each says a few times a second."""

from typing import Any

from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures, Verdict
from loadtest.core.verdict import measures
from loadtest.run.live import Live, Situation, judge_so_far, look
from loadtest.run.messages import Delta, Status
from loadtest.run.settings import Settings

EMPTY: dict[str, list[int]] = {"fanout": [], "send_lateness": [], "loop_lag": [], "receive_backlog": []}


def packed(*samples: int) -> list[int]:
    histogram = Histogram()
    for us in samples:
        histogram.add(us)
    return histogram.pack()


def status(
    window: int = 1,
    sent: int = 0,
    fanout: tuple[int, ...] = (),
    overdue: int | None = 0,
    within: tuple[int, ...] = (),
    across: tuple[int, ...] = (),
    **more: Any,
) -> Status:
    several = {name: packed(*each) for name, each in (("within", within), ("across", across)) if each}
    grown = {**EMPTY, "fanout": packed(*fanout) if fanout else [], **several}
    usual = {**dict.fromkeys(("duplicated", "reordered", "stray", "corrupt", "late"), 0), "cpu_percent": 1.0}
    return Status(window=window, delta=Delta(grown, sent, overdue, **{**usual, **more}))


def seen(live: Live, now_s: float, start_s: float = 0.5) -> dict[str, Any]:
    where = Situation("broadcast", "window 1", 9, 0, 9, 2, start_s, now_s - start_s)
    return look(live, Histogram(), where, None, now_s)


def test_what_processes_say_is_added_up_and_counts_that_are_so_far_are_not_added_twice() -> None:
    live = Live()
    live.take("a", status(sent=2, fanout=(100, 200), overdue=3, late=1, cpu_percent=5.0), 1.0)
    live.take("b", status(sent=1, fanout=(50,), overdue=1, cpu_percent=7.0), 1.1)
    live.take("a", status(sent=4, fanout=(150,), overdue=2, late=2, cpu_percent=4.0), 1.2)
    values = seen(live, 2.5)
    nothing = dict.fromkeys(("duplicated", "reordered", "stray", "corrupt"), 0)
    assert values["messages"] == {"sent": 5, "delivered": 4, "lost": 3, **nothing, "late": 2}
    assert values["whole"]["fanout_us"]["max"] == 200
    assert values["whole"]["messages_per_s"] == 2.5
    assert values["generator"]["cpu_percent"] == 7.0


def test_a_new_window_begins_from_nothing_and_a_straggler_of_the_old_one_is_not_heard() -> None:
    live = Live()
    live.take("a", status(1, sent=9, fanout=(100,)), 1.0)
    live.take("a", status(2, sent=1, fanout=(300,)), 2.0)
    live.take("b", status(1, sent=9, fanout=(100,)), 2.1)
    live.take("b", Status(), 2.2)
    assert seen(live, 4.0)["messages"]["sent"] == 1
    assert seen(live, 4.0)["whole"]["fanout_us"]["count"] == 1


def test_recent_is_the_last_whole_seconds_with_a_longest_of_their_own() -> None:
    live = Live()
    live.take("a", status(sent=10, fanout=(90_000,)), 1.5)
    for second in range(2, 9):
        grown = [200, 100, 90_000, *packed(100, 100)[3:]]  # the longest of all so far is told with it
        state = status(sent=10 + 2 * (second - 1))
        assert state.delta
        state.delta.grown["fanout"] = grown
        live.take("a", state, second + 0.5)
    recent = seen(live, 8.9)["recent"]
    assert recent == {
        "fanout_us": {"count": 10, "p50": 100, "p90": 100, "p99": 100, "p999": 100, "max": 100},
        "messages_per_s": 2.0,
        "deliveries_per_s": 2.0,
    }


def test_before_a_second_is_over_there_are_no_rates() -> None:
    assert seen(Live(), 0.9)["recent"]["messages_per_s"] is None
    assert seen(Live(), 0.9, start_s=0)["whole"]["deliveries_per_s"] is not None


def test_lost_is_open_where_a_process_cannot_tell() -> None:
    live = Live()
    live.take("a", status(sent=2, overdue=3), 1.0)
    live.take("b", status(overdue=None), 1.0)
    assert seen(live, 2.0)["messages"]["lost"] is None
    assert live.added_to(Figures("broadcast", "there"), Histogram()).lost == 0


def test_the_verdict_so_far_has_what_earlier_windows_missed_and_what_this_one_does() -> None:
    live = Live()
    live.take(
        "a", status(sent=1, fanout=(100,), overdue=2, duplicated=1, stray=4, corrupt=2, dropped={"reset": 1}), 1.0
    )
    before = Figures("broadcast", "there", expected=5, delivered=4, reordered=1)
    verdict = judge_so_far(live.added_to(before, Histogram()), Settings(), measures(live.added_to(before, Histogram())))
    assert verdict == Verdict(
        "fail",
        [
            "1 user lost the connection: reset",
            "3 deliveries lost; the requirement is lost=0",
            "1 delivery duplicated; the requirement is duplicated=0",
            "1 delivery reordered; the requirement is reordered=0",
            "4 deliveries stray: read by users whom they are not due to; the requirement is stray=0",
            "2 deliveries corrupt: not what was sent; the requirement is corrupt=0",
        ],
    )
    assert (before.expected, before.delivered) == (5, 4)


def test_an_objective_is_held_against_what_has_a_sample() -> None:
    figures = Figures("broadcast", "there", expected=1, delivered=1)
    limits = Settings(require="p99<50ms,join_p99<1s")
    assert judge_so_far(figures, limits, {"p99": 60_000.0, "join_p99": None}) == Verdict(
        "fail", ["p99 is 60.000 ms, the requirement is p99<50ms"]
    )
    assert judge_so_far(figures, limits, {}) == Verdict("pass", [])
    assert judge_so_far(Figures("broadcast", "there"), limits, {}) is None


def test_a_requirement_of_deliveries_across_nodes_is_held_against_the_window_under_way() -> None:
    live = Live()
    live.take("a", status(sent=1, fanout=(100, 900), within=(100,), across=(900,)), 1.0)
    figures = live.added_to(Figures("broadcast", "there", nodes=2), Histogram())
    verdict = judge_so_far(figures, Settings(require="within_max<0.5ms,across_max<0.5ms"), measures(figures))
    assert verdict == Verdict("fail", ["across_max is 0.900 ms, the requirement is across_max<0.5ms"])


def test_what_was_lost_across_nodes_in_an_earlier_window_stays_lost() -> None:
    live = Live()
    live.take("a", status(sent=1, fanout=(100,), across=(100,)), 1.0)
    figures = live.added_to(Figures("broadcast", "there", nodes=2, across_due=3), Histogram())
    assert figures.never_of(figures.across) == 3
