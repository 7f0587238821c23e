"""The page says everything in words and tables, names nothing outside itself, and comes whatever a run has left out."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from loadtest.core.histogram import LONGEST_US
from loadtest.core.result import Cost, Figures, Verdict
from loadtest.report.page import page
from loadtest.report.summary import summarise
from tests.loadtest.report.test_report import histogram, summary_of

ORIGIN = {
    "environment": {
        "kernel": "Linux 6.1",
        "cpu": "A <fast> one",
        "cpus": 2,
        "memory_bytes": 3 << 30,
        "python": "CPython 3.11.2",
        "locust": "2.47.0",
        "gevent": "26.9.0",
        "open_files": 20_000,
    },
    "command": "locust --room '#a b' --report </script>",
}


def text_of(html: str) -> str:
    """What is between the tags, scripts and style left out."""
    words = re.sub(r"<(script|style).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", words))


def plots_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="plots">(.*?)</script>', html)
    assert found
    plots: dict[str, Any] = json.loads(found[1])
    assert set(re.findall(r'class="plot" id="([^"]+)"', html)) == set(plots)
    return plots


def marks(directory: Path) -> list[str]:
    """What the report in there says beside the latencies that it draws over time, in the order of its happening."""
    return words_above("over-time", (directory / "report.html").read_text(encoding="utf-8"))


def words_above(plot: str, html: str) -> list[str]:
    """What a plot's upright lines say, from left to right."""
    marks = html.partition(f'<div class="plot" id="{plot}"')[2].partition('<div class="marks"')[2]
    return [unescape(words) for words in re.findall(r"--row: \d+\">(.*?)</span>", marks.partition("</div>")[0])]


def full() -> Figures:
    figures = Figures("room", "host:1", 1_000, 1_000, duration_s=2.0, sent=3, expected=9, delivered=8)
    figures.fanout = histogram(900, 1_100, 30_000)
    figures.complete = histogram(30_000)
    figures.over_time = [(0.0, figures.fanout), (1.0, histogram())]
    figures.costs = [Cost(50.0, 1 << 20, 9.5, 2 << 20), Cost()]
    return figures


@pytest.mark.parametrize(("terms", "said"), [(["p99<50ms", "lost=0"], "p99<50ms, lost=0"), ([], "nothing")])
def test_the_page_says_what_was_required(terms: list[str], said: str) -> None:
    summary = summarise(full(), Verdict("pass", []), {}, {"requirements": terms})
    assert f"Required: {said} " in unescape(text_of(page(summary, full())))


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (300, "fan-out p50 1.10 ms fan-out p99 lost fan-out max lost complete p99 lost"),
        (299, "fan-out p50 1.10 ms fan-out p90 lost fan-out max lost complete p90 lost"),
        (29, "fan-out p50 1.10 ms fan-out max lost complete p50 30.0 ms"),
        (5, "fan-out p50 – fan-out max lost complete max lost"),
    ],
)
def test_a_tile_shows_the_highest_percentile_that_the_messages_tell_by_its_name(heard: int, said: str) -> None:
    figures = full()
    figures.heard = heard
    assert said in text_of(page(summary_of(figures, "pass"), figures))


def test_the_page_says_the_verdict_first_and_what_matters_at_a_glance() -> None:
    text = text_of(page(summary_of(full(), "fail", "1 delivery lost", "<b>late</b> & more"), full()))
    order = [
        text.index(words)
        for words in ("Fanfare: room on host:1", "fail The server missed", "1 delivery lost", "users 1,000", "samples")
    ]
    assert order == sorted(order)
    assert "&lt;b&gt;late&lt;/b&gt; &amp; more" in text
    assert "messages 3 deliveries 8 lost 1 stray 0 corrupt 0 diverged 0 fan-out p50 1.10 ms fan-out p99 lost" in text


@pytest.mark.parametrize(("word", "meaning"), [("pass", "held"), ("fail", "missed"), ("invalid", "do not count")])
def test_every_verdict_has_its_meaning(word: str, meaning: str) -> None:
    html = page(summary_of(full(), word), full())
    assert f'class="verdict {word}"' in html
    assert meaning in text_of(html)


