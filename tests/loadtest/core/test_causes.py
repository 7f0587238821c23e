"""A verdict's words: each says what was measured, what the limit is, and what to do; and likely causes are named."""

from dataclasses import replace

import pytest

from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures
from loadtest.core.verdict import judge, likely_causes, measures, percentiles
from loadtest.run.settings import Settings

LESS = "use more --processes, fewer users, or a machine with less to do"


def of(*us: int) -> Histogram:
    histogram = Histogram()
    for each in us:
        histogram.add(each)
    return histogram


def figures(**changes: object) -> Figures:
    good = Figures("broadcast", "host:1", 3, 3, 1, 2.0, sent=5, expected=10, delivered=10, fanout=of(2_000))
    return replace(good, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"sent": 0, "expected": 0, "delivered": 0},
            "no message was sent to anyone: use a longer --duration, or a higher --rate",
        ),
        (
            {"stood_still_us": 2_000_000, "late": 1},
            (
                "the generator stood still for 2,000.000 ms, the limit is 1,000 ms, 10 times --max-loop-lag-ms: "
                "what was late or lost may be its own doing; let nothing stop or starve it"
            ),
        ),
        (
            {"clock_error_us": 1_000_500},
            "the clocks of the generator's hosts can be compared to ± 1,000.500 ms only, the limit is 1,000 ms",
        ),
        (
            {"loop_lag": of(200_000)},
            f"the generator read late: loop lag p99 200.000 ms, the limit is 100 ms; {LESS}",
        ),
        (
            {"cpu_percent": 95.0},
            "the generator was busy: 95 % of a core, the limit is 90 %; use more --processes",
        ),
    ],
)
def test_a_fault_of_the_generator_says_what_was_measured_and_what_to_do(
    changes: dict[str, object], reason: str
) -> None:
    limits = Settings(require="late_share<=99%", max_clock_error_ms=1_000.0)
    assert judge(figures(**changes), limits).reasons == [reason]


def test_clocks_at_their_limit_are_good_enough() -> None:
    assert judge(figures(clock_error_us=1_000), Settings(max_clock_error_ms=1.0)).word == "pass"


def test_the_health_is_judged_by_its_p99_and_not_by_its_worst_moment() -> None:
    mostly = of(*[1] * 199, 900_000)
    assert judge(figures(send_lateness=mostly, loop_lag=mostly, receive_backlog=mostly), Settings()).word == "pass"
    late = figures(fanout=of(60_000), doubt=mostly)
    assert judge(late, Settings(require="p99<50ms")).word == "fail"


def test_a_doubt_says_by_how_much() -> None:
    late = figures(fanout=of(60_000), doubt=of(20_000))
    assert judge(late, Settings(require="p99<50ms")).reasons == [
        (
            "p99 is 60.000 ms, the requirement is p99<50ms; but what the generator read at once may have come up to "
            f"20.000 ms earlier; {LESS}"
        )
    ]


def test_a_doubt_about_arrivals_is_none_about_reading_nor_about_what_never_came() -> None:
    doubt = of(3_600_000_000)
    assert judge(figures(read=of(60_000), doubt=doubt), Settings(require="read_p99<50ms")).word == "fail"
    assert judge(figures(delivered=9, doubt=doubt), Settings(require="max<50ms,lost<9")).word == "fail"
    assert judge(figures(doubt=doubt), Settings(require="p99>2ms")).word == "fail", "at its limit it is no too late"


def test_all_that_makes_a_run_invalid_is_told() -> None:
    few = figures(heard=10, faults=["a worker vanished"], cpu_percent=95.0)
    told = judge(few, Settings(require="p99<50ms")).reasons
    assert [line.split(":")[0] for line in told] == [
        "a worker vanished",
        "the generator was busy",
        "p99<50ms takes 300 messages, there are 10",
    ]


def test_while_a_window_is_open_what_has_no_sample_yet_is_let_be() -> None:
    early = figures(fanout=of(), heard=1)
    assert judge(early, Settings(require="p99<50ms"), so_far=True).word == "pass"
    assert judge(early, Settings(require="p99<50ms")).word == "invalid"
    assert judge(replace(early, duplicated=1), Settings(require="p99<50ms"), so_far=True).reasons == [
        "1 delivery duplicated; the requirement is duplicated=0"
    ]


def test_a_scenarios_own_measures_take_the_place_of_the_runs() -> None:
    verdict = judge(figures(), Settings(require="ghosts=0"), measured={"ghosts": 2.0}, default="")
    assert verdict.reasons == ["ghosts is 2, the requirement is ghosts=0"]
    assert judge(figures(), Settings(), more=["too slow"]).reasons == ["too slow"]
    assert measures(figures(), {"late": 9.0})["late"] == 9.0


