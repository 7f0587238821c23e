"""The summary keeps its contract and the table its width, whatever the figures."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from loadtest.histogram import LONGEST_US, Histogram
from loadtest.report import table, write
from loadtest.report.page import page
from loadtest.report.summary import summarise
from loadtest.verdict import Figures, Verdict

LATENCY = {"count", "p50", "p90", "p99", "p999", "max"}


def histogram(*us: int) -> Histogram:
    taken = Histogram()
    for each in us:
        taken.add(each)
    return taken


def summary_of(figures: Figures, word: str = "pass", *reasons: str) -> dict[str, Any]:
    return summarise(figures, Verdict(word, list(reasons)), {})


def test_the_summary_has_exactly_the_keys_of_the_contract(tmp_path: Path) -> None:
    figures = Figures("room", "host:1", 2, fanout=histogram(1_234))
    write(summary_of(figures), figures, tmp_path / "new" / "report")
    summary = json.loads((tmp_path / "new" / "report" / "summary.json").read_text())
    assert set(summary) == {
        *("scenario", "verdict", "reasons", "users", "duration_s", "target", "messages"),
        *("fanout_us", "complete_us", "disconnects", "generator"),
    }
    assert set(summary["messages"]) == {
        *("sent", "expected_deliveries", "delivered", "lost", "duplicated", "reordered", "late"),
    }
    assert set(summary["fanout_us"]) == set(summary["complete_us"]) == LATENCY
    assert summary["fanout_us"]["max"] == summary["fanout_us"]["p50"] == 1_234
    assert set(summary["generator"]) == {
        *("workers", "cpu_percent", "send_lateness_us", "loop_lag_us", "clock_error_us"),
    }
    assert set(summary["generator"]["loop_lag_us"]) == {"p50", "p99", "max"}
    assert summary["disconnects"] == []


def test_a_report_takes_the_place_of_the_one_before_and_never_writes_into_it(tmp_path: Path) -> None:
    figures = Figures("room", "host:1", 2)
    write(summary_of(figures), figures, tmp_path / "report")
    for name in ("summary.json", "report.html"):
        (tmp_path / name).hardlink_to(tmp_path / "report" / name)  # as one who has it open sees it
    write(summary_of(figures, "fail"), figures, tmp_path / "report")
    assert json.loads((tmp_path / "summary.json").read_text())["verdict"] == "pass"
    assert json.loads((tmp_path / "report" / "summary.json").read_text())["verdict"] == "fail"
    assert [("missed" in (place / "report.html").read_text()) for place in (tmp_path, tmp_path / "report")] == [
        False,
        True,
    ]
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["report.html", "summary.json"]


def test_a_report_that_cannot_be_written_leaves_nothing_half_done(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()  # in the way
    figures = Figures("room", "host:1", 2)
    with pytest.raises(OSError, match=r"report\.html"):
        write(summary_of(figures), figures, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "summary.json"]


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
        ),
    ],
)
def test_the_table_fits_100_columns(figures: Figures) -> None:
    text = table(summary_of(figures, "invalid", "a reason " * 30))
    assert max(map(len, text.splitlines())) <= 100


def test_the_table_shows_counts_microseconds_and_the_verdict_in_words() -> None:
    figures = Figures("room", "host:1", 20, 20, sent=50, expected=950, delivered=949, fanout=histogram(1_234))
    text = table(summary_of(figures, "fail", "1 delivery lost, the limit is 0"))
    for part in ("20 users", "950", "949", "1.234", "FAIL", "1 delivery lost, the limit is 0"):
        assert part in text


@pytest.mark.parametrize("us", [(), (0,), (7,), (900, 1_100, 30_000), (LONGEST_US,)])
def test_the_page_stands_alone_and_its_plot_stays_within_its_frame(us: tuple[int, ...]) -> None:
    figures = Figures("room", "host:1", 2, fanout=histogram(*us), complete=histogram(*us))
    html = page(summary_of(figures, "fail", "<b>quoted</b> & so on"), figures.fanout, figures.complete)
    assert "&lt;b&gt;quoted&lt;/b&gt; &amp; so on" in html
    assert "src=" not in html
    assert "href=" not in html
    svg = ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + len("</svg>")])
    curves = svg.findall("polyline")
    assert len(curves) == (2 if us else 0)
    for curve in curves:
        for point in curve.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 70 <= x <= 870
            assert 20 <= y <= 300
