"""Whether a server is as it was, after a crowd has come and gone: its process before, at its highest, and after.

Knows nothing of what the crowd did. Where the process is not known (pid 0), it is never read and always as it was.
"""

from dataclasses import asdict, astuple
from typing import Any

from chat.errors import SetupError
from loadtest.watch.server_process import Reading, read

_MIB = 1 << 20


class ServerWatch:
    """`begin`, `note_peak` now and then, and `is_back` until it is."""

    def __init__(self, pid: int, max_growth_mib: float, max_more_threads: int = 0) -> None:
        self._pid = pid
        self._max_more_threads = max_more_threads
        self._max_growth_mib = max_growth_mib
        self._before: Reading | None = None
        self._peak: Reading | None = None
        self._after: Reading | None = None
        self._gone = ""  # why it can be read no more

    def begin(self, connections: int) -> None:
        """Read it for the first time. Raises SetupError when it is no server with so many connections."""
        if not self._pid:
            return
        self._before = read(self._pid)
        if self._before.descriptors < connections:
            count = self._before.descriptors
            raise SetupError(
                f"--server-pid {self._pid} is not the server: it has {count:,} descriptors, "
                f"and {connections:,} users are connected"
            )

    def note_peak(self) -> None:
        if now := self._read():
            highest = zip(astuple(now), astuple(self._peak or now), strict=True)
            self._peak = Reading(*(max(pair) for pair in highest))

    def is_back(self) -> bool:
        """Read it anew: whether it is as it was. The last such reading is the one that counts."""
        self._after = self._read()
        return not self.missed()

    def missed(self) -> list[str]:
        """What is not as it was, one line each with both numbers."""
        before, after = self._before, self._after
        if self._gone:
            return [f"the server cannot be read any more: {self._gone}"]
        if before is None or after is None:
            return []
        lines = []
        for what, then, now, more in (
            ("descriptors", before.descriptors, after.descriptors, 0),
            ("threads", before.threads, after.threads, self._max_more_threads),
        ):
            if now > then + more or (now < then and not more):
                line = f"the server has {now:,} {what} after the guests have gone, before they came it had {then:,}"
                lines.append(line + (f", and may have {more:,} more" if more else ""))
        growth = (after.memory_bytes - before.memory_bytes) / _MIB
        if growth > self._max_growth_mib:
            lines.append(
                f"the server's memory has grown by {growth:,.1f} MiB, the limit is {self._max_growth_mib:,g} MiB"
            )
        return lines

    def part(self) -> dict[str, Any] | None:
        """The readings as plain values; null where there is none."""
        if self._before is None:
            return None
        readings = {"before": self._before, "peak": self._peak, "after": self._after}
        return {moment: asdict(reading) if reading else None for moment, reading in readings.items()}

    def _read(self) -> Reading | None:
        if self._before is None or self._gone:
            return None
        try:
            return read(self._pid)
        except SetupError as error:
            self._gone = str(error)
            return None