@pytest.mark.parametrize(("count", "words"), [(1, "1 user lost"), (2, "2 users lost"), (1_234, "1,234 users lost")])
def test_lost_connections_are_counted_by_their_reason(count: int, words: str) -> None:
    told = judge(figures(dropped={"reset": count, "gone": 1}), Settings()).reasons
    assert told == ["1 user lost the connection: gone", f"{words} the connection: reset"]


def test_percentiles_have_their_kind_before_their_name_and_none_without_a_sample() -> None:
    assert percentiles("", of(5)) == dict.fromkeys(("p50", "p90", "p99", "p999", "max"), 5.0)
    assert set(percentiles("join", of()).items()) == {(f"join_{n}", None) for n in ("p50", "p90", "p99", "p999", "max")}
    assert percentiles("", of(5), never=1) == {
        "p50": 5.0,
        "p90": 3_600_000_000.0,
        "p99": 3_600_000_000.0,
        "p999": 3_600_000_000.0,
        "max": 3_600_000_000.0,
    }


def test_shares_are_of_what_was_due_and_of_what_was_delivered() -> None:
    one = measures(figures(delivered=5, late=1))
    assert (one["lost_share"], one["late_share"]) == (50.0, 20.0)
    none = measures(figures(expected=0, delivered=0))
    assert (none["lost_share"], none["late_share"]) == (None, None)
    assert measures(figures(delivered=1, late=1))["late_share"] == 100.0
    assert measures(figures(delivered=0, late=0))["late_share"] == 0.0
    assert all(value is None or isinstance(value, float) for value in one.values())


def test_a_server_that_throttles_is_named_with_the_rate_that_it_lets_through() -> None:
    slow = of(*[1_000_000] * 60)
    assert likely_causes(figures(first=slow, complete=slow, duration_s=20.0)) == [
        (
            "likely cause: the server throttles its senders: messages came late to their first receiver already, "
            "and then to all within moments, about 3.0 a second in all; raise its limit for one user (fanfare serve "
            "--rate-limit off), use more --announcers, or a lower --rate"
        )
    ]
    assert "about 0.0 a second" in likely_causes(figures(first=slow, complete=slow, duration_s=0.0))[0]


HALF_A_SECOND = 500_000


@pytest.mark.parametrize(
    ("changes", "throttled"),
    [
        ({}, True),
        ({"first": of(HALF_A_SECOND)}, False),  # no more than that
        ({"first": of(HALF_A_SECOND + 1), "complete": of(HALF_A_SECOND + 1)}, True),
        ({"complete": of(1_199_999)}, True),  # the last is a fifth behind the first
        ({"complete": of(1_200_000)}, False),
        ({"send_lateness": of(49_999)}, True),
        ({"send_lateness": of(50_000)}, False),  # it was the generator that came late
        ({"send_lateness": of(*[1] * 199, 900_000)}, True),
        ({"first": of(*[1] * 91, *[1_000_000] * 9)}, False),
        ({"first": of(*[1] * 9, *[1_000_000] * 1)}, False),
    ],
)
def test_who_throttles_and_who_does_not(changes: dict[str, object], throttled: bool) -> None:
    slow = {"first": of(1_000_000), "complete": of(1_000_000), "send_lateness": of(1)}
    assert bool(likely_causes(figures(**{**slow, **changes}))) is throttled


def test_the_slowest_tenth_is_looked_at() -> None:
    """Where nine of ten are quick and one is not, the p90 is a quick one."""
    nine = of(*[1_000_000] * 90, *[9_000_000] * 10)
    assert likely_causes(figures(first=nine, complete=nine))
    assert likely_causes(figures(first=of(*[1_000_000] * 100), complete=nine))
    tenth = of(*[1] * 90, *[9_000_000] * 10)
    assert not likely_causes(figures(first=tenth, complete=tenth))


@pytest.mark.parametrize("reason", ["Excess Flood", "rate limited", "Too many lines", "slow down, please", "throttled"])
def test_a_limit_in_the_servers_own_words_is_named(reason: str) -> None:
    assert likely_causes(figures(dropped={reason: 1, "reset": 2})) == [
        (
            "likely cause: a limit of the server, by its own words; raise its limit for one user (fanfare serve "
            "--rate-limit off), use more --announcers, or a lower --rate"
        )
    ]
    assert likely_causes(figures(dropped={"reset": 1})) == []
