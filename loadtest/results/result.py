"""`Result`: all that is known of a run once it is over. `result.json` is this value; everything else is made of it."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadtest.capacity.steps import merged
from loadtest.judge.verdict import FAIL, INVALID, PASS, Figures, Verdict
from loadtest.results.codec import Misfit, decode, encode, schema

SCHEMA = 1
_WORST = (PASS, FAIL, INVALID)


@dataclass(frozen=True, slots=True)
class Result:
    """`figures` hold packed histograms, so that results of several runs can be added to the last bucket."""

    schema: int
    run_id: str
    started_at: str  # ISO 8601, UTC
    verdict: str
    reasons: list[str]
    requirements: list[str]  # what was required, as it is written
    settings: dict[str, Any]
    command: str
    environment: dict[str, Any]  # the machine and the programs of the leading process
    figures: Figures
    part: dict[str, Any]  # what the scenario has of its own

    @property
    def judged(self) -> Verdict:
        return Verdict(self.verdict, self.reasons)

    def __add__(self, other: "Result") -> "Result":
        """Two runs as one long one: the worse verdict, and the scenario's part of the first."""
        return replace(
            self,
            verdict=max(self.verdict, other.verdict, key=_WORST.index),
            reasons=list(dict.fromkeys(self.reasons + other.reasons)),
            figures=merged([self.figures, other.figures]),
        )


def dump(result: Result) -> str:
    return json.dumps(encode(result), separators=(",", ":"), allow_nan=False) + "\n"


def load(path: Path) -> Result:
    """A run's file, or its folder. Raises Misfit with one line."""
    path = path / "result.json" if path.is_dir() else path
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misfit(f"{path}: {error.strerror}") from None
    except ValueError:
        raise Misfit(f"{path}: this is no JSON") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        raise Misfit(f"{path}: its schema is {found!r}, this version reads {SCHEMA}")
    try:
        result: Result = decode(Result, data)
    except Misfit as misfit:
        raise Misfit(f"{path}: {misfit}") from None
    return result


def json_schema() -> dict[str, Any]:
    """Of `result.json`, made from the types."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The result of a load test",
        **schema(Result),
    }
