"""What happens to the nodes of a cluster, and to its store: by a command of whoever runs the load test, or by signals.

A target is the number of a node, from 1 in the order of `--host`, or `store`. The command gets two words more: what is
to be done, and to which target; it has done it when it ends with 0.
"""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import gevent

from chat.errors import FanfareError, SetupError
from loadtest.net.addresses import resolve
from loadtest.run.hosts import Hosts
from loadtest.run.settings import Settings, checked, option

STORE = "store"
# What each is with a process id alone; the rest takes a command.
SIGNALS = {
    "drain": signal.SIGTERM,
    "kill": signal.SIGKILL,
    "stop": signal.SIGSTOP,
    "cont": signal.SIGCONT,
}
_TAIL_BYTES = 4096
_LOOK_EVERY_S = 0.05  # whether a node accepts again
_CONNECT_S = 1.0  # for one such look


def name_of(node: int) -> str:
    """The target; nodes count from 0 elsewhere."""
    return str(node + 1)


class Undone(FanfareError):
    """It did not happen; the text says why."""


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")] if text else []


def check_numbers(text: str) -> str:
    """The text, when it is numbers with commas between. Raises ValueError."""
    try:
        _numbers(text)
    except ValueError:
        raise ValueError(f"must be process ids, separated by commas, got {text!r}") from None
    return text


@dataclass(frozen=True)
class ControlSettings(Settings):
    """How nodes are reached otherwise than by their users."""

    control: str = option(
        "",
        str,
        "a command that does to a node or the store what the scenario needs: it is given two words "
        "more, what (drain, start, kill, stop, cont, cut, mend) and which (a number from 1 in the order of --host, or "
        "store). Not from Locust's page, which anybody may reach",
    )
    node_pids: str = option(
        "",
        checked(check_numbers),
        "without --control, the nodes' processes in the order of --host: they get the signals TERM, "
        "KILL, STOP and CONT, and nothing is started again",
    )
    store_pid: str = option("", checked(check_numbers), "likewise, the store's process")


def aside(work: Callable[[], None]) -> Callable[[], None]:
    """Have it done in a greenlet of its own. Gives what waits for its end, and raises the FanfareError that it did."""

    def tried() -> FanfareError | None:
        try:
            work()
        except FanfareError as error:
            return error
        return None

    greenlet = gevent.spawn(tried)

    def wait() -> None:
        if error := greenlet.get():
            raise error

    return wait


def words_of(option: str, command: str) -> list[str]:
    """The words of a command; a backslash at a line's end goes on in the next, as in a shell.

    Raises SetupError when it is no command, or there is no such program.
    """
    try:
        words = shlex.split(command.replace("\\\n", ""))
    except ValueError as error:
        raise SetupError(f"{option} {command!r}: {error}") from None
    if words and shutil.which(words[0]) is None:
        raise SetupError(f"{option}: there is no program {words[0]!r}")
    return words


class Control:
    """Any method may wait. Used by the process that leads."""

    def __init__(self, settings: ControlSettings, hosts: Hosts) -> None:
        """Raises SetupError where nothing could be done to all of these nodes."""
        self._hosts, nodes = hosts, hosts.count
        self._pids = dict(zip(map(str, range(1, nodes + 1)), _numbers(settings.node_pids), strict=False))
        self._pids |= dict(zip((STORE,), _numbers(settings.store_pid), strict=False))
        self._words = words_of("--control", settings.control)
        if not self._words and len(_numbers(settings.node_pids)) != nodes:
            raise SetupError(f"{settings.scenario} takes --control, or --node-pids for each of the {nodes} hosts")

    @property
    def can_start(self) -> bool:
        """What has ended can be started again."""
        return bool(self._words)

    def can(self, what: str, target: str) -> bool:
        return bool(self._words) or (what in SIGNALS and target in self._pids)

    def start(self, node: int, seconds: float) -> None:
        """Returns when the node accepts connections. Raises Undone."""
        until = time.monotonic() + seconds
        self.do("start", name_of(node), seconds)
        url, wire = self._hosts.urls[node], self._hosts.wire
        _, place = resolve(url, wire.scheme, wire.port)
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(place[:2], _CONNECT_S):
                return
            time.sleep(_LOOK_EVERY_S)
        raise Undone(f"{url} did not accept connections within {seconds:g} s after its start")

    def begin(self, what: str, target: str, seconds: float) -> Callable[[], None]:
        """As `do`, in a greenlet of its own. Gives what waits for its end, and raises then."""
        return aside(partial(self.do, what, target, seconds))

    def do(self, what: str, target: str, seconds: float) -> None:
        """Raises Undone."""
        if not self._words:
            try:
                os.kill(self._pids[target], SIGNALS[what])
            except OSError as error:
                raise Undone(f"{what} {target}, process {self._pids[target]}: {error.strerror}") from None
            return
        command = [*self._words, what, target]
        with tempfile.TemporaryFile() as output:  # a server that it starts may keep a pipe open
            try:
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=seconds,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise Undone(f"--control: {shlex.join(command)} had not ended after {seconds:g} s") from None
            except OSError as error:
                raise Undone(f"--control: {shlex.join(command)}: {error.strerror}") from None
            if done.returncode:
                said = f": {last}" if (last := _last_line(output.fileno())) else ""
                raise Undone(f"--control: {shlex.join(command)} ended with status {done.returncode}{said}")


def _last_line(file: int) -> str:
    tail = b""
    with suppress(OSError):
        tail = os.pread(file, _TAIL_BYTES, max(0, os.fstat(file).st_size - _TAIL_BYTES))
    lines = [line.strip() for line in tail.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
