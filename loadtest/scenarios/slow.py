"""Some users stop reading: do the others feel it, when and why is each slow one dropped, what does it cost the server.

The slow ones have a small receive buffer, so that what they do not read waits at the server. After `--before` seconds
they stop reading for `--stalled` seconds; `--after` seconds more show whether all is as it was.
"""

from typing import TYPE_CHECKING, Any

from loadtest.accounting.disconnects import Disconnect
from loadtest.scenarios.deaths import Deaths
from loadtest.settings.ways import STALL
from loadtest.watch import server_process
from loadtest.wires.wire import LEAVES, NAMES

if TYPE_CHECKING:
    from loadtest.lead.stage import Stage
    from loadtest.settings.options import Settings
    from loadtest.watch.server_process import Reading

_MIB = 1_048_576


class Slow(Deaths):
    name = "slow"
    summary = "some users stop reading; the others go on"
    default_rate = 50.0  # enough to fill the kernel's buffers of a reader that has stopped within seconds
    needs = frozenset(
        (
            NAMES,
            LEAVES,
        )
    )

    def __init__(self, settings: "Settings", users: int) -> None:
        super().__init__(settings, users)
        self._readings: list[Reading] = []  # of the server: the first before anybody stops, the last at the end

    @property
    def memory_bound(self) -> int:
        """Bytes that the server may grow by: every slow reader's outbox full, and what an allocator keeps."""
        return self.victims * self.settings.server_outbox_limit + round(self.settings.max_memory_growth_mib * _MIB)

    def course(self, stage: "Stage") -> None:
        self.disconnects.clear()
        self._readings = self._read()
        with stage.sampling(self._read) as samples:
            self.act(stage, STALL, self.settings.stalled, self.settings.receive_bytes)
        self._readings += [reading for sample in samples for reading in sample] + self._read()

    def part(self) -> dict[str, Any]:
        over = [disconnect for disconnect in self.disconnects if disconnect.phases]  # not stopped on the way
        return {"slow": {**self._figures(over[0]), **self._memory()} if over else None}

    def missed(self) -> list[str]:
        lines = [line for disconnect in self.disconnects for line in disconnect.felt(self.settings.max_p99_ratio)]
        growth = self._memory()["memory_growth_bytes"]
        if growth is not None and growth > self.memory_bound:
            lines.append(
                f"the server grew by {growth / _MIB:,.1f} MiB, the limit is {self.memory_bound / _MIB:,.1f} MiB"
            )
        return lines

    def measures(self) -> dict[str, float | None]:
        """Here `dropped` are the slow ones whom the server dropped: it need not keep them."""
        over = [disconnect for disconnect in self.disconnects if disconnect.phases]
        return {**super().measures(), "dropped": float(len(over[0].after_us)) if over else None}

    def _read(self) -> "list[Reading]":
        return [server_process.read(self.settings.server_pid)] if self.settings.server_pid else []

    def _figures(self, disconnect: Disconnect) -> dict[str, Any]:
        return {
            "slow": disconnect.victims,
            "dropped": len(disconnect.after_us),
            "dropped_after_us": sorted(disconnect.after_us.values()),
            "reasons": disconnect.reasons,
            "with_us": disconnect.phases["during"].figures(),
            "without_us": disconnect.phases["before"].figures(),
        }

    def _memory(self) -> dict[str, Any]:
        """In bytes; null where the server's process is not known."""
        sizes = [reading.memory_bytes for reading in self._readings]
        return {
            "memory_before_bytes": sizes[0] if sizes else None,
            "memory_peak_bytes": max(sizes, default=None),
            "memory_growth_bytes": max(sizes) - sizes[0] if sizes else None,
            "memory_bound_bytes": self.memory_bound,
        }
