"""Notifications to systemd: ready, reloading, stopping, alive (sd_notify(3), Type=notify). Silent without it."""

import logging
import os
import socket
import time
from collections.abc import Mapping

log = logging.getLogger(__name__)


def notify(*lines: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send `READY=1` and the like. Never blocks and never fails."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = f"\0{address[1:]}"  # Linux's abstract namespace
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto("\n".join(lines).encode(), address)
    except OSError as error:
        log.debug("systemd was not told %s: %s", lines, error)


def notify_reloading() -> None:
    """Followed by READY=1 once it has reloaded (Type=notify-reload)."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def has_watchdog(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is to say regularly that it is alive (sd_watchdog_enabled(3))."""
    return "WATCHDOG_USEC" in environ and environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
