"""Silence sockets: have the kernel drop their packets, in both directions, by nftables. Linux, with CAP_NET_ADMIN.

The ports stand in a set whose elements expire by themselves, so that nothing stays cut when this program dies first.
"""

import secrets
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress

from chat.errors import SetupError


def check() -> None:
    """Raises SetupError, with what to do, where nothing can be cut."""
    if shutil.which("nft") is None:
        raise SetupError("the way 'silence' needs nft, which is not installed: apt-get install nftables")
    done = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False)
    if done.returncode:
        why = next(iter(done.stderr.splitlines()), "no reason given")
        raise SetupError(f"the way 'silence' needs the right to drop packets (root, or CAP_NET_ADMIN): nft says {why}")


class Cut:
    """One table of nftables, named after nobody else's. `prepare`, `fall`, `lift`."""

    def __init__(self) -> None:
        self._table = f"fanfare_{secrets.token_hex(4)}"
        self._exists = False

    def prepare(self) -> None:
        """Set up the rules; nothing is dropped yet. Raises SetupError."""
        rules = "".join(
            f"chain {hook} {{ type filter hook {hook} priority -150; tcp {port} @silenced drop; }}\n"
            for hook, port in (("input", "dport"), ("output", "sport"))
        )
        self._run(f"table inet {self._table} {{\nset silenced {{ type inet_service; flags timeout; }}\n{rules}}}\n")
        self._exists = True

    def fall(self, ports: Iterable[int], seconds: float) -> None:
        """Drop all packets from and to these local TCP ports, for so many seconds at most. Raises SetupError."""
        elements = ", ".join(f"{port} timeout {max(1, round(seconds))}s" for port in ports)
        self._run(f"add element inet {self._table} silenced {{ {elements} }}\n")

    def lift(self) -> None:
        """Let everything through again. Harmless when nothing was cut."""
        if self._exists:
            self._exists = False
            with suppress(SetupError):
                self._run(f"delete table inet {self._table}\n")

    def _run(self, script: str) -> None:
        try:
            done = subprocess.run(["nft", "-f", "-"], input=script, capture_output=True, text=True, check=False)
        except OSError as error:
            raise SetupError(f"nft: {error.strerror}") from None
        if done.returncode:
            raise SetupError(f"nft: {next(iter(done.stderr.splitlines()), 'failed')}")
