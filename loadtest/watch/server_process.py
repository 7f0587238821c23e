"""Read what a server's process holds: descriptors, threads, memory, CPU time. Linux; knows nothing of scenarios.

Memory is what the process has taken for itself: anonymous pages (`RssAnon`), in RAM or swapped out. `VmRSS` counts the
pages of libraries too, which rise as code runs for the first time and fall when the machine wants them back, and
`smaps_rollup` walks all page tables while it holds a lock that the server's own allocations need.
Source: proc_pid_status(5), proc_pid_stat(5).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chat.errors import SetupError

_TICKS = os.sysconf("SC_CLK_TCK")  # of CPU time in a second: 100, so that it is read to 10 ms


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process held at one moment."""

    descriptors: int
    threads: int
    memory_bytes: int
    cpu_s: float  # of all its threads, user and system, since it began


@dataclass(frozen=True, slots=True)
class Usage:
    """The part of a reading that costs the same however many descriptors there are."""

    threads: int
    memory_bytes: int
    cpu_s: float


def read(pid: int) -> Reading:
    """Takes some 0.2 ms, and 1 ms more for a thousand descriptors. Raises SetupError: no such process, or no right."""
    now = usage(pid)
    with _spoken(pid):
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    return Reading(descriptors, now.threads, now.memory_bytes, now.cpu_s)


def usage(pid: int) -> Usage:
    """Takes some 0.1 ms. Raises SetupError, as `read` does."""
    place = Path("/proc") / str(pid)
    with _spoken(pid):
        status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        if status["State"].split()[0] in "ZX":
            raise SetupError(f"--server-pid {pid}: the process has ended")
        memory = sum(int(status[name].split()[0]) for name in ("RssAnon", "VmSwap"))  # kiB
        times = (place / "stat").read_text().rpartition(")")[2].split()  # the name before it may hold anything
    return Usage(
        threads=int(status["Threads"]),
        memory_bytes=memory * 1024,
        cpu_s=(int(times[11]) + int(times[12])) / _TICKS,
    )


@contextmanager
def _spoken(pid: int) -> Iterator[None]:
    """Make one line of whatever goes wrong."""
    try:
        yield
    except (FileNotFoundError, ProcessLookupError):
        raise SetupError(f"--server-pid {pid}: there is no such process here") from None
    except KeyError as error:
        raise SetupError(f"--server-pid {pid}: this system does not say {error} of it") from None
    except OSError as error:
        why = f"{error.strerror} (it takes the same user, or root)"
        raise SetupError(f"--server-pid {pid}: {why}") from None
