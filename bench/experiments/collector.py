"""What does the cyclic garbage collector cost, which looks at every connection now and then?"""

import gc
from functools import partial

CASES = ("saturated", "steady", "busy", "arrival")
VARIANTS = {"off": gc.disable, "gen 0 at 50,000": partial(gc.set_threshold, 50_000, 20, 100)}
