"""The page in a real browser: every plot is drawn, and the browser has nothing to complain about.

It takes Chromium. Where there is none the tests are skipped, or fail when REQUIRE_BROWSER=1 is set.
"""

import os
import shutil
import subprocess
from html import escape
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


def report(figures: Figures) -> str:
    part = {"disconnects": [plain(SILENT), plain(UNNOTICED)]}
    return page(summarise(figures, Verdict("fail", ["a </script> reason"]), part), figures)


def opened(chromium: str, html: str, directory: Path, script: str) -> tuple[str, list[str]]:
    """The page's title after the script, which runs after the page's own; and what the browser's console said."""
    path = directory / "report.html"
    path.write_text(html.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    words = [
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--no-first-run"),
        *("--virtual-time-budget=2000", "--window-size=1300,900", f"--user-data-dir={directory / 'profile'}"),
    ]
    done = subprocess.run(
        [chromium, *words, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout.partition("<title>")[2].partition("</title>")[0], said


# Says of each plot, in the page's title, whether one of its lines has an extent.
SEEN = """
document.title = [...document.querySelectorAll(".plot")].filter((plot) =>
  [...plot.querySelectorAll("path.line, path.bar, path.tick")].some((path) => path.getBoundingClientRect().width > 1)
).map((plot) => plot.id).join(" ");
"""
# Says what is shown when the pointer is in the middle of the first plot; and what after it has left.
POINTED = """
const area = document.querySelector("#over-time .area");
const box = area.getBoundingClientRect();
const at = { clientX: box.left + box.width / 2, clientY: box.top + 5, bubbles: true };
area.dispatchEvent(new PointerEvent("pointermove", at));
const shown = document.querySelector(".tip").innerText.split("\\n").join("|");
area.dispatchEvent(new PointerEvent("pointerleave", at));
document.title = shown + "|" + document.querySelectorAll(".tip, .here, .cursor").length;
"""
# Says of each table in the frame whether it fits into its box, can be scrolled there to its end, or is cut off.
BOXES = """
const { contentDocument, contentWindow } = document.querySelector("iframe");
document.title = [...contentDocument.querySelectorAll("table")].map((table) => {
  const box = table.parentElement;
  if (box.scrollWidth <= box.clientWidth) return "fits";
  box.scrollLeft = box.scrollWidth;
  const hidden = table.getBoundingClientRect().right - box.getBoundingClientRect().right;
  return contentWindow.getComputedStyle(box).overflowX === "auto" && hidden < 1 ? "scrolls" : "cut";
}).join(" ");
"""
# Says by how much the page in the frame is wider than the frame: Chromium's window is never narrower than 500 pixels.
WIDER = """
const root = document.querySelector("iframe").contentDocument.documentElement;
document.title = root.scrollWidth - root.clientWidth;
"""


def test_every_plot_is_drawn_and_the_console_stays_empty(chromium: str, tmp_path: Path) -> None:
    seen, said = opened(chromium, report(everything()), tmp_path, SEEN)
    assert said == []
    assert set(seen.split()) == ALL


def test_a_run_without_a_message_opens_as_well(chromium: str, tmp_path: Path) -> None:
    figures = Figures("crash", "host:1", 2)
    assert opened(chromium, page(summarise(figures, Verdict("fail", []), {}), figures), tmp_path, SEEN) == ("", [])


def test_the_exact_numbers_are_shown_under_the_pointer_and_go_with_it(chromium: str, tmp_path: Path) -> None:
    shown, said = opened(chromium, report(everything()), tmp_path, POINTED)
    assert said == []
    assert shown == "from 1 s|p50 1.099 ms|p90 30.000 ms|p99 30.000 ms|max 30.000 ms|0"


@pytest.mark.parametrize("width", [1_200, 420])
def test_nothing_is_wider_than_the_window(chromium: str, tmp_path: Path, width: int) -> None:
    assert in_frame(chromium, tmp_path, width, WIDER) == "0"


def test_on_a_narrow_screen_the_table_of_latencies_scrolls_in_its_box_and_no_table_is_cut(
    chromium: str, tmp_path: Path
) -> None:
    boxes = in_frame(chromium, tmp_path, 420, BOXES).split()
    assert boxes[0] == "scrolls"
    assert set(boxes) == {"fits", "scrolls"}


def in_frame(chromium: str, directory: Path, width: int, script: str) -> str:
    """What the script makes the title, where a page with everything is in a frame of that many pixels."""
    inner = escape(report(everything()))
    outer = f'<title></title><body><iframe srcdoc="{inner}" width="{width}" height="900"></iframe></body>'
    return opened(chromium, outer, directory, f'document.querySelector("iframe").onload = () => {{ {script} }};')[0]
