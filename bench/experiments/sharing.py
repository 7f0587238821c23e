"""Which threads should send a pass: the loop alone, always with a helper, or with one while it has time?

With one while it has time. CPython 3.14, medians of 4 rounds (busy: 2), as it is / alone / always / two workers that
had half of the connections each, which the server could then do:
saturated 3.15 / 2.89 / 2.93 / 2.87 M deliveries/s; steady p50 10.8 / 12.7 / 11.1 / 10.7 ms, p99 15.5 / 19.9 / 17.6 /
15.6 ms; busy day 33,200 / 31,500 / 24,700 / 12,100 messages/s.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from chat import cli
from chat.server.net.connections import Connections

CASES = ("saturated", "steady", "steady-10000", "busy", "arrival")


def set_settings(**settings: object) -> None:
    load = cli.__dict__["load"]

    def load_changed(options: Mapping[str, Any], config: str | None) -> Any:
        return replace(load(options, config), **settings)

    setattr(cli, "load", load_changed)  # noqa: B010 - mypy holds that the module exports no such name


def _always() -> None:
    send = Connections.send
    setattr(Connections, "send", lambda connections, share=False: send(connections, share=True))  # noqa: B010


VARIANTS: dict[str, Callable[[], None]] = {
    "alone": partial(set_settings, helpers=0),
    "always shared": _always,
}
