"""A network of a test's own, in which ports can be cut off silently: no FIN, no RST, no answer, as by a pulled cable.

Linux and root only. Where that is not to be had the test is skipped, or fails when REQUIRE_NETNS=1 is set.
"""

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

PATIENCE = 50  # s for a command of ours; each takes milliseconds
TABLE = "inet fanfare_cut"
RULES = f"""table {TABLE} {{
  set ports {{ type inet_service; flags timeout; }}
  chain arriving {{ type filter hook input priority 0; tcp sport @ports drop; tcp dport @ports drop; }}
}}
"""
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Namespace:
    """Its loopback is up and belongs to it alone; what is started with `prefix` before its words lives in it."""

    name: str

    @property
    def prefix(self) -> list[str]:
        return ["ip", "netns", "exec", self.name]

    def cut(self, ports: Iterable[int], seconds: int = 3600) -> None:
        """From now on drop every TCP packet from and to these ports; for `seconds`, or until `mend`."""
        elements = ", ".join(f"{port} timeout {seconds}s" for port in ports)
        self.nft(f"add element {TABLE} ports {{ {elements} }}\n")

    def mend(self) -> None:
        """Let everything through again."""
        self.nft(f"flush set {TABLE} ports\n")

    def nft(self, commands: str) -> None:
        """Run these commands of nft in it."""
        run_command(*self.prefix, "nft", "-f", "-", given=commands)


@contextmanager
def network_namespace() -> Iterator[Namespace]:
    """A namespace with its loopback up and nothing cut. It is removed at the end, and what still runs in it ended."""
    _sweep()
    namespace = Namespace(f"fanfare-{os.getpid()}-{next(_numbers)}")
    try:
        try:
            run_command("ip", "netns", "add", namespace.name)
            run_command("ip", "-netns", namespace.name, "link", "set", "lo", "up")
            namespace.nft(RULES)
        except (OSError, subprocess.CalledProcessError) as error:
            why = (error.stderr if isinstance(error, subprocess.CalledProcessError) else "") or str(error)
            _unavailable(why.strip())
        yield namespace
    finally:
        _remove(namespace.name)


def _sweep() -> None:
    """Remove what tests have left that were killed, and so could not."""
    for path in Path("/run/netns").glob("fanfare-*-*"):
        if not Path("/proc", path.name.split("-")[1]).exists():
            _remove(path.name)


def _unavailable(why: str) -> None:
    message = f"no network namespace of our own: {why}"
    if os.environ.get("REQUIRE_NETNS") == "1":
        pytest.fail(message)
    pytest.skip(message)


def _remove(name: str) -> None:
    with suppress(OSError, subprocess.CalledProcessError):  # it was never made
        for pid in run_command("ip", "netns", "pids", name).split():  # it lives as long as any of them
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        run_command("ip", "netns", "del", name)


def run_command(*command: str, given: str = "") -> str:
    return subprocess.run(command, input=given, capture_output=True, check=True, text=True, timeout=PATIENCE).stdout
