"""The page in a real browser: every plot is drawn, and the browser has nothing to complain about.

It takes Chromium. Where there is none the tests are skipped, or fail when REQUIRE_BROWSER=1 is set.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from loadtest.core.result import Cost, Figures, Verdict
from loadtest.report.page import page
from loadtest.report.summary import summarise
from loadtest.scenarios.deaths.leader import plain
from tests.loadtest.report.test_report import SILENT, UNNOTICED, histogram

PATIENCE = 50.0  # s; a bound that only a fault reaches
ALL = {"over-time", "by-percentile", "by-tenth", "by-size", "told", "cpu", "memory"}


@pytest.fixture
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)("no Chromium")
    return found


def everything() -> Figures:
    """A run of which there is something in every plot."""
    figures = Figures("crash", "host:1", 1_000, 1_000, duration_s=3.0, sent=3, expected=3, delivered=3)
    some = histogram(900, 1_100, 30_000)
    figures.fanout = figures.first = figures.median = figures.complete = some
    figures.complete_by_size = {100: some, 200: some}
    figures.tenths = [some] * 10
    figures.over_time = [(float(second), some) for second in range(3)]
    figures.costs = [Cost(50.0, 1 << 20, 9.5, 2 << 20)] * 3
    figures.marks = [(1.0, "fin")]
    return figures


def opened(
    chromium: str, figures: Figures, directory: Path, before: str = "", after: str = ""
) -> tuple[str, list[str]]:
    """The page's elements after its script has run, without the scripts, and what the browser's console said.

    `before` and `after` are scripts of the test's own, that run before all of the page's, and after them.
    """
    html = page(
        summarise(figures, Verdict("fail", ["a </script> reason"]), {"disconnects": [plain(SILENT), plain(UNNOTICED)]}),
        figures,
    )
    html = html.replace("<body>", f"<body><script>{before}</script>", 1)
    path = directory / "report.html"
    path.write_text(html.replace("</body>", f"<script>{after}</script></body>"), encoding="utf-8")
    words = [
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"),
        *(
            "--no-first-run",
            "--virtual-time-budget=2000",
            "--window-size=1200,900",
            f"--user-data-dir={directory / 'profile'}",
            "--dump-dom",
        ),
    ]
    done = subprocess.run(
        [chromium, *words, path.as_uri()], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL), said


def drawn(dom: str) -> set[str]:
    """The plots in which Plotly has put a trace."""
    parts = re.split(r'<div class="plot[^"]*" id="([^"]+)"', dom)
    return {
        name
        for name, inside in zip(parts[1::2], parts[2::2], strict=True)
        if 'class="main-svg"' in inside and 'class="trace' in inside
    }


def test_every_plot_is_drawn_and_the_console_stays_empty(chromium: str, tmp_path: Path) -> None:
    dom, said = opened(chromium, everything(), tmp_path)
    assert said == []
    assert drawn(dom) == ALL


def test_a_run_without_a_message_opens_as_well(chromium: str, tmp_path: Path) -> None:
    dom, said = opened(chromium, Figures("crash", "host:1", 2), tmp_path)
    assert (drawn(dom), said) == (set(), [])
    assert "there is no latency to draw" in dom


def test_the_plots_take_new_colours_when_the_scheme_changes_while_the_page_is_open(
    chromium: str, tmp_path: Path
) -> None:
    before = "let changed; window.matchMedia = (query) => ({ query, addEventListener: (_, f) => { changed = f; } });"
    after = 'document.documentElement.style.setProperty("--one", "rgb(1, 2, 3)"); changed();'
    dom, said = opened(chromium, everything(), tmp_path, before, after)
    assert (drawn(dom), said) == (ALL, [])
    assert "stroke: rgb(1, 2, 3)" in dom


def test_on_paper_the_plots_are_as_wide_as_the_page_and_the_page_is_light(chromium: str, tmp_path: Path) -> None:
    dom, said = opened(chromium, everything(), tmp_path, after='dispatchEvent(new Event("beforeprint"));')
    assert (drawn(dom), said) == (ALL, [])
    assert '<html lang="en" class="paper">' in dom
    assert (
        0 < max(int(float(width)) for width in re.findall(r'<svg class="main-svg"[^>]* width="([\d.]+)"', dom)) <= 715
    )
