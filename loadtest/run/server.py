"""The process of the server under test: which one it is, what it holds, and whether it is as it was before.

Linux; knows nothing of scenarios. Memory is what the process has taken for itself: anonymous pages (`RssAnon`), in RAM
or swapped out. `VmRSS` counts the pages of libraries too, which rise as code runs for the first time and fall when the
machine wants them back, and `smaps_rollup` walks all page tables while it holds a lock that the server's own
allocations need. Which process holds the other end of a connection is found in /proc/PID/net/tcp, which lists the
sockets of that process's network, so also of a container. Sources: proc_pid_status(5), proc_pid_stat(5) and
proc_pid_net(5).
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

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
        """Read it again: whether it is as it was. The last such reading is the one that counts."""
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


_PROC = Path("/proc")
_ORDER = sys.byteorder


def owner(connection: socket.socket) -> int | None:
    """The process that has accepted this connection; None where it cannot be seen from here."""
    ends = _end(connection.getpeername()), _end(connection.getsockname())
    seen: set[str] = set()
    for process in _processes():
        try:
            network = os.readlink(process / "ns" / "net")
            if network not in seen:
                seen.add(network)
                if (inode := _inode(process, ends)) and (pid := _holder(inode)):
                    return pid
        except OSError:
            continue  # another user's, or it has ended
    return None


def _processes() -> Iterator[Path]:
    return (entry for entry in _PROC.iterdir() if entry.name.isdigit())


def _end(address: tuple[object, ...]) -> tuple[str, int]:
    """An end as text and port; an IPv4 address in IPv6 clothes is the IPv4 address."""
    ip = ip_address(str(address[0]).partition("%")[0])
    return str(getattr(ip, "ipv4_mapped", None) or ip), int(str(address[1]))


def _inode(process: Path, ends: tuple[tuple[str, int], tuple[str, int]]) -> str:
    """Of the socket with these two ends in the process's network; empty when there is none."""
    for table in ("tcp", "tcp6"):
        for line in (process / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if (_written(fields[1]), _written(fields[2])) == ends and fields[9] != "0":
                return fields[9]
    return ""


def _written(end: str) -> tuple[str, int]:
    """`0100007F:1A0B`: the address as 32-bit words in the machine's byte order, and the port."""
    digits, _, port = end.partition(":")
    words = (int(digits[at : at + 8], 16) for at in range(0, len(digits), 8))
    address = b"".join(word.to_bytes(4, _ORDER) for word in words)
    return _end((ip_address(address), int(port, 16)))


def _holder(inode: str) -> int | None:
    wanted = f"socket:[{inode}]"
    for process in _processes():
        try:
            if any(os.readlink(entry) == wanted for entry in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    return None
