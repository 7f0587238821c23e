"""`fanfare serve` as a process, and pipes that take nothing more."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from tests.support import PATIENCE, IrcClient

SERVE = (sys.executable, "-m", "chat.cli", "serve")
IRC = ("--listen", "irc://127.0.0.1:0")


class Process:
    """A started `fanfare serve`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def port(self) -> int:
        """That of the next listener; 0 when the process ended before it said so."""
        line = _stream(self.process.stdout).readline()
        return int(line.rpartition(":")[2]) if line else 0

    def signal(self, *numbers: signal.Signals) -> None:
        for number in numbers:
            self.process.send_signal(number)

    def log_line(self, text: str) -> str:
        """The next line of standard error with `text` in it."""
        for line in _stream(self.process.stderr):
            if text in line:
                return line
        raise AssertionError(f"standard error ended without {text!r}")

    def end(self) -> tuple[int, str]:
        """Wait for its end; the exit status and what is left on standard error."""
        _, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, errors or ""


@contextmanager
def serving(
    *options: str,
    command: Sequence[str] = SERVE,
    stdout: int | IO[str] = subprocess.PIPE,
    stderr: int | IO[str] = subprocess.PIPE,
) -> Iterator[Process]:
    with subprocess.Popen([*command, *options], stdout=stdout, stderr=stderr, text=True) as process:
        try:
            yield Process(process)
        finally:
            process.kill()


@contextmanager
def full_pipe() -> Iterator[tuple[int, int]]:
    """A pipe whose buffer is full: a write to it blocks until somebody reads."""
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        for size in (4096, 1):
            try:
                while True:
                    os.write(writer, b"x" * size)
            except BlockingIOError:
                pass
        os.set_blocking(writer, True)
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def client_of(port: int) -> IrcClient:
    return IrcClient(socket.create_connection(("127.0.0.1", port), PATIENCE))


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
