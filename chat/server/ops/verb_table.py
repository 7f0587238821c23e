"""The table of what an administrator may ask of a server: from verb to handler.

Handlers run in the loop's thread. A module enters its own with `verb`, and `verbs.py` imports it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chat.server.ops.operation import Operation, Rows

Handler = Callable[[Operation], Rows | None]


@dataclass(frozen=True, slots=True)
class Verb:
    handler: Handler
    changes: bool  # it changes something: who did it is logged


VERBS: dict[str, Verb] = {}


def verb(name: str, changes: bool = False) -> Callable[[Handler], Handler]:
    """Enter the decorated handler into the table."""

    def enter(handler: Handler) -> Handler:
        VERBS[name] = Verb(handler, changes)
        return handler

    return enter
