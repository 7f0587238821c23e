"""Does another switch interval of the interpreter (5 ms) help two workers?"""

import sys
from functools import partial

CASES = ("saturated", "steady", "busy")
VARIANTS = {f"{ms:g} ms": partial(sys.setswitchinterval, ms / 1000) for ms in (0.05, 0.5, 50)}
