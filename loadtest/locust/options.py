"""The load test's options on Locust's command line and page, and the settings made of them."""

import argparse
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from chat.errors import SetupError
from loadtest.run.scenario import SCENARIOS, Scenario
from loadtest.run.settings import Settings, one_of, spelled, typed

_USE = "is now"
# What options were called before.
_RENAMED = {
    "--objective": "--require 'p99<50ms,lost=0'",
    "--max-p50-ms": "--require 'p50<50ms'",
    "--max-p99-ms": "--require 'p99<50ms'",
    "--max-complete-p99-ms": "--require 'complete_p99<50ms'",
    "--max-lost": "--require 'lost<=5'",
    "--max-duplicated": "--require 'duplicated<=5'",
    "--max-reordered": "--require 'reordered<=5'",
    "--max-ghosts": "--require 'ghosts<=5'",
    "--max-join-p99-ms": "--require 'join_p99<50ms'",
    "--max-leave-p99-ms": "--require 'leave_p99<50ms'",
    "--server-outbox-limit": "--server-send-queue-limit",
}


class _Renamed(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        parser.error(f"{option_string} is now {_RENAMED[option_string or '']}")


class _Joined(argparse.Action):
    """May be given more than once."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        before = getattr(namespace, self.dest, "")
        setattr(namespace, self.dest, ",".join(filter(None, (before, values))))


def all_options() -> dict[str, Any]:
    """The fields of all settings classes by name: those of every run, then those of each scenario."""
    kinds: list[type[Settings]] = [Settings, *(scenario.settings_type for scenario in SCENARIOS.values())]
    return {each.name: each for kind in kinds for each in fields(kind)}


def on_page() -> frozenset[str]:
    """The names of what is on the form of Locust's page."""
    return frozenset(name for name, each in all_options().items() if each.metadata["on_page"])


def add_options(parser: Any) -> None:
    """Add them to Locust's parser."""
    if parser.prog == "__main__.py":  # `python -m locust`, as `fanfare load` starts it
        parser.prog = "locust"
    group = parser.add_argument_group("Fanfare load test")
    for name in _RENAMED:
        renamed = group.add_argument(name, action=_Renamed, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        renamed.include_in_web_ui = False
    for each in all_options().values():
        default = "" if each.default in (None, "") else f". Default: {each.default}"
        words = _takers(each.name) + each.metadata["help"] + _of_scenarios(each.name)
        if each.default is False:
            flag = group.add_argument(spelled(each), action="store_true", help=words.replace("%", "%%"))
            flag.include_in_web_ui = each.metadata["on_page"]
            continue
        action = group.add_argument(
            spelled(each),
            type=one_of("scenario", SCENARIOS) if each.name == "scenario" else each.metadata["kind"],
            default=each.default,
            action=_Joined if each.name == "require" else "store",
            choices=tuple(SCENARIOS) if each.name == "scenario" else None,  # the page then has a list to choose from
            help=(words + default).replace("%", "%%"),
            metavar=each.name.upper(),
        )
        action.include_in_web_ui = each.metadata["on_page"]  # Locust's flag, which a group's own method does not know


def scenario_of(options: Any) -> type[Scenario]:
    """The class that `--scenario` names. Raises SetupError."""
    if options.scenario not in SCENARIOS:
        raise SetupError(f"--scenario: there is no scenario {options.scenario!r}, choose from {', '.join(SCENARIOS)}")
    return SCENARIOS[options.scenario]


def settings_of(options: Any) -> Settings:
    """Those of the scenario that is chosen. Raises SetupError with one line where they do not fit together."""
    return scenario_of(options).settings_type.of(options)


def typed_options(form: Mapping[str, str]) -> dict[str, Any]:
    """What a form says of the options that are on it. Raises SetupError with one line for a value that is none."""
    known = all_options()
    return {name: typed(known[name], form[name]) for name in on_page() & form.keys()}


def _takers(name: str) -> str:
    """The scenarios that have this option, for the beginning of its words; empty where all do."""
    takers = [each for each, kind in SCENARIOS.items() if any(name == one.name for one in fields(kind.settings_type))]
    return f"{', '.join(takers)}: " if len(takers) < len(SCENARIOS) else ""


def _of_scenarios(name: str) -> str:
    """What the scenarios say of an option that all have."""
    if name == "scenario":
        return ": " + "; ".join(f"{each}: {kind.summary}" for each, kind in SCENARIOS.items())
    if name == "rate":
        return ". Default: " + ", ".join(f"{kind.default_rate:g} in {each}" for each, kind in SCENARIOS.items())
    return ""
