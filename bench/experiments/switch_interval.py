"""Does another switch interval of the interpreter (5 ms) help where two threads send at once?

No. CPython 3.14, 2 rounds: saturated 2.61 M deliveries/s as it is, 2.80 with 0.05 ms, 2.84 with 0.5, 2.62 with 50;
steady p50 11.7, 12.6, 11.8 and 12.1 ms: as far apart as two runs of the same. A thread that sends releases the
lock itself, long before any interval is over, and only one thread computes.
"""

import sys
from functools import partial

CASES = ("saturated", "steady", "busy")
VARIANTS = {f"{ms:g} ms": partial(sys.setswitchinterval, ms / 1000) for ms in (0.05, 0.5, 50)}
