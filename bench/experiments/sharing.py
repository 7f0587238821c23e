"""Who sends a pass: the worker alone, always with a helper, or with one while it has time? Or two workers?"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from chat import cli
from chat.server.roster import Roster

CASES = ("saturated", "steady", "steady-10000", "busy", "arrival")


def _set(**settings: int) -> None:
    load = cli.__dict__["load"]

    def load_changed(options: Mapping[str, Any], config: str | None) -> Any:
        return replace(load(options, config), **settings)

    setattr(cli, "load", load_changed)  # noqa: B010 - mypy holds that the module exports no such name


def _always() -> None:
    flush_all = Roster.flush_all
    setattr(Roster, "flush_all", lambda roster, share=False: flush_all(roster, share=True))  # noqa: B010


VARIANTS: dict[str, Callable[[], None]] = {
    "alone": partial(_set, helpers=0),
    "always shared": _always,
    "2 workers": partial(_set, workers=2, helpers=0),
    "2 workers, 1 helper each": partial(_set, workers=2),
}
