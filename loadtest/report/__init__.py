"""What a run leaves behind: `summary.json`, `report.html`, two `.hgrm` files and the fan-out table."""

import secrets
from pathlib import Path
from typing import Any

from loadtest.judge.verdict import Figures
from loadtest.report.hgrm import hgrm
from loadtest.report.page import page
from loadtest.report.summary import dump
from loadtest.report.table import show, table

__all__ = ["show", "table", "write"]


def write(summary: dict[str, Any], figures: Figures, directory: Path) -> None:
    """All files. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    _replace(directory / "summary.json", dump(summary))
    _replace(directory / "report.html", page(summary, figures))
    _replace(directory / "fanout.hgrm", hgrm(figures.fanout))
    _replace(directory / "complete.hgrm", hgrm(figures.complete))


def _replace(path: Path, text: str) -> None:
    """Whoever reads the file meanwhile sees the old one or the new one; and it may be another user's, as after `crash`.

    Raises OSError, and leaves the old file then.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
