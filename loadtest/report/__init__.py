"""What a run leaves behind: `summary.json`, `report.html` and the fan-out table."""

from pathlib import Path
from typing import Any

from loadtest.report.page import page
from loadtest.report.summary import dump
from loadtest.report.table import show, table
from loadtest.verdict import Figures

__all__ = ["show", "table", "write"]


def write(summary: dict[str, Any], figures: Figures, directory: Path) -> None:
    """Both files. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "summary.json").write_text(dump(summary), encoding="utf-8")
    (directory / "report.html").write_text(page(summary, figures.fanout, figures.complete), encoding="utf-8")
