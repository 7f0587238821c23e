"""What machine and processes take, and what machine it is. Judges nothing; what Linux does not tell is not known.

Sources: proc_stat(5); Documentation/scheduler/sched-stats.rst for how long this process's main thread, which has the
loop, was ready to run and had to wait for a core.
"""

import os
import platform
import resource
import shlex
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gevent

from chat.errors import SetupError
from loadtest.core.result import Note, Sample
from loadtest.run.server import Usage, usage

_STAT, _SCHEDSTAT = Path("/proc/stat"), Path("/proc/self/schedstat")
_IDLE, _IOWAIT, _STEAL = 3, 4, 7  # places in the line `cpu`
_PLACES = 8  # those after it are counted in these already


@dataclass(frozen=True, slots=True)
class Ticks:
    """Counters since the machine, or this process, began."""

    at_ns: int
    ticks: int  # of all cores
    idle: int
    stolen: int  # by other guests of a virtual machine's host
    waited_ns: int


def read_ticks() -> Ticks | None:
    """None where this system does not tell."""
    try:
        ticks = [int(word) for word in _STAT.read_text().splitlines()[0].split()[1 : 1 + _PLACES]]
        waited_ns = int(_SCHEDSTAT.read_text().split()[1])
        idle, stolen = ticks[_IDLE] + ticks[_IOWAIT], ticks[_STEAL]
    except (OSError, ValueError, IndexError):
        return None
    return Ticks(time.monotonic_ns(), sum(ticks), idle, stolen, waited_ns)


def note_between(first: Ticks | None, last: Ticks | None) -> Note | None:
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


def environment() -> dict[str, Any]:
    """The machine and the programs of this process; null where the system does not tell."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return {
        "kernel": f"{platform.system()} {platform.release()}",
        "cpu": _cpu(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "locust": version("locust"),
        "gevent": version("gevent"),
        "open_files": None if soft == resource.RLIM_INFINITY else soft,
    }


def command() -> str:
    """What this process was started with, quoted for a shell. Of the programs that began it only the names are told."""
    if Path(sys.argv[0]).name == "locust":
        return shlex.join(["locust", *_without_secrets(sys.argv[1:])])
    program, *words = sys.orig_argv
    return shlex.join([Path(program).name, *_without_secrets(words)])


def _without_secrets(words: list[str]) -> list[str]:
    shown, hide = [], False
    for word in words:
        name, equals, _ = word.partition("=")
        shown.append("…" if hide else f"{name}=…" if name.endswith("-password") and equals else word)
        hide = name.endswith("-password") and not equals
    return shown


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


def _memory_bytes() -> int | None:
    with suppress(OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


_UNKNOWN: Sample = (None, None)


class Sampler:
    """One process's samples, as they come; pid 0 is a process that is not known, of which there are none."""

    def __init__(self, pid: int) -> None:
        self.samples: list[Sample] = []
        self._pid = pid
        self._under_way = False
        self._last: tuple[int, Usage] | None = None

    def watch(self, start_ns: int, end_ns: int, slice_ns: int) -> None:
        """Sample at the end of each slice. Meant for a greenlet of its own."""
        if not self._pid:
            return
        _sleep_until(start_ns)
        self._last = self._look()
        self._under_way = True
        for slice_end_ns in range(start_ns + slice_ns, end_ns + slice_ns, slice_ns):
            _sleep_until(min(slice_end_ns, end_ns))
            self._sample()
        self._under_way = False

    def finish(self) -> None:
        """End here; what there was of the slice under way becomes the last sample. Harmless when at its end."""
        if self._under_way:
            self._under_way = False
            self._sample()

    def _sample(self) -> None:
        now = self._look()
        self.samples.append(sample_between(self._last, now))
        self._last = now

    def _look(self) -> tuple[int, Usage] | None:
        with suppress(SetupError):
            return time.monotonic_ns(), usage(self._pid)
        return None


def _sleep_until(due_ns: int) -> None:
    if (left_ns := due_ns - time.monotonic_ns()) > 0:
        gevent.sleep(left_ns / 1e9)


def sample_between(before: tuple[int, Usage] | None, now: tuple[int, Usage] | None) -> Sample:
    """Of two looks at a process, each with its moment; without the first, only the memory is known."""
    if now is None:
        return _UNKNOWN
    if before is None or now[0] <= before[0]:
        return None, now[1].memory_bytes
    percent = 100e9 * (now[1].cpu_s - before[1].cpu_s) / (now[0] - before[0])
    return round(percent, 1), now[1].memory_bytes
