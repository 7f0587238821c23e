"""The summary keeps its contract and the table its width, whatever the figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.core.histogram import LONGEST_US, Histogram
from loadtest.core.result import SCHEMA, Cost, Figures, Result, Verdict
from loadtest.report import table, write
from loadtest.report.summary import summarise
from loadtest.scenarios.deaths.leader import Disconnect, plain

FILES = ["complete.hgrm", "fanout.hgrm", "report.html", "result.json", "summary.json"]
LATENCY = {"count", "p50", "p90", "p99", "p999", "max"}


def histogram(*us: int) -> Histogram:
    taken = Histogram()
    for each in us:
        taken.add(each)
    return taken


def summary_of(
    figures: Figures, word: str = "pass", *reasons: str, part: dict[str, Any] | None = None
) -> dict[str, Any]:
    return summarise(figures, Verdict(word, list(reasons)), part or {})


def result_of(figures: Figures, word: str = "pass", run_id: str = "0123abcd") -> Result:
    return Result(SCHEMA, run_id, "2026-01-02T03:04:05Z", word, [], [], {}, "locust", {}, figures, {})


def crashed(*disconnects: Disconnect, word: str = "pass") -> dict[str, Any]:
    figures = Figures("crash", "host:1", 1000, 1000)
    return summary_of(figures, word, part={"disconnects": [plain(each) for each in disconnects]})


def of_30(us: int) -> Histogram:
    """Messages to 899 others: they tell a p90, and no p99."""
    taken = Histogram()
    taken.add(us, 30 * 899)
    return taken


SILENT = Disconnect(
    "silence",
    *(100, 900, 31_000_000),
    informed=histogram(30_200_000, *[30_343_167] * 3, 30_400_000),
    ghosts=7,
    false_deaths=3,
    reasons={"Ping timeout": 40, "Connection timed out": 60},
    phases={"before": of_30(1_500), "during": of_30(2_500), "after": histogram()},
)
UNNOTICED = Disconnect("stop", 100, 900, 151_000_000)
ENDLESS = Disconnect(
    "silence",
    *(50_000, 100_000, LONGEST_US),
    informed=histogram(*[LONGEST_US] * 3),
    ghosts=50_000,
    false_deaths=50_000,
    reasons={f"{number} seconds of a {'very ' * 30}long silence": 10_000 for number in range(9)},
    phases={phase: histogram(LONGEST_US) for phase in ("before", "during", "after")},
)


def test_the_summary_has_exactly_the_keys_of_the_contract(tmp_path: Path) -> None:
    figures = Figures("room", "host:1", 2, fanout=histogram(1_234))
    write(result_of(figures), tmp_path / "new" / "report")
    summary = json.loads((tmp_path / "new" / "report" / "summary.json").read_text())
    assert set(summary) == {
        *("scenario", "verdict", "reasons", "users", "duration_s", "target", "messages"),
        *("members", "fanout_us", "read_us", "first_us", "median_us", "complete_us", "tenths_us"),
        *("disconnects", "generator", "timeline", "intervals_us"),
        *("run_id", "started_at", "command", "environment", "requirements"),
    }
    assert set(summary["messages"]) == {
        *("sent", "expected_deliveries", "delivered", "lost", "duplicated", "reordered", "late", "under_way"),
        *("stray", "corrupt", "diverged"),
    }
    assert set(summary["fanout_us"]) == set(summary["complete_us"]) == LATENCY
    assert summary["fanout_us"]["max"] == summary["fanout_us"]["p50"] == 1_234
    assert set(summary["generator"]) == {
        *("workers", "cpu_percent", "send_lateness_us", "loop_lag_us", "receive_backlog_us", "clock_error_us"),
        *("machine", "doubt_us", "collections_us"),
    }
    assert set(summary["generator"]["loop_lag_us"]) == {"p50", "p99", "max"}
    assert summary["disconnects"] == []


def test_deliveries_of_too_few_messages_tell_no_percentile_in_a_scenario_and_in_a_slice_of_time() -> None:
    felt = plain(SILENT)["fanout_us"]["during"]
    assert (felt["count"], felt["p50"], felt["p90"], felt["p99"], felt["p999"]) == (26_970, 2_500, 2_500, None, None)
    figures = Figures("room", "host:1", 2, heard=600, fanout=histogram(*[100] * 1_200))
    figures.over_time = [(0.0, histogram(*[100] * 600)), (1.0, histogram(*[100] * 598))]
    figures.costs = [Cost(), Cost()]
    assert [each["p99_us"] for each in summary_of(figures)["timeline"]] == [100, None]
    assert [each["p90_us"] for each in summary_of(figures)["timeline"]] == [100, 100]


def test_the_timeline_has_a_row_a_slice_and_nulls_where_nothing_is_known() -> None:
    figures = Figures("room", "host:1", 2)
    figures.over_time = [(0.0, histogram(100, 200)), (1.0, histogram())]
    figures.costs = [Cost(50.0, 1 << 20, 9.5, 2 << 20), Cost()]
    first, second = summary_of(figures)["timeline"]
    assert first == {
        "at_s": 0.0,
        "deliveries": 2,
        "p50_us": 100,
        "p90_us": 200,
        "p99_us": 200,
        "max_us": 200,
        "generator_cpu_percent": 50.0,
        "generator_memory_bytes": 1 << 20,
        "server_cpu_percent": 9.5,
        "server_memory_bytes": 2 << 20,
    }
    assert (second.pop("at_s"), second.pop("deliveries")) == (1.0, 0)
    assert set(second.values()) == {None}


def test_where_and_how_the_run_was_made_is_in_the_summary() -> None:
    origin = {"environment": {"cpus": 2}, "command": "locust --headless"}
    summary = summarise(Figures("room", "host:1", 2), Verdict("pass", []), {}, origin)
    assert (summary["environment"], summary["command"]) == ({"cpus": 2}, "locust --headless")


def test_each_run_has_a_folder_and_the_newest_is_found_without_its_name(tmp_path: Path) -> None:
    first, second = (write(result_of(Figures("room", "host:1", 2), word, word), tmp_path) for word in ("pass", "fail"))
    assert [folder.name for folder in (first, second)] == [f"2026-01-02T030405-room-{w}" for w in ("pass", "fail")]
    assert [json.loads((folder / "summary.json").read_text())["verdict"] for folder in (first, second)] == [
        "pass",
        "fail",
    ]
    for newest in (tmp_path / "latest", tmp_path):
        assert json.loads((newest / "summary.json").read_text())["verdict"] == "fail"
        assert "missed" in (newest / "report.html").read_text()
    assert sorted(path.name for path in first.iterdir()) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, second.name, "latest", *FILES])


def test_a_report_that_cannot_be_written_leaves_nothing_half_done(tmp_path: Path) -> None:
    (tmp_path / "2026-01-02T030405-room-0123abcd" / "report.html").mkdir(parents=True)  # in the way
    with pytest.raises(OSError, match=r"report\.html"):
        write(result_of(Figures("room", "host:1", 2)), tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["report.html", "result.json", "summary.json"]


@pytest.mark.parametrize(
    "figures",
    [
        Figures("broadcast", "127.0.0.1:6667", 0),
        Figures(
            "broadcast",
            "a-host-with-a-very-long-name." * 4 + "example.org:6667",
            *(100_000, 100_000, 1, 86_400.0, 10_000_000, 999_999_999, 888_888_888, 1_234, 1_234, 1_234),
            fanout=histogram(1, LONGEST_US),
            complete=histogram(1, LONGEST_US),
            joined=123_456_789,
            left=123_456_789,
            under_way=123_456_789,
            tenths=[histogram(LONGEST_US)] * 10,
            machine={"cores": 128.0, "busy_percent": 100.0, "steal_percent": 100.0, "waited_percent": 100.0},
        ),
        Figures("crash", "host:1", 1000, 1000),
    ],
)
def test_the_table_fits_100_columns(figures: Figures) -> None:
    figures.clock_error_us = LONGEST_US
    part = {"disconnects": [plain(each) for each in (SILENT, UNNOTICED, ENDLESS)]} if figures.users == 1000 else {}
    text = table(summary_of(figures, "invalid", "a reason " * 30, part=part))
    assert max(map(len, text.splitlines())) <= 100


def test_the_table_shows_counts_microseconds_and_the_verdict_in_words() -> None:
    figures = Figures("room", "host:1", 20, 20, sent=50, expected=950, delivered=949, fanout=histogram(1_234))
    text = table(summary_of(figures, "fail", "1 delivery lost; the requirement is lost=0"))
    for part in ("20 users", "950", "949", "1.234", "FAIL", "1 delivery lost; the requirement is lost=0"):
        assert part in text


@pytest.mark.parametrize(("count", "words"), [(1, "1 delivery under way"), (2, "2 deliveries under way")])
def test_the_table_says_what_was_under_way(count: int, words: str) -> None:
    figures = Figures("churn", "host:1", 20, 20, left=1, under_way=count)
    assert words in " ".join(table(summary_of(figures, "pass")).split())


def cells(text: str, name: str) -> list[list[str]]:
    """Of the lines that begin with this name."""
    return [line.split() for line in text.splitlines() if line.split()[:1] == [name]]


def test_the_table_says_of_each_death_who_learnt_of_it_and_when_and_what_the_others_felt() -> None:
    text = table(crashed(SILENT, UNNOTICED, word="fail"))
    assert cells(text, "silence") == [
        ["silence", "100", "5/900", "30,200.000", "30,343.167", "30,400.000", "31,000", "7", "3"],
        ["silence", "1.500", "2.500", "–", "Connection", "timed", "out", "(60),", "Ping", "timeout", "(40)"],
    ]
    assert cells(text, "stop") == [
        ["stop", "100", "0/900", "–", "–", "–", "151,000", "0", "0"],
        ["stop", "–", "–", "–", "–"],
    ]


@pytest.mark.parametrize(("told", "within_us"), [((7, 8), 8), ((7, 9), 8), ((7,), 8), ((), 8)])
def test_the_verdict_says_that_all_were_told_only_where_they_were(told: tuple[int, ...], within_us: int) -> None:
    text = table(crashed(Disconnect("fin", 5, 2, within_us, informed=histogram(*told))))
    assert ("all observers were told of all 5 deaths in time" in text) == (told == (7, 8))


def test_what_the_server_said_neither_steers_the_terminal_nor_floods_it() -> None:
    said = {"\x1b[2J\x9b31mred": 2, **{f"{number} s": 1 for number in range(50)}}
    text = table(crashed(Disconnect("fin", 51, 9, 1, reasons=said), word="fail"))
    assert all(line.isprintable() for line in text.splitlines())
    assert "?[2J?31mred (2), 0 s (1), 1 s (1), other (48)" in " ".join(text.split())
