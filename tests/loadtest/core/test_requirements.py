"""A requirement is read whole or refused in one line; where it is missed, both numbers are said."""

from typing import Any

import pytest

from chat.errors import SetupError
from loadtest.core.histogram import NEVER_US, Histogram
from loadtest.core.requirements import MEASURES, Requirements, UnknownMeasure
from loadtest.core.result import Figures
from loadtest.core.verdict import judge, measures
from loadtest.run.scenario import SCENARIOS, Scenario
from loadtest.run.settings import Settings
from loadtest.scenarios.churn.leader import Churn
from loadtest.scenarios.deaths.crash import Crash
from loadtest.scenarios.deaths.leader import Disconnect
from loadtest.scenarios.deaths.slow import Slow


def of(*us: int) -> Histogram:
    histogram = Histogram()
    for each in us:
        histogram.add(each)
    return histogram


def figures(**changes: Any) -> Figures:
    return Figures("broadcast", "host:1", 3, 3, 1, 2.0, **{"sent": 5, "expected": 200, "delivered": 200, **changes})


def scenario(name: str = "broadcast", users: int = 10) -> Scenario:
    kind = SCENARIOS[name]
    return kind(kind.settings_type(scenario=name), users)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("p99<50ms", 50_000.0),
        ("p99 < 50000 us", 50_000.0),
        ("complete_max<=1.5s", 1_500_000.0),
        ("lost=0", 0.0),
        ("lost_share<0.01%", 0.01),
        ("first_p50>3µs", 3.0),
    ],
)
def test_a_term_has_a_measure_a_comparison_and_a_limit_in_the_measures_own_unit(text: str, limit: float) -> None:
    (term,) = Requirements.parse(text).terms
    assert term.limit == limit
    assert term.text == text.replace(" ", "")


def test_no_text_asks_for_nothing() -> None:
    assert Requirements.parse(" ").terms == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("p99", "'p99' is not like p99<50ms or lost=0"),
        ("p99<50", "'p99<50': a time needs us or µs or ms or s"),
        ("lost=0ms", "'lost=0ms': a count needs no unit"),
        ("late_share<1", "'late_share<1': a share needs %"),
        ("p99<1.2.3ms", "'1.2.3' in 'p99<1.2.3ms' is not a number"),
        ("p99<5ms,", "'' is not like"),
    ],
)
def test_a_term_that_is_none_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SetupError) as refused:
        Requirements.parse(text)
    assert reason in str(refused.value)
    assert not isinstance(refused.value, UnknownMeasure)


def test_an_unknown_measure_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(UnknownMeasure) as refused:
        Requirements.parse("p98<5ms")
    assert str(refused.value).endswith(f"there is no measure 'p98', choose from {', '.join(MEASURES)}")


def test_what_was_missed_is_said_with_both_numbers() -> None:
    requirement = Requirements.parse("p99<2ms,lost=0,lost_share<0.1%,late=0")
    run = figures(fanout=of(1_000, 2_500), delivered=198)
    assert requirement.missed(measures(run, scenario().measures())) == [
        "p99 is never, the requirement is p99<2ms",
        "2 deliveries lost; the requirement is lost=0",
        "lost_share is 1 %, the requirement is lost_share<0.1%",
    ]


@pytest.mark.parametrize(("text", "holds"), [("p99<2ms", False), ("p99<=2ms", True), ("p99>=2ms", True)])
def test_a_figure_at_its_limit_is_compared_as_written(text: str, holds: bool) -> None:
    run = figures(fanout=of(2_000))
    assert (not Requirements.parse(text).missed(measures(run, scenario().measures()))) is holds


def test_a_measure_without_a_sample_is_not_met() -> None:
    verdict = judge(figures(), Settings(require="p99<5ms"), (), measures(figures(), scenario().measures()))
    assert (verdict.word, verdict.reasons) == ("fail", ["p99 has no sample, so p99<5ms is not met"])


def test_an_objective_that_holds_is_a_pass() -> None:
    run = figures(fanout=of(2_000))
    verdict = judge(run, Settings(require="p99<5ms,lost=0,dropped=0"), (), measures(run, scenario().measures()))
    assert (verdict.word, verdict.reasons) == ("pass", [])


def test_a_measure_that_the_scenario_never_takes_is_neither_a_pass_nor_a_fail() -> None:
    run = figures(fanout=of(2_000))
    verdict = judge(run, Settings(require="join_p99<5ms,p99<1ms"), (), measures(run, scenario().measures()))
    assert (verdict.word, len(verdict.reasons)) == ("invalid", 1)
    assert "this scenario never measures join_p99, but p50, p90" in verdict.reasons[0]


def test_every_measure_is_taken_by_some_scenario_and_none_takes_one_without_a_name() -> None:
    taken = [set(measures(figures(nodes=2), scenario(name).measures())) for name in SCENARIOS]
    assert set().union(*taken) == MEASURES.keys()


def test_churn_measures_joins_and_leaves() -> None:
    churn = scenario("churn")
    assert isinstance(churn, Churn)
    assert churn.measures()["join_p99"] is None
    churn.flowed.join, churn.flowed.notices = of(3_000), of(4_000, 5_000)
    assert (churn.measures()["join_p99"], churn.measures()["leave_max"]) == (3_000, 5_000)


def test_crash_measures_ghosts_and_slow_whom_the_server_dropped() -> None:
    dead = Disconnect("fin", 3, 7, 1, ghosts=2, after_us={0: 5, 1: 9}, phases={"before": of(1)})
    crash, slow = scenario("crash"), scenario("slow")
    assert isinstance(crash, Crash)
    assert isinstance(slow, Slow)
    assert (crash.measures()["ghosts"], slow.measures()["dropped"]) == (None, None)
    for each in (crash, slow):
        each.disconnects.append(dead)
    assert (crash.measures()["ghosts"], slow.measures()["dropped"]) == (2, 2)
    assert measures(figures(dropped={"reset": 1}), slow.measures())["dropped"] == 2
    assert measures(figures(dropped={"reset": 1}), crash.measures())["dropped"] == 1


def test_each_kind_is_shown_in_its_unit_and_none_is_a_share_of_nothing() -> None:
    measures = {"ghosts": 1_234.0, "lost_share": 12.345, "p99": 1_234_567.0, "max": float(NEVER_US), "late": 0.0}
    missed = Requirements.parse("ghosts=0,lost_share<1%,p99<1s,max<1s,late>0").missed(measures)
    assert missed == [
        "ghosts is 1,234, the requirement is ghosts=0",
        "lost_share is 12.3 %, the requirement is lost_share<1%",
        "p99 is 1,234.567 ms, the requirement is p99<1s",
        "max is never, the requirement is max<1s",
        "0 deliveries late; the requirement is late>0",
    ]


def test_what_no_scenario_measures_is_named_with_what_is_measured() -> None:
    asked = Requirements.parse("p99<5ms,ghosts=0,lost=0")
    assert asked.unmeasurable({"lost": 0.0, "late": 0.0}) == (
        "--require: this scenario never measures p99, ghosts, but lost, late"
    )
    assert asked.unmeasurable({"lost": 0.0, "p99": None, "ghosts": None}) == ""
