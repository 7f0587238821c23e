"""What a scenario adds to a summary is in the table and on the page, with the same figures."""

import re
from html import unescape
from typing import Any

import pytest

from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures, Verdict
from loadtest.report import table
from loadtest.report.page import page
from loadtest.report.summary import summarise
from loadtest.run.scenario import SCENARIOS
from loadtest.scenarios.deaths.leader import Deaths, Disconnect, plain


def spread(*us: int) -> dict[str, int]:
    taken = Histogram()
    for each in us:
        taken.add(each)
    return taken.figures()


CHURN: dict[str, Any] = {
    "residents": 4,
    "guests": 16,
    "arrivals": 27,
    "departures": 26,
    "refused": 1,
    "cut_off": 0,
    "most_present": 9,
    "connect_us": spread(3_000),
    "join_us": spread(5_000),
    "quit_texts": "shown",
    "leave_notices": {"expected": 104, "delivered": 103, "lost": 1, "duplicated": 2},
    "leave_notice_us": spread(1_000),
    "server": {
        "before": {"descriptors": 22, "threads": 4, "memory_bytes": 10 << 20, "cpu_s": 0.18},
        "peak": None,
        "after": {"descriptors": 23, "threads": 5, "memory_bytes": 11 << 20, "cpu_s": 1.29},
    },
}
SLOW: dict[str, Any] = {
    "slow": 5,
    "dropped": 3,
    "dropped_after_us": [2_000, 3_000, 9_000],
    "reasons": {"SendQ exceeded": 3},
    "with_us": spread(1_500),
    "without_us": spread(1_000),
    "memory_before_bytes": 10 << 20,
    "memory_peak_bytes": 13 << 20,
    "memory_growth_bytes": 3 << 20,
    "memory_bound_bytes": 16 << 20,
}
STAMPEDE: dict[str, Any] = {
    "users": 20,
    "returned": 18,
    "still_away": 2,
    "kept": 0,
    "lost_again": 1,
    "most_back_in_1_s": 15,
    "stopped_us": 22_823,
    "away_us": 197_793,
    "back_50_us": 375_807,
    "back_90_us": 1_013_759,
    "back_all_us": None,
    "back_us": spread(375_807),
    "attempts": {"made": 31, "succeeded": 20, "refused": 10, "timed_out": 0, "other": 1, "unfinished": 0},
    "reasons": {"<reset> by peer": 1},
    "connect_us": spread(525),
    "server": {"cpu_s": 0.03, "cpu_percent": 2.0, "memory_bytes": 12 << 20, "descriptors": 34},
    "generator": {"cpu_percent": 5.5, "loop_lag_us": spread(120)},
    "fanout_us": {"before": spread(1_883), "after": spread()},
}


def step(load: int, phase: str, result: str, us: int, *reasons: str, **more: Any) -> dict[str, Any]:
    usual = {"users": load, "rate": 10.0, "lost": 0, "fanout_us": spread(us), "complete_us": spread(2 * us)}
    return {"load": load, "phase": phase, "result": result, "reasons": list(reasons), "cpu_percent": 7.4} | usual | more


WORDS = [f"word{number}" for number in range(30)]
WHY = f"the generator {' '.join(WORDS)}, the limit is 5 ms"
CAPACITY: dict[str, Any] = {
    "search": "users",
    "requirement": "p99<50ms",
    "knee": {"load": 1_000},
    "beyond": {"load": 2_000},
    "limited_by": "server",
    "steps": [
        step(500, "up", "held", 5_000),
        step(1_000, "up", "held", 9_000),
        step(2_000, "up", "missed", 61_000, "p99 is 61.000 ms, the requirement is p99<50ms", lost=1_234),
        step(1_500, "bisect", "generator", 9, WHY, "more", users=0, fanout_us=spread()),
        step(1_000, "repeat", "held", 9_500, rate=22.5),
    ],
}
ROWS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "capacity": (
        CAPACITY,
        {
            "capacity users rate/s lost p99, ms complete, ms CPU, % result",
            "up 500 10 0 5.000 10.000 7 held",
            "up 1,000 10 0 9.000 18.000 7 held ← knee",
            "repeat 1,000 22.5 0 9.500 19.000 7 held ← knee",
        },
    ),
    "churn": (
        CHURN,
        {
            "users 4 16 27 26 1 0 9",
            "until welcomed 1 3.000 3.000 3.000 3.000 3.000",
            "until in the room 1 5.000 5.000 5.000 5.000 5.000",
            "leave notice 1 1.000 1.000 1.000 1.000 1.000",
            "to residents 104 103 1 2",
            "before 22 4 10.0 0.18",
            "after 23 5 11.0 1.29",
        },
    ),
    "slow": (
        SLOW,
        {
            "dropped after 5 3 2.000 3.000 9.000 SendQ exceeded (3)",
            "before 1 1.000 1.000 1.000 1.000 1.000",
            "with slow readers 1 1.500 1.500 1.500 1.500 1.500",
            "taken 10.0 13.0 3.0 16.0",
        },
    ),
    "stampede": (
        STAMPEDE,
        {
            "the restart 22.823 197.793 375.807 1,013.759 –",
            "all users 20 18 2 0 1 15",
            "all users 31 20 10 0 1 0",
            "all users <reset> by peer (1)",
            "back in the room 1 375.807 375.807 375.807 375.807 375.807",
            "TCP connection 1 0.525 0.525 0.525 0.525 0.525",
            "fan-out after 0 – – – – –",
            "server 0.03 2 12.0 34",
            "generator's busiest process – 6 – –",
        },
    ),
}


