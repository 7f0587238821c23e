"""What a process takes over a window's time: CPU and memory, one sample for each slice. Knows nothing of messages.

Read from /proc, so on Linux only; elsewhere, and once a process has ended, a sample says that nothing is known.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import gevent

from chat.errors import SetupError
from loadtest.watch.server_process import Usage, usage

Sample = tuple[float | None, int | None]  # CPU in percent of a core over the slice, bytes of memory at its end
_UNKNOWN: Sample = (None, None)


@dataclass(slots=True)
class Cost:
    """What generator and server took in one slice of a window; None where it is not known."""

    generator_cpu_percent: float | None = None  # of the busiest process: it is the one that falls behind
    generator_memory_bytes: int | None = None  # of all processes
    server_cpu_percent: float | None = None
    server_memory_bytes: int | None = None

    def add_generator(self, sample: Sequence[float | None]) -> None:
        """Take one more process's sample."""
        percent, memory = sample
        if percent is not None:
            self.generator_cpu_percent = max(percent, self.generator_cpu_percent or 0.0)
        if memory is not None:
            self.generator_memory_bytes = round(memory) + (self.generator_memory_bytes or 0)

    def set_server(self, sample: Sequence[float | None]) -> None:
        percent, memory = sample
        self.server_cpu_percent = percent
        self.server_memory_bytes = None if memory is None else round(memory)


def costs(generator: Iterable[Sequence[Sample]], server: Sequence[Sample], slices: int) -> list[Cost]:
    """One for each slice, of what each generator process sampled, and of what was sampled of the server."""
    made = [Cost() for _ in range(slices)]
    for samples in generator:
        for cost, sample in zip(made, samples, strict=False):  # a window that was stopped has fewer
            cost.add_generator(sample)
    for cost, sample in zip(made, server, strict=False):
        cost.set_server(sample)
    return made


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
        self.samples.append(between(self._last, now))
        self._last = now

    def _look(self) -> tuple[int, Usage] | None:
        with suppress(SetupError):
            return time.monotonic_ns(), usage(self._pid)
        return None


def _sleep_until(due_ns: int) -> None:
    if (left_ns := due_ns - time.monotonic_ns()) > 0:
        gevent.sleep(left_ns / 1e9)


def between(before: tuple[int, Usage] | None, now: tuple[int, Usage] | None) -> Sample:
    """Of two looks at a process, each with its moment; without the first, only the memory is known."""
    if now is None:
        return _UNKNOWN
    if before is None or now[0] <= before[0]:
        return None, now[1].memory_bytes
    percent = 100e9 * (now[1].cpu_s - before[1].cpu_s) / (now[0] - before[0])
    return round(percent, 1), now[1].memory_bytes
