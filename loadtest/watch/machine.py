"""What the machine did meanwhile, beside the generator: a note to a run's figures, no verdict. Linux; else nothing.

Sources: proc_stat(5); Documentation/scheduler/sched-stats.rst for how long this process's main thread, which has the
loop, was ready to run and had to wait for a core.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_STAT, _SCHEDSTAT = Path("/proc/stat"), Path("/proc/self/schedstat")
_IDLE, _IOWAIT, _STEAL = 3, 4, 7  # places in the line `cpu`
_PLACES = 8  # those after it are counted in these already

Note = dict[str, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters since the machine, or this process, began."""

    at_ns: int
    ticks: int  # of all cores
    idle: int
    stolen: int  # by other guests of a virtual machine's host
    waited_ns: int


def read() -> Reading | None:
    """None where this system does not tell."""
    try:
        ticks = [int(word) for word in _STAT.read_text().splitlines()[0].split()[1 : 1 + _PLACES]]
        waited_ns = int(_SCHEDSTAT.read_text().split()[1])
        idle, stolen = ticks[_IDLE] + ticks[_IOWAIT], ticks[_STEAL]
    except (OSError, ValueError, IndexError):
        return None
    return Reading(time.monotonic_ns(), sum(ticks), idle, stolen, waited_ns)


def between(first: Reading | None, last: Reading | None) -> Note | None:
    """Shares in percent: of all cores' time, and, of the generator's wait, of the time between."""
    if not first or not last or last.ticks <= first.ticks or last.at_ns <= first.at_ns:
        return None
    whole = last.ticks - first.ticks
    stolen = last.stolen - first.stolen
    return {
        "cores": os.cpu_count() or 1,
        "busy_percent": round(100 * (whole - (last.idle - first.idle) - stolen) / whole, 1),
        "steal_percent": round(100 * stolen / whole, 1),
        "waited_percent": round(100 * (last.waited_ns - first.waited_ns) / (last.at_ns - first.at_ns), 1),
    }


def worst(one: Note | None, other: Note | None) -> Note | None:
    """Of two processes', perhaps on two machines, that of the one that waited more for a core."""
    return max((note for note in (one, other) if note), key=lambda note: note["waited_percent"], default=None)