def shown(name: str, part: dict[str, Any], **more: Any) -> tuple[set[str], set[str]]:
    """The rows of the table and of the page, with single spaces."""
    figures = Figures(name, "host:1", 20, 20)
    summary = summarise(figures, Verdict("pass", []), {name: part, **more})
    text, html = table(summary), page(summary, figures)
    assert max(map(len, text.splitlines())) <= 100
    rows = (re.findall("<t[hd]>(.*?)</t[hd]>", row) for row in html.split("<tr>"))
    return {" ".join(line.split()) for line in text.splitlines()}, {unescape(" ".join(row)) for row in rows}


@pytest.mark.parametrize("name", ROWS)
def test_the_table_and_the_page_show_what_the_scenario_found(name: str) -> None:
    part, rows = ROWS[name]
    in_table, on_page = shown(name, part)
    assert rows - in_table == set()
    assert rows - on_page == set()


def test_a_restart_is_not_called_a_stampede() -> None:
    """Both scenarios have this part."""
    for rows in shown("stampede", STAMPEDE):
        said = [row for row in rows if "stampede" in row.lower()]
        assert all("FANFARE stampede" in row for row in said)


def test_what_is_not_known_is_left_out() -> None:
    for rows in shown("churn", CHURN | {"server": None, "quit_texts": "hidden"}):
        assert "not timed: texts hidden 104 103 1 2" in rows
        assert not any("descriptors" in row for row in rows)
    for rows in shown("slow", SLOW | {"dropped_after_us": [], "reasons": {}, "memory_before_bytes": None}):
        assert "dropped after 5 3 – – – –" in rows
        assert not any("MiB" in row for row in rows)
    for rows in shown("stampede", STAMPEDE | {"server": None, "reasons": {}}):
        assert "generator's busiest process – 6 – –" in rows
        assert not any(row.startswith(("server ", "other attempts")) for row in rows)


def test_the_knee_of_a_search_for_a_rate_is_a_rate() -> None:
    steps = [
        step(500, "up", "held", 5_000, users=1_000, rate=500),
        step(1_000, "up", "held", 5_000, users=1_000, rate=1_000),
    ]
    for rows in shown("capacity", CAPACITY | {"search": "rate", "steps": steps}):
        assert {"up 1,000 500 0 5.000 10.000 7 held", "up 1,000 1,000 0 5.000 10.000 7 held ← knee"} <= rows


def test_a_step_that_did_not_hold_says_why_in_whole_words_without_the_limit() -> None:
    in_table, on_page = shown("capacity", CAPACITY)
    assert "up 2,000 10 1,234 61.000 122.000 7 missed ← beyond: p99 is 61.000 ms" in on_page
    assert any(row.startswith("up 2,000 10 1,234 61.000 122.000 7 missed ← beyond:") for row in in_table)
    spoiled = next(row for row in on_page if row.startswith("bisect"))
    assert spoiled == f"bisect 0 10 0 – 0.018 7 generator: {' '.join(WORDS)}"
    assert set(WORDS) <= {word for row in in_table for word in row.split()}


def test_slow_readers_are_not_shown_twice() -> None:
    dropped = Histogram()
    dropped.add(1)
    stall = Disconnect("stall", 5, 1, 40_000_000, informed=dropped)
    for rows in shown("slow", SLOW, disconnects=[plain(stall)]):
        assert not any(row.startswith("stall") or "deaths" in row for row in rows)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("began", [False, True])
def test_a_run_that_was_stopped_early_has_a_table_and_a_page(name: str, began: bool) -> None:
    kind = SCENARIOS[name]
    scenario = kind(kind.settings_type(scenario=name), 20)
    if began and isinstance(scenario, Deaths):
        scenario.disconnects.append(Disconnect("stall", 2, 18, 40_000_000))
    figures = Figures(name, "host:1", 20)
    summary = summarise(figures, Verdict("invalid", ["it was stopped"]), scenario.part())
    assert "INVALID" in table(summary)
    assert "it was stopped" in page(summary, figures)
