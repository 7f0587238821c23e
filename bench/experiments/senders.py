"""Which sender should a server take: `send`, with or without its helper, or io_uring on how many rings?

On 2 cores `send` with its helper, on many cores polled rings: docs/measurements.md has the figures, and says what has
not been measured. `python -m bench --servers fanfare-send,fanfare-uring,bare-epoll,bare-uring --readers 8` compares
the two with the bare loops.
"""

from functools import partial

from bench.experiments.sharing import set_settings

CASES = ("saturated", "steady", "steady-10000", "busy")
VARIANTS = {
    "send alone": partial(set_settings, sender="send", helpers=0),
    "io_uring, no ring polled": partial(set_settings, sender="uring", senders=0),
    **{f"io_uring, {number} polled": partial(set_settings, sender="uring", senders=number) for number in (1, 2, 4, 8)},
}