def test_where_and_how_it_was_run_can_be_read_and_pasted() -> None:
    text = text_of(page(summarise(full(), Verdict("pass", []), {}, ORIGIN), full()))
    assert "A &lt;fast&gt; one, 2 to run on" in text
    assert "3.0 GiB" in text
    assert "CPython 3.11.2, Locust 2.47.0, gevent 26.9.0" in text
    assert "at most 20,000 a process" in text
    assert "locust --room &#x27;#a b&#x27; --report &lt;/script&gt;" in text


def test_the_generator_says_what_it_shared_its_machine_with() -> None:
    figures = full()
    figures.machine = {"cores": 2, "busy_percent": 30.0, "steal_percent": 0.0, "waited_percent": 4.0}
    assert "Its machine: 2 cores, 30 % busy;" in text_of(page(summary_of(figures), figures))


def test_every_latency_of_the_summary_has_its_row_and_who_came_and_went_is_counted() -> None:
    figures = full()
    figures.first, figures.median, figures.joined, figures.dropped = histogram(7), histogram(8), 5, {"reset": 3}
    figures.clock_error_us = 120
    text = text_of(page(summary_of(figures), figures))
    for row in ("first receiver 1 0.007", "half of the receivers 1 0.008", "complete, last receiver 1 30.000"):
        assert row in text
    assert "members who joined 5 left 0 lost the connection 3" in text
    assert "may be off by 0.120 ms" in text
    assert "lost the connection" not in text_of(page(summary_of(full()), full()))


def test_what_a_system_does_not_tell_is_left_out() -> None:
    environment = {**ORIGIN["environment"], "memory_bytes": None, "open_files": None}  # type: ignore[dict-item]
    text = text_of(page(summarise(full(), Verdict("pass", []), {}, {"environment": environment}), full()))
    assert "GiB" not in text
    assert "no limit" in text
    assert "Command" not in text


def test_the_page_asks_nobody_for_anything() -> None:
    html = page(summary_of(full()), full())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert policy[1].startswith("default-src 'none';")
    assert "http" not in policy[1]
    own = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="(?!data:,")', own) == []
    assert own.index("Content-Security-Policy") < own.index("<style")


def test_a_run_without_a_message_has_a_page_that_says_so() -> None:
    figures = Figures("room", "host:1", 2)
    html = page(summary_of(figures, "invalid", "no message was sent to anyone"), figures)
    assert plots_of(html) == {}
    assert "there is no latency to draw" in text_of(html)
    assert "fan-out p50 –" in text_of(html)


def test_a_summary_of_before_the_timeline_has_a_page() -> None:
    summary = summary_of(full())
    for key in ("timeline", "environment", "command", "members", "first_us", "median_us"):
        summary.pop(key, None)
    for key in ("receive_backlog_us", "machine"):
        summary["generator"].pop(key, None)
    assert set(plots_of(page(summary, full()))) == {"by-percentile"}


@pytest.mark.parametrize("us", [(0,), (7,), (LONGEST_US,)])
def test_any_latency_can_be_drawn(us: tuple[int, ...]) -> None:
    figures = Figures("room", "host:1", 2, fanout=histogram(*us), complete=histogram(*us))
    assert "by-percentile" in plots_of(page(summary_of(figures), figures))


def test_nothing_in_the_values_ends_an_element() -> None:
    figures = full()
    figures.marks = [(0.5, "</script></span><b>")]
    html = page(summary_of(figures), figures)
    assert words_above("over-time", html) == ["</script></span><b>"]
    assert "</script></span><b>" not in html


def test_the_page_of_a_long_run_is_small() -> None:
    figures = full()
    figures.fanout = figures.first = figures.median = figures.complete = histogram(*range(1, 100_000, 7))
    figures.over_time = [(float(second), histogram(second)) for second in range(120)]
    figures.costs = [Cost(50.0, 1 << 20, 9.5, 2 << 20)] * 120
    assert len(page(summary_of(figures), figures)) < 250_000
