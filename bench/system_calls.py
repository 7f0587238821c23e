"""Count a process's system calls by strace, which slows it down: only the counts mean anything."""

import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bench.process import StartError


class Calls(Counter[str]):
    """How often a process made each system call."""

    def __str__(self) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in self.most_common(6))


@contextmanager
def counted(pid: int, calls: Calls) -> Iterator[None]:
    """Count the system calls of a process during the block. Raises StartError where strace may not."""
    command = ["strace", "-f", "-c", "-U", "calls,name", "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        if "attached" not in (line := strace.stderr.readline()):
            raise StartError(line.strip() or "strace ended at once")
        try:
            yield
        finally:
            strace.send_signal(signal.SIGINT)
            words = [line.split() for line in strace.stderr]
            calls.update({line[1]: int(line[0]) for line in words if len(line) == 2 and line[0].isdigit()})
            del calls["total"]
