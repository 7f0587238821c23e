"""From how many sends on should a pass be shared with the helper, and how many should each take at once?

From 32, 8 at once. CPython 3.14, 3 rounds, as it then was (from 128, 32 at once) and with that: 100 members steady
p50 2.5 and 1.8 ms, 1,000 members 12.2 and 11.8 ms. From 64: 1.9 ms, 12.4 to 12.7 ms.
"""

from functools import partial

from chat.server.net import sender

CASES = ("steady-100", "steady")


def _set(shared_from: int, at_once: int) -> None:
    sender.SHARED_FROM, sender.AT_ONCE = shared_from, at_once


VARIANTS = {
    f"from {shared_from}, {at_once} at once": partial(_set, shared_from, at_once)
    for shared_from, at_once in ((64, 16), (128, 32), (128, 128))
}
