"""Which monotonic clock this process has.

Processes of one host share it, to the nanosecond: they have the same boot id, and the same time namespace.
"""

import os
import platform
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_NAMESPACE = "/proc/self/ns/time"


def boot_id() -> str:
    """Names this boot of this machine; where it cannot be told (not Linux), the machine by its name."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return platform.node()


def clock_id() -> str:
    """Processes with the same one share their monotonic clock."""
    boot = boot_id()
    try:
        return f"{boot} {os.readlink(_TIME_NAMESPACE)}"
    except OSError:
        return boot  # a kernel before 5.6, or none of Linux: no such namespaces
