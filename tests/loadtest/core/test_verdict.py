"""Invalid comes before all else; a missed threshold is a fail and its reason shows both numbers; else it is a pass."""

from dataclasses import replace

import pytest

from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures
from loadtest.core.verdict import judge
from loadtest.run.settings import Settings


def of(*us: int) -> Histogram:
    histogram = Histogram()
    for each in us:
        histogram.add(each)
    return histogram


DIVERGED = "diverged: in another order than most receivers had"


def figures(**changes: object) -> Figures:
    good = Figures("broadcast", "host:1", 3, 3, 1, 2.0, sent=5, expected=10, delivered=10, fanout=of(2_000))
    return replace(good, **changes)  # type: ignore[arg-type]


def test_a_run_without_fault_or_threshold_passes() -> None:
    verdict = judge(figures(), Settings())
    assert (verdict.word, verdict.reasons, verdict.exit_status) == ("pass", [], 0)


@pytest.mark.parametrize(
    ("changes", "require", "reason"),
    [
        ({"delivered": 9}, "", "1 delivery lost; the requirement is lost=0"),
        ({"delivered": 7}, "lost<=2", "3 deliveries lost; the requirement is lost<=2"),
        ({"duplicated": 2}, "", "2 deliveries duplicated; the requirement is duplicated=0"),
        ({"reordered": 1}, "", "1 delivery reordered; the requirement is reordered=0"),
        ({"stray": 1}, "", "1 delivery stray: read by users whom they are not due to; the requirement is stray=0"),
        ({"corrupt": 1}, "", "1 delivery corrupt: not what was sent; the requirement is corrupt=0"),
        (
            {"diverged": 1},
            "",
            "1 delivery diverged: in another order than most receivers had; the requirement is diverged=0",
        ),
        ({"late": 1}, "", "late_share is 10 %, the requirement is late_share<1%"),
        ({"dropped": {"reset": 2}}, "", "2 users lost the connection: reset"),
        ({}, "p50<1.5ms", "p50 is 2.000 ms, the requirement is p50<1.5ms"),
        ({"complete": of(3_000)}, "complete_p99<2ms", "complete_p99 is 3.000 ms, the requirement is complete_p99<2ms"),
    ],
)
def test_a_missed_threshold_fails_with_both_numbers(changes: dict[str, object], require: str, reason: str) -> None:
    verdict = judge(figures(**changes), Settings(require=require))
    assert (verdict.word, verdict.reasons, verdict.exit_status) == ("fail", [reason], 1)


@pytest.mark.parametrize(
    ("changes", "require"),
    [
        ({"delivered": 8}, "lost<=2"),
        ({"stood_still_us": 1_000_000, "late": 1}, "late<=1,late_share<=10%"),
        ({"stood_still_us": 9_000_000}, ""),
        ({}, "p50<=2ms,p99<=2ms"),
        ({"send_lateness": of(20_000), "loop_lag": of(100_000), "cpu_percent": 90.0}, ""),
        ({"send_lateness": of(5_000)}, "p50<50ms"),
    ],
)
def test_a_figure_at_its_limit_passes(changes: dict[str, object], require: str) -> None:
    assert judge(figures(**changes), Settings(require=require)).word == "pass"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"faults": ["only 2 of 3 users were in"]}, "only 2 of 3 users"),
        ({"sent": 0, "expected": 0, "delivered": 0}, "no message was sent"),
        ({"send_lateness": of(21_000)}, "sent late: p99 21.000 ms after the intended time, the limit is 0.0001 ms"),
        ({"loop_lag": of(101_000)}, "loop lag p99 101.000 ms, the limit is 100 ms"),
        (
            {"receive_backlog": of(101_000)},
            "had arrived waited p99 101.000 ms, the limit is 100 ms; use more --processes",
        ),
        ({"stood_still_us": 1_000_001, "late": 1}, "stood still for 1,000.001 ms, the limit is 1,000 ms, 10 times"),
        ({"stood_still_us": 1_000_001, "delivered": 9}, "stood still for 1,000.001 ms"),
        ({"stood_still_us": 1_000_001, "dropped": {"reset": 1}}, "stood still for 1,000.001 ms"),
        ({"cpu_percent": 97.0}, "97 % of a core, the limit is 90 %"),
    ],
)
def test_a_generator_that_could_not_keep_up_makes_the_run_invalid_even_if_thresholds_were_missed(
    changes: dict[str, object], words: str
) -> None:
    verdict = judge(figures(**{"duplicated": 1, **changes}), Settings(require="p99<1us,late_share<100%"))
    assert (verdict.word, verdict.exit_status) == ("invalid", 3)
    assert len(verdict.reasons) == 1
    assert words in verdict.reasons[0]


def test_what_only_the_generators_own_backlog_could_have_missed_is_invalid() -> None:
    late = figures(fanout=of(60_000), doubt=of(20_000))
    assert judge(late, Settings(require="p99<50ms")).word == "invalid"
    assert judge(late, Settings(require="p99<30ms")).word == "fail"
    assert judge(replace(late, doubt=of(1_000)), Settings(require="p99<50ms")).word == "fail"


def test_a_lost_delivery_is_infinitely_late() -> None:
    verdict = judge(figures(delivered=9), Settings(require="p50<5ms,max<5ms,lost<9"))
    assert verdict.reasons == ["max is never, the requirement is max<5ms"]


def test_a_percentile_of_too_few_messages_makes_the_run_invalid() -> None:
    few = figures(heard=299)
    assert judge(few, Settings(require="p99<5ms")).reasons == [
        "p99<5ms takes 300 messages, there are 299: use a longer --duration, a higher --rate, or a lower percentile"
    ]
    assert judge(replace(few, heard=300), Settings(require="p99<5ms")).word == "pass"


def test_a_server_that_holds_its_senders_up_is_named_as_a_likely_cause() -> None:
    slow = of(*(n * 100_000 for n in range(60)))
    throttled = figures(late=9, first=slow, complete=slow, fanout=slow)
    (late, cause) = judge(throttled, Settings()).reasons
    assert late.startswith("late_share is")
    assert "likely cause: the server throttles its senders" in cause
    assert "--rate-limit off" in cause
    assert judge(replace(throttled, send_lateness=of(900_000)), Settings(max_send_lateness_ms=1e9)).reasons == [late]
    flooded = judge(figures(dropped={"Excess Flood": 1}), Settings()).reasons
    assert any("by its own words" in reason for reason in flooded)


def test_the_health_of_a_window_apart_is_the_runs_health_too() -> None:
    one, apart = figures(), figures(duration_s=1.0, cpu_percent=50.0, faults=["x"])
    for n, name in enumerate(("send_lateness", "loop_lag", "receive_backlog", "doubt"), 1):
        getattr(apart, name).add(n * 1_000)
    one.take_health(apart)
    assert [getattr(one, name).longest for name in ("send_lateness", "loop_lag", "receive_backlog", "doubt")] == [
        *(1_000, 2_000, 3_000, 4_000),
    ]
    assert (one.duration_s, one.cpu_percent, one.faults, one.delivered) == (3.0, 50.0, ["x"], 10)
