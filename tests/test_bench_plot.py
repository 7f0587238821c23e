"""The plot of a run shows the figures of its JSON, with Fanfare marked out, and says when it cannot be drawn."""

import json
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from bench.plot import OURS, PANELS, draw, main
from bench.table import COLUMNS

ROWS: dict[str, dict[str, float | None]] = {
    "saturated": {"fanfare": 2_000_000.0, "ngircd": 1_000_000.0, "bare-epoll": 3_000_000.0},
    "idle": {"fanfare": 0.0, "ngircd": 0.25, "bare-epoll": 0.0},
    "busy": {"fanfare": 12_345.0, "ngircd": None, "bare-epoll": 20_000.0},
    "rooms": {"fanfare": None, "ngircd": None, "bare-epoll": None},
}


def report() -> dict[str, Any]:
    return {
        "medians": {
            case: {server: {COLUMNS[case][0].title: value} for server, value in rows.items()}
            for case, rows in ROWS.items()
        }
    }


def texts(axis: Axes) -> list[str]:
    return [text.get_text().strip() for text in axis.texts]


def test_every_panel_is_a_column_of_its_case() -> None:
    for panel in PANELS:
        assert panel.column in [column.title for column in COLUMNS[panel.case]]
    assert {panel.case for panel in PANELS} == set(COLUMNS)


def test_each_case_with_figures_has_a_panel_and_each_server_a_bar() -> None:
    drawn = [axis for axis in draw(report()).axes if axis.axison]
    assert [axis.get_title(loc="left").partition(":")[0] for axis in drawn] == [
        "Saturated",
        "Busy day",
        "CPU of 10,000 idle members (less is better)",
    ]
    assert texts(drawn[0]) == ["2.00", "1.00", "3.00"]
    assert texts(drawn[1]) == ["12,345", "no figure", "20,000"]
    assert [bar.get_width() for bar in drawn[0].patches if isinstance(bar, Rectangle)] == [2, 1, 3]
    assert [label.get_text() for label in drawn[0].get_yticklabels()] == list(ROWS["saturated"])


def test_fanfare_is_marked_out_by_colour_and_weight() -> None:
    axis = draw(report()).axes[0]
    colours = [bar.get_facecolor() for bar in axis.patches]
    assert len(set(colours)) == 3
    assert [label.get_fontweight() for label in axis.get_yticklabels()] == ["bold", "normal", "normal"]
    assert OURS.startswith("#")


def test_nothing_is_cut_off_and_nothing_overlaps() -> None:
    servers = ("fanfare 1 worker", "fanfare 2 workers", "thread-per-client", "bare-epoll")
    rows = {server: {panel.column: 123_456.7 for panel in PANELS} for server in servers}
    figure = draw({"medians": {panel.case: rows for panel in PANELS}})
    figure.draw_without_rendering()
    drawn = [axis for axis in figure.axes if axis.axison]
    assert len(drawn) == len(PANELS)
    for axis in drawn:
        # its own words in their full extent, which lie in the figure and cover no other panel's
        words = axis.get_tightbbox()
        assert words is not None
        assert figure.bbox.x0 <= words.x0 <= words.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= words.y0 <= words.y1 <= figure.bbox.y1
        for other in drawn:
            covered = other.get_tightbbox()
            assert covered is not None
            assert other is axis or not words.overlaps(covered), axis.get_title(loc="left")


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_picture_is_written(tmp_path: Path, ending: str) -> None:
    source, to = tmp_path / "bench.json", tmp_path / f"bench.{ending}"
    source.write_text(json.dumps(report()))
    assert main([str(source), str(to)]) == 0
    assert to.read_bytes()[:5] == {"svg": b"<?xml", "png": b"\x89PNG\r"}[ending]


def test_a_run_without_figures_is_an_empty_picture(tmp_path: Path) -> None:
    assert [axis for axis in draw({"medians": {}}).axes if axis.axison] == []


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_what_is_no_report_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "bench.json").write_text(text)
    assert main([str(tmp_path / "bench.json"), str(tmp_path / "bench.svg")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main([str(tmp_path / "absent.json"), str(tmp_path / "bench.svg")]) == 2
    assert capsys.readouterr().err == f"bench.plot: {tmp_path / 'absent.json'}: No such file or directory\n"
