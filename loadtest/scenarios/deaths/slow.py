"""Some users stop reading: do the others feel it, when and why is each slow one dropped, what does it cost the server.

The slow ones have a small receive buffer, so that what they do not read waits at the server. After `--before` seconds
they stop reading for `--stalled` seconds; `--after` seconds more show whether all is as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loadtest.report.blocks import LATENCY_HEAD, Block, Section, latency, mib, ms, reasons, register_section
from loadtest.run import server
from loadtest.run.run import Run
from loadtest.run.server import Reading
from loadtest.run.settings import GrowthSettings, number, option
from loadtest.scenarios.deaths.crash import STALL
from loadtest.scenarios.deaths.leader import Deaths, DeathSettings, Disconnect
from loadtest.wires.wire import LEAVES, NAMES

_MIB = 1_048_576


@dataclass(frozen=True)
class SlowSettings(DeathSettings, GrowthSettings):
    """How long they do not read, and what the server may keep for them."""

    # Fanfare drops a stalled reader 15 s after the kernel's buffers are full.
    stalled: float = option(40.0, number(float, 1), "seconds that the slow ones do not read for", on_page=True)
    # A little more than the least that Linux allows.
    receive_bytes: int = option(
        4096, number(int, 1), "SO_RCVBUF of those who will stop reading: the rest waits at the server"
    )
    server_send_queue_limit: int = option(
        1_048_576, number(int, 1), "bytes that the server keeps for a reader before it drops it, as it is set"
    )


class Slow(Deaths):
    settings: SlowSettings
    settings_type = SlowSettings
    name = "slow"
    summary = "some users stop reading; the others go on"
    default_rate = 50.0  # enough to fill the kernel's buffers of a reader that has stopped within seconds
    needs = frozenset(
        (
            NAMES,
            LEAVES,
        )
    )

    def __init__(self, settings: SlowSettings, users: int) -> None:
        super().__init__(settings, users)
        self._readings: list[Reading] = []  # of the server: the first before anybody stops, the last at the end

    @property
    def memory_bound(self) -> int:
        """Bytes that the server may grow by: every slow reader's send queue full, and what an allocator keeps."""
        return self.victims * self.settings.server_send_queue_limit + round(self.settings.max_memory_growth_mib * _MIB)

    def course(self, run: Run) -> None:
        self.disconnects.clear()
        self._readings = self._read()
        with run.sampling(self._read) as samples:
            self.act(run, STALL, self.settings.stalled, self.settings.receive_bytes)
        self._readings += [reading for sample in samples for reading in sample] + self._read()

    def part(self) -> dict[str, Any]:
        over = [disconnect for disconnect in self.disconnects if disconnect.phases]  # not stopped on the way
        return {**super().part(), "slow": {**self._figures(over[0]), **self._memory()} if over else None}

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
        return [server.read(self.settings.server_pid)] if self.settings.server_pid else []

    def _figures(self, disconnect: Disconnect) -> dict[str, Any]:
        return {
            "slow": disconnect.victims,
            "dropped": len(disconnect.after_us),
            "dropped_after_us": sorted(disconnect.after_us.values()),
            "reasons": disconnect.reasons,
            "with_us": disconnect.felt_in("during"),
            "without_us": disconnect.felt_in("before"),
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


_DROPPED = (
    "The slow readers all stop reading at the same moment. From there a drop counts until the first of the others is "
    "told of it."
)
_OTHERS = (
    "What the others felt: the fan-out of their own messages before that moment, and from then until the last slow "
    "reader was dropped (at least 5 s)."
)
_MEMORY = (
    "What the server's process has taken for itself. It may grow by a full send queue for each slow reader, and by "
    "what an allocator keeps."
)


@register_section("slow", instead_of="disconnects")
def section(slow: Mapping[str, Any]) -> Section:
    times = slow["dropped_after_us"]
    shown = (times[0], times[(len(times) - 1) // 2], times[-1]) if times else (None, None, None)
    blocks = [
        Block(
            ("slow readers, ms", "slow", "dropped", "first", "median", "last", "reasons given"),
            (
                (
                    "dropped after",
                    f"{slow['slow']:,}",
                    f"{slow['dropped']:,}",
                    *(ms(us) for us in shown),
                    reasons(slow["reasons"]),
                ),
            ),
            has_words=True,
            note=_DROPPED,
        ),
        Block(
            ("the others' fan-out, ms", *LATENCY_HEAD),
            (latency("before", slow["without_us"]), latency("with slow readers", slow["with_us"])),
            note=_OTHERS,
        ),
    ]
    if slow["memory_before_bytes"] is not None:
        sizes = (f"memory_{name}_bytes" for name in ("before", "peak", "growth", "bound"))
        memory = ("taken", *(mib(slow[size]) for size in sizes))
        blocks.append(
            Block(("server memory, MiB", "before", "peak", "growth", "growth limit"), (memory,), note=_MEMORY)
        )
    return Section("Slow readers", tuple(blocks))
