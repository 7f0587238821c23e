"""docs/reference.md, made of the code. `python -m tests.loadtest.reference` writes it again."""

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from loadtest import scenarios
from loadtest.__main__ import EXITS
from loadtest.core.requirements import MEASURES, OF_DELIVERIES, TIMES
from loadtest.core.result import EXIT_STATUS, Figures, Result, json_schema
from loadtest.core.verdict import measures
from loadtest.run.scenario import SCENARIOS, Scenario
from loadtest.run.settings import Settings, spelled

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference.md"
_ABOUT = """\
# Load test reference

Every option, measure, key and exit status. [The quickstart](quickstart.md) is the place to begin. This page is made of
the code by `python -m tests.loadtest.reference`.
"""


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """In Markdown, each cell on one line."""
    head = list(heading)
    lines = [head, ["---"] * len(head), *([_cell(each) for each in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def option_row(each: "Field[Any]") -> list[str]:
    words, _, default = each.metadata["help"].partition(". Default: ")
    shown = default or (f"`{each.default}`" if each.default not in ("", None) and each.default is not False else "")
    words = words if words.endswith("...") else words.removesuffix(".")
    return [f"`{spelled(each)}`", shown, words, "yes" if each.metadata["on_page"] else ""]


def options() -> str:
    """Those of every run, then each that scenarios add, once."""
    head = ("option", "default", "what for", "on Locust's page")
    common = {each.name for each in fields(Settings)}
    text = "## Options of every run\n\n" + table(head, map(option_row, fields(Settings)))
    users: dict[str, list[str]] = {}
    known: dict[str, Field[Any]] = {}
    for scenario in SCENARIOS.values():
        for each in fields(scenario.settings_type):
            if each.name not in common:
                users.setdefault(each.name, []).append(scenario.name)
                known[each.name] = each
    for taken in dict.fromkeys(tuple(names) for names in users.values()):
        rows = [option_row(known[name]) for name, names in users.items() if tuple(names) == taken]
        text += f"\n## Options of {', '.join(taken)}\n\n" + table(head, rows)
    return text


def scenarios_table() -> str:
    rows = (
        [
            f"`{name}`",
            each.summary,
            f"{each.default_rate:g}",
            ", ".join(sorted(each.needs)),
        ]
        for name, each in sorted(SCENARIOS.items())
    )
    return "## Scenarios\n\n" + table(("scenario", "what happens", "`--rate`", "the wire must tell"), rows)


_OTHERS = {
    "lost": "deliveries that never came",
    "duplicated": "deliveries that came again",
    "reordered": "deliveries that came after a later one of the same sender",
    "late": "deliveries later than --late-after",
    "dropped": "connections lost; in slow, the slow readers whom the server dropped",
    "ghosts": "dead users whom the server still lists",
    "lost_share": "lost, of all that were due",
    "late_share": "late, of all that were delivered",
}


def _words_of(measure: str) -> str:
    """What it is of."""
    if measure in _OTHERS:
        return _OTHERS[measure]
    if measure in OF_DELIVERIES:
        return f"deliveries {OF_DELIVERIES[measure].partition(': ')[2]}"
    return TIMES[measure.rpartition("_")[0]]


def measures_table() -> str:
    everywhere, over_nodes = measures(Figures("", "")), measures(Figures("", "", nodes=2))
    added: dict[str, list[str]] = {}
    for name, scenario in sorted(SCENARIOS.items()):
        for measure in _measures_of(scenario):
            if measure not in everywhere:
                added.setdefault(measure, []).append(name)
    rows: dict[tuple[str, str, str], list[str]] = {}
    for name, kind in MEASURES.items():
        everybody = "all" if name in everywhere else "all, with several hosts"
        where = everybody if name in over_nodes else ", ".join(added[name])
        rows.setdefault((kind, _words_of(name), where), []).append(f"`{name}`")
    made = ([", ".join(names), kind, words, where] for (kind, words, where), names in rows.items())
    return "## Measures of `--require`\n\n" + table(("measure", "kind", "of", "scenarios"), made)


def _measures_of(kind: type[Scenario]) -> Iterable[str]:
    return kind(kind.settings_type(scenario=kind.name), 100).measures()


def comments(kind: Callable[..., Any]) -> dict[str, str]:
    """What the source says beside each field."""
    return dict(re.findall(r"^    (\w+): .*?  # (.+)$", inspect.getsource(kind), re.MULTILINE))


def schema_tables() -> str:
    top = json_schema()["properties"]
    text = "## `result.json`\n\n`fanfare load schema` prints the whole JSON Schema.\n\n"
    for heading, kind, properties in (
        ("key", Result, top),
        ("key in `figures`", Figures, top["figures"]["properties"]),
    ):
        said = comments(kind)
        text += table(
            (heading, "type", "what it is"), ([f"`{k}`", _type(v), said.get(k, "")] for k, v in properties.items())
        )
        text += "\n"
    return text


def _type(value: dict[str, Any]) -> str:
    if "anyOf" in value:
        return " or ".join(map(_type, value["anyOf"]))
    found = value.get("type", "any")
    return " or ".join(found) if isinstance(found, list) else str(found)


def exits() -> str:
    meanings = {status: f"{word}: {EXITS[status]}" for word, status in EXIT_STATUS.items()}
    rows = ([str(status), meanings.get(status, EXITS[status])] for status in sorted(EXITS))
    return "## Exit statuses\n\n" + table(("status", "means"), rows)


def page() -> str:
    scenarios.load()
    return "\n".join((_ABOUT, scenarios_table(), options(), measures_table(), schema_tables() + exits()))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.exit(0)
