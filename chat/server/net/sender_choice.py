"""Choose how a pass's sends are made, by `send` or by io_uring, and say why."""

import os
from pathlib import Path

from chat.errors import SetupError
from chat.server.net.io_uring import Unavailable
from chat.server.net.sender import Sender, SendLoop
from chat.server.net.uring import start_uring
from chat.settings import Settings

# On 2 cores polled rings take time from the loop and its clients; on 16 four of them give a room of 1,000 its message
# in a quarter of the time (docs/measurements.md). Between, `auto` takes no risk.
CORES_FROM = 8
CORES_A_RING = 4
MOST_RINGS = 8  # as many as were measured
MOST_WORKERS = 4  # of the kernel for a ring; sends that never wait need none
CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # a container's share: microseconds of CPU, or "max", in so many


def choose_sender(settings: Settings) -> tuple[Sender, str]:
    """The sender, and one line that says what it is and why. Raises SetupError when `uring` is asked for in vain."""
    number = cores()
    if settings.sender == "send":
        return SendLoop(settings.helpers), "sends by send, as set"
    if settings.sender == "auto" and number < CORES_FROM:
        have = "is 1 core" if number == 1 else f"are {number} cores"
        return SendLoop(settings.helpers), f"sends by send: io_uring pays from {CORES_FROM} cores, and here {have}"
    rings = settings.senders or (min(MOST_RINGS, number // CORES_A_RING) if number >= CORES_FROM else 0)
    try:
        sender = start_uring(rings, min(MOST_WORKERS, settings.senders or MOST_WORKERS))
    except Unavailable as reason:
        if settings.sender == "uring":
            raise SetupError(f"sender is uring, but there is no io_uring here: {reason}") from None
        return SendLoop(settings.helpers), f"sends by send: there is no io_uring here: {reason}"
    if rings:
        threads = "1 kernel thread" if rings == 1 else f"{rings} kernel threads"
        return sender, f"sends by io_uring: {threads}, for {number} cores"
    return sender, f"sends by io_uring, on the loop's own thread: kernel threads pay from {CORES_FROM} cores"


def cores() -> int:
    """The cores that this process may use, at least 1. A container's limit of CPU time counts, rounded down."""
    number = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        time, period = CPU_LIMIT.read_text().split()
        if time != "max":
            number = min(number, int(time) // int(period))
    except (OSError, ValueError):
        pass  # no limit, or another system's
    return max(1, number)
