"""A program that keeps the server under test: starts it, stops it, starts it again, and says when all that happened.

It is a process of its own, so that a load test that is busy delays neither a restart nor the reading of the clock. A
line of JSON on standard input is an order, a line on standard output its answer. The server ends with this program, and
this program with its standard input or its parent, whatever ended that.
"""

import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from chat.errors import FanfareError
from loadtest.run import server

_LOOK_EVERY_S = 0.002  # whether the server accepts: how far off the moment may be
_CONNECT_S = 1.0  # for one such look: a SYN that was dropped is sent again after a second
_END_S = 2.0  # between SIGTERM and SIGKILL, when all is over
_TAIL_BYTES = 4096
_PR_SET_PDEATHSIG = 1


class Fault(FanfareError):
    """The server does not serve; the text says why."""


class Keeper:
    """One command and its process, which has no terminal and no input. Its output waits in a file, as a pipe fills."""

    def __init__(self, words: list[str], family: int, address: list[Any]) -> None:
        self._words = words
        self._family = family
        self._address = tuple(address)
        self._process: subprocess.Popen[bytes] | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the next one, or with the program)

    def start(self, seconds: float) -> dict[str, Any]:
        """Start the server where none is yet. Raises Fault when it does not accept in time."""
        if self._accepts():
            raise Fault("something else accepts connections there already")
        self._begin()
        self._wait_to_accept(seconds)
        return {"pid": self._pid}

    def restart(self, stop_within: float, seconds: float, kill: bool = False) -> dict[str, Any]:
        """SIGTERM, its end, the same once more; `seconds` from SIGTERM on the new one accepts, or there is a fault."""
        process = self._process
        assert process
        if process.poll() is not None:
            raise Fault(f"it had {_ending(process.returncode)} before it was told to{self._last_words()}")
        signalled_ns = time.monotonic_ns()
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        killed = not _wait(process, stop_within)
        ended_ns = time.monotonic_ns()
        self._kill_group(process)
        answer = {"signalled_ns": signalled_ns, "ended_ns": ended_ns, "killed": killed, "status": process.returncode}
        try:
            self._begin()
            accepted_ns = self._wait_to_accept(seconds - (ended_ns - signalled_ns) / 1e9)
        except Fault as fault:
            return {**answer, "accepted_ns": None, "fault": str(fault)}
        return {**answer, "accepted_ns": accepted_ns, "fault": "", "pid": self._pid, **self.look()}

    def look(self) -> dict[str, Any]:
        """What the server's process holds now; `ended` says how it ended, where it did."""
        process = self._process
        assert process
        ended = _ending(process.returncode) + self._last_words() if process.poll() is not None else ""
        reading = None
        with suppress(FanfareError):  # not Linux, or it has just ended
            reading = asdict(server.read(process.pid))
        return {"at_ns": time.monotonic_ns(), "reading": reading, "ended": ended}

    def end(self) -> None:
        process, self._process = self._process, None
        if process:
            process.send_signal(signal.SIGTERM)  # Popen sends none to a process that it knows has ended
            _wait(process, _END_S)
            self._kill_group(process)

    @property
    def _pid(self) -> int:
        return self._process.pid if self._process else 0

    def _begin(self) -> None:
        self._output.close()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a terminal's Ctrl-C is for the load test; what it starts itself goes with it
                preexec_fn=_die_with_parent,  # safe, as this program has one thread
            )
        except OSError as error:
            raise Fault(f"{self._words[0]}: {error.strerror}") from None

    def _wait_to_accept(self, seconds: float) -> int:
        """The moment when it did. Raises Fault."""
        process = self._process
        assert process
        until = time.monotonic() + seconds
        while not self._accepts():
            if process.poll() is not None:
                ending = f"it {_ending(process.returncode)} before it accepted connections"
                raise Fault(ending + self._last_words())
            if time.monotonic() >= until:
                raise Fault(f"it did not accept connections within {max(0, seconds):g} s{self._last_words()}")
            time.sleep(_LOOK_EVERY_S)
        return time.monotonic_ns()

    def _accepts(self) -> bool:
        with socket.socket(self._family, socket.SOCK_STREAM) as sock:
            sock.settimeout(_CONNECT_S)
            with suppress(OSError):
                sock.connect(self._address)
                return True
        return False

    def _kill_group(self, process: "subprocess.Popen[bytes]") -> None:
        """The server, where it still lives, and whatever it has started."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _last_words(self) -> str:
        size = os.fstat(self._output.fileno()).st_size
        tail = os.pread(self._output.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        lines = [line.strip() for line in tail.decode(errors="replace").splitlines() if line.strip()]
        return f": {lines[-1]}" if lines else ""


def _wait(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Wait for its end; False when it does not come. `Popen.wait` looks only every 50 ms when given a time."""
    if not hasattr(os, "pidfd_open"):
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return process.returncode is not None
    if process.poll() is not None:
        return True
    ended = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(ended, selectors.EVENT_READ)
            selector.select(seconds)
    finally:
        os.close(ended)
    return process.poll() is not None


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-status).name}"
    return f"was ended by signal {-status}"


_HERE = os.getpid()
_libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """A program with the right to change its user loses this when it starts; `end` ends that one as well."""
    with suppress(AttributeError):  # not Linux
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != _HERE:
        os._exit(1)  # the parent was faster


def main(parent: int) -> int:
    """Takes the first order's `words`, `family` and `address` for the server's; `parent` is who started this."""
    with suppress(AttributeError):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keeper = Keeper(**json.loads(sys.stdin.readline()))
    try:
        for line in sys.stdin:
            orders = json.loads(line)
            order = getattr(keeper, orders.pop("do"))
            try:
                answer = order(**orders)
            except Fault as fault:
                answer = {"fault": str(fault)}
            print(json.dumps(answer), flush=True)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        keeper.end()
    return 0
