"""How much does the cyclic garbage collector cost, which visits every connection now and then?

Nothing measurable. CPython 3.14, 2 rounds: saturated 2.45 M deliveries/s as it is, 2.58 M with it off, 2.97 M where
it runs seldom; steady p50 10.9, 12.0 and 12.3 ms: no direction. Reference counting frees the
some 20 objects of a message, and the threshold of the young generation is 2,000.
"""

import gc
from functools import partial

CASES = ("saturated", "steady", "busy", "arrival")
VARIANTS = {"off": gc.disable, "gen 0 at 50,000": partial(gc.set_threshold, 50_000, 20, 100)}
