"""Does it help to pin the loop and its helper to a processor each?

No. CPython 3.14, 2 rounds, only the loop kept on one: saturated 3.13 M deliveries/s as it is, 2.70 M pinned; steady
p50 11.3 and 10.5 ms. Another process that needs that processor, here the generator, then delays the loop, while the
other processor idles.
"""

import os

from chat.server.net.loop import Loop

CASES = ("saturated", "steady", "busy")


def _pin() -> None:
    run = Loop._run

    def pinned_run(loop: Loop) -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        run(loop)

    setattr(Loop, "_run", pinned_run)  # noqa: B010


VARIANTS = {"pinned": _pin}
