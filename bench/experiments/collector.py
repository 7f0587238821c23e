"""How much does the cyclic garbage collector cost, which visits every connection now and then?

A quarter of a busy day, so `fanfare serve` lets it run seldom. CPython 3.11, 1 round, with the interpreter's thresholds
and with it off: busy day 36,800 and 50,500 messages/s, users in 50 rooms each 26,400 and 33,600. Reference counting
frees the objects of a message, but a pass makes some thousands before it frees them.
"""

import gc
from collections.abc import Callable
from functools import partial

from chat.server.ops import process

CASES = ("saturated", "steady", "busy", "arrival")


def _set(*thresholds: int) -> None:
    setattr(process, "GC_THRESHOLDS", thresholds)  # noqa: B010


VARIANTS: dict[str, Callable[[], None]] = {
    "the interpreter's": partial(_set, *gc.get_threshold()),
    "off": partial(_set, 0, 0, 0),
}
