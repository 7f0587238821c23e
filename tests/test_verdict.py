"""Invalid comes before all else; a missed threshold is a fail and its reason shows both numbers; else it is a pass."""

from dataclasses import replace

import pytest

from loadtest.accounting.histogram import Histogram
from loadtest.judge.verdict import Figures, judge
from loadtest.settings.options import Settings


def of(*us: int) -> Histogram:
    histogram = Histogram()
    for each in us:
        histogram.add(each)
    return histogram


def figures(**changes: object) -> Figures:
    good = Figures("broadcast", "host:1", 3, 3, 1, 2.0, sent=5, expected=10, delivered=10, fanout=of(2_000))
    return replace(good, **changes)  # type: ignore[arg-type]


def test_a_run_without_fault_or_threshold_passes() -> None:
    verdict = judge(figures(), Settings())
    assert (verdict.word, verdict.reasons, verdict.exit_status) == ("pass", [], 0)


@pytest.mark.parametrize(
    ("changes", "limits", "reason"),
    [
        ({"delivered": 9}, {}, "1 delivery lost, the limit is 0"),
        ({"delivered": 7}, {"max_lost": 2}, "3 deliveries lost, the limit is 2"),
        ({"duplicated": 2}, {}, "2 deliveries duplicated, the limit is 0"),
        ({"reordered": 1}, {}, "1 delivery reordered, the limit is 0"),
        ({"dropped": {"reset": 2}}, {}, "2 users lost the connection: reset"),
        ({}, {"max_p50_ms": 1.5}, "fan-out p50 is 2.000 ms, the limit is 1.5 ms"),
        ({}, {"max_p99_ms": 1.5}, "fan-out p99 is 2.000 ms, the limit is 1.5 ms"),
        ({"complete": of(3_000)}, {"max_complete_p99_ms": 2}, "completion p99 is 3.000 ms, the limit is 2 ms"),
    ],
)
def test_a_missed_threshold_fails_with_both_numbers(
    changes: dict[str, object], limits: dict[str, float], reason: str
) -> None:
    verdict = judge(figures(**changes), Settings(**limits))  # type: ignore[arg-type]
    assert (verdict.word, verdict.reasons, verdict.exit_status) == ("fail", [reason], 1)


@pytest.mark.parametrize(
    ("changes", "limits"),
    [
        ({"delivered": 8}, {"max_lost": 2}),
        ({"stood_still_us": 1_000_000, "late": 1}, {}),
        ({"stood_still_us": 9_000_000}, {}),
        ({}, {"max_p50_ms": 2.0, "max_p99_ms": 2.0}),
        ({"send_lateness": of(20_000), "loop_lag": of(100_000), "cpu_percent": 90.0}, {}),
    ],
)
def test_a_figure_at_its_limit_passes(changes: dict[str, object], limits: dict[str, float]) -> None:
    assert judge(figures(**changes), Settings(**limits)).word == "pass"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"faults": ["only 2 of 3 users were in"]}, "only 2 of 3 users"),
        ({"sent": 0, "expected": 0, "delivered": 0}, "no message was sent"),
        ({"send_lateness": of(21_000)}, "sent late: p99 21.000 ms after the intended time, the limit is 20 ms"),
        ({"loop_lag": of(101_000)}, "loop lag p99 101.000 ms, the limit is 100 ms"),
        (
            {"receive_backlog": of(101_000)},
            "had arrived waited p99 101.000 ms, the limit is 100 ms; use more --processes",
        ),
        ({"stood_still_us": 1_000_001, "late": 1}, "stood still for 1,000.001 ms, the limit is 1,000 ms, 10 times"),
        ({"cpu_percent": 97.0}, "97 % of a core, the limit is 90 %"),
    ],
)
def test_a_generator_that_could_not_keep_up_makes_the_run_invalid_even_if_thresholds_were_missed(
    changes: dict[str, object], words: str
) -> None:
    verdict = judge(figures(**{"duplicated": 1, **changes}), Settings(max_p99_ms=0.001))
    assert (verdict.word, verdict.exit_status) == ("invalid", 3)
    assert len(verdict.reasons) == 1
    assert words in verdict.reasons[0]
