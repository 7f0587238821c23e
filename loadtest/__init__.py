"""The load test: a raw-socket chat user for Locust, and scenarios that account for every delivery.

It tests any IRC server. Of the server beside it, it knows only the wires, the events and the errors. A locustfile takes
what it needs from here: `ChatUser`, `Scenario`, `Wire`, `Said`, `Refused`. They are loaded as they are asked for, so
that the package itself takes no time.
"""

from importlib import import_module
from typing import Any

_HERE = {
    "ChatUser": "loadtest.locust.chat_user.ChatUser",
    "Scenario": "loadtest.run.scenario.OneRoom",
    "Wire": "loadtest.wires.Wire",
    "Said": "loadtest.wires.Said",
    "Refused": "loadtest.wires.Refused",
}
__all__ = list(_HERE)


def __getattr__(name: str) -> Any:
    if name not in _HERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HERE[name].rpartition(".")
    return getattr(import_module(module), attribute)
