"""What a run leaves behind: a folder of its own with `result.json`, and what people and programs look at beside it."""

import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from loadtest.core.result import Result, dump
from loadtest.report import exports
from loadtest.report.hgrm import hgrm
from loadtest.report.page import page
from loadtest.report.summary import summarise
from loadtest.report.table import table

__all__ = ["exports_of", "show", "summary_of", "table", "write"]

LATEST = "latest"  # beside the folders of the runs, a link to the newest one


def summary_of(result: Result) -> dict[str, Any]:
    """`summary.json`, whose keys are a contract."""
    origin = {"environment": result.environment, "command": result.command, "requirements": result.requirements}
    origin |= {"run_id": result.run_id, "started_at": result.started_at}
    return summarise(result.figures, result.judged, result.part, origin)


def exports_of() -> dict[str, Callable[[Result], str]]:
    """All that is made of a result, by name."""
    return {
        "table": lambda result: table(summary_of(result)),
        "html": lambda result: page(summary_of(result), result.figures),
        "summary": lambda result: json.dumps(summary_of(result), indent=1) + "\n",
        "hgrm": lambda result: hgrm(result.figures.fanout),
        "junit": exports.junit,
        "markdown": exports.markdown,
        "prometheus": exports.prometheus,
    }


def write(result: Result, directory: Path) -> Path:
    """A folder for this run, in which others find it as `latest`. Gives the folder. Raises OSError."""
    makers = exports_of()
    stamp = result.started_at.replace(":", "").removesuffix("Z")
    folder = directory / f"{stamp}-{result.figures.scenario}-{result.run_id}"
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "result.json": dump(result),
        "summary.json": makers["summary"](result),
        "report.html": makers["html"](result),
        "fanout.hgrm": hgrm(result.figures.fanout),
        "complete.hgrm": hgrm(result.figures.complete),
    }
    for name, text in files.items():
        _replace(folder / name, lambda path, text=text: path.write_text(text, encoding="utf-8"))  # type: ignore[misc]
    _replace(directory / LATEST, lambda path: os.symlink(folder.name, path))
    for name in files:  # where a browser, or a build, looks for the newest
        _replace(directory / name, lambda path, name=name: os.symlink(f"{LATEST}/{name}", path))  # type: ignore[misc]
    return folder


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    """Whoever reads meanwhile sees the old one or the new one; and it may be another user's, as after `crash`.

    Raises OSError, and leaves the old one then.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        make(beside)
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
