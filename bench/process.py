"""Start a program in a separate process group, measure it, and end exactly that group. Knows nothing of IRC.

Processes are started by the main thread only, which is also where Python handles signals.
"""

import os
import random
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_TIMEOUT = 60.0  # s until a server must accept a connection; the slowest here takes about one
READY_POLL = 0.02  # s between two looks
END_TIMEOUT = 60.0  # s for a killed process to end; one with 5,000 sockets, or whose disk must write first, takes some


class StartError(Exception):
    """A server did not start, has closed a connection, or does not end. The text is one line."""


def raise_file_limit() -> int:
    """Raise this process's limit of open files, and its children's, as far as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port() -> int:
    """One that nobody has, for a server that is yet to start.

    Below those that the system hands out itself: no connection and no port 0 takes it before the server does. Nor does
    another call, in any process: until this one ends, a socket that never listens keeps it. Linux lets a server bind
    and listen beside that, since both reuse the address.
    """
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(first // 2, first), 100):
        keeper = socket.socket()
        with suppress(OSError):
            keeper.bind(("127.0.0.1", port))
            keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # only now: no two calls have one port
            keeper.detach()
            return port
        keeper.close()
    raise StartError(f"of 100 ports from {first // 2} to {first - 1} none is free")


class _Interrupts:
    """Turn the first of ENDINGS into a KeyboardInterrupt. Later ones are ignored: they would cut the end short."""

    def __init__(self) -> None:
        self._held = False
        self._due = False

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)
        self._due = True
        if not self._held:
            self.release()

    def hold(self) -> None:
        """Until `release`: no process may be started that nobody knows of."""
        self._held = True

    def release(self) -> None:
        self._held = False
        if self._due:
            self._due = False
            raise KeyboardInterrupt


_interrupts = _Interrupts()


@contextmanager
def interruptible() -> Iterator[None]:
    """End the block by KeyboardInterrupt at SIGINT, SIGTERM and SIGHUP, unless they were ignored before it."""
    before = {number: signal.getsignal(number) for number in ENDINGS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _interrupts.interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def running(
    command: Sequence[str],
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a new process group until the block ends, however it ends.

    It is killed rather than asked: it has nothing to save, and some servers take seconds to tell a thousand members
    that the others have left.
    """
    _interrupts.hold()
    try:
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            start_new_session=True,
            cwd=Path(__file__).parent.parent,
        )
    except BaseException:
        _interrupts.release()
        raise
    try:
        _interrupts.release()
        yield process
    finally:
        with suppress(ProcessLookupError):  # the group has no processes left
            os.killpg(process.pid, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        _ended(process)


def _ended(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(END_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        name = f"{error.cmd[0]} ({process.pid})"
        raise StartError(f"{name} was killed and still runs after {END_TIMEOUT:.0f} s") from error


@contextmanager
def serving(command: Sequence[str], port: int, log: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a server, from when it accepts connections until the block ends. Raises StartError."""
    with log.open("w") as output, running(command, stdout=output.fileno(), stderr=subprocess.STDOUT) as process:
        until = time.monotonic() + READY_TIMEOUT
        while not _accepts(port):
            if process.poll() is not None:
                raise StartError(f"it ended with status {process.returncode}{last_words(log)}")
            if time.monotonic() > until:
                raise StartError(f"it accepts no connection after {READY_TIMEOUT:.0f} s{last_words(log)}")
            time.sleep(READY_POLL)
        yield process


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def last_words(log: Path, most: int = 4096) -> str:
    """The last line of a log as `: text`, or nothing."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - most))
        lines = file.read().decode(errors="replace").split("\n")
    return next((f": {line.strip()}" for line in reversed(lines) if line.strip()), "")


def memory(group: int) -> int | None:
    """Bytes of memory that belong to a process group: its proportional set size, without the kernel's socket buffers.

    None when it cannot be read (another user's process, or a kernel before 4.14).
    """
    total = 0
    for process, _ in _members(group):
        try:
            rollup = (process / "smaps_rollup").read_text()
        except PermissionError:
            return None
        except OSError:
            continue  # it ended while we looked
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total or None


def cpu_of(group: int) -> float:
    """CPU seconds that the living processes of a group have used."""
    return sum((int(fields[11]) + int(fields[12])) / _TICKS for _, fields in _members(group))  # user and system time


def cpu_of_machine() -> float:
    """CPU seconds that this machine was not idle, with what its host took from it."""
    times = [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return (sum(times) - times[3] - times[4]) / _TICKS  # without idle and I/O wait


_TICKS = os.sysconf("SC_CLK_TCK")  # units of /proc's CPU times in a second


def _members(group: int) -> Iterator[tuple[Path, list[str]]]:
    """The processes of a group: the folder in /proc, and the fields of `stat` from the state on."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            fields = stat.read_text().rpartition(")")[2].split()  # after the name, which may hold spaces
            if int(fields[2]) == group:
                yield stat.parent, fields
