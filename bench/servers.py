"""The servers to compare: for each, what it needs, its version, and the command that starts it on a port.

Every one gets its usual configuration with the limits that would stop a load test taken off: connections from one
address, flood control, host name look-ups. Starts nothing itself, except to ask for a version.
"""

import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from bench.build import HERE

AT_ONCE = 1_000_000  # connections that may be on their way at the same time; in effect all of them
SETTINGS = HERE.parent / "docker" / "peers"  # of the packaged servers; their containers have the same


class Server(ABC):
    """One row of the tables. `pending` is how many members may be on their way into it at a time."""

    peer = True  # is what others would use; False for Fanfare itself and for the yardstick
    pending = AT_ONCE

    def __init__(self, name: str) -> None:
        self.name = name

    def missing(self) -> str | None:
        """Why it cannot be run here, or None."""
        return None

    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def command(self, port: int, folder: Path) -> list[str]:
        """What starts it on 127.0.0.1. `folder` is empty and its own, for configuration and state."""


def _first_line(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
    return done.stdout.strip().partition("\n")[0]


class Fanfare(Server):
    peer = False

    def __init__(self, name: str, python: str, workers: int | None) -> None:
        super().__init__(name)
        self._command = [python, "-m", "chat.cli"]
        self._python = python
        self._workers = [] if workers is None else ["--workers", str(workers)]

    def version(self) -> str:
        return f"{_first_line(*self._command, '--version')}, {_first_line(self._python, '--version')}"

    def command(self, port: int, folder: Path) -> list[str]:
        listen = f"irc://127.0.0.1:{port}"
        limits = ["--rate-limit", "off", "--max-per-address", str(AT_ONCE)]
        return [*self._command, "serve", "--listen", listen, *limits, *self._workers]


class ThreadPerClient(Server):
    def version(self) -> str:
        return f"the tutorials' server, Python {sys.version.split()[0]}"

    def command(self, port: int, folder: Path) -> list[str]:
        return [sys.executable, str(HERE / "peers" / "thread_per_client.py"), str(port)]


class BareEpoll(Server):
    """Not a chat server but what the machine allows: no peer."""

    peer = False

    def __init__(self, name: str, program: Path, deaf: bool = False) -> None:
        """`deaf`: it reads everything, and tells nobody what is said."""
        super().__init__(name)
        self._program = program
        self._options = ["--deaf"] if deaf else []

    def version(self) -> str:
        return "batched broadcast and nothing else, in C"

    def command(self, port: int, folder: Path) -> list[str]:
        return [str(self._program), str(port), *self._options]


class Packaged(Server):
    """A server from a distribution's package. `variable` names its program where it is not on the path."""

    programs: tuple[str, ...]
    package: str
    variable: str

    def program(self) -> str | None:
        named = os.environ.get(self.variable)
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
        return next(
            filter(None, (shutil.which(name, path=path) for name in ([named] if named else self.programs))), None
        )

    def missing(self) -> str | None:
        return None if self.program() else f"not installed (apt-get install {self.package}, or ${self.variable})"

    def version(self) -> str:
        return _first_line(self._found(), "--version")

    def _found(self) -> str:
        program = self.program()
        assert program is not None, f"{self.name} is not installed"
        return program


class NgIrcd(Packaged):
    programs, package, variable = ("ngircd",), "ngircd", "NGIRCD"
    # It listens with a queue of 10. More at a time, and the kernel drops some and dials again after seconds.
    pending = 10

    def version(self) -> str:
        return super().version().partition("-")[0]

    def command(self, port: int, folder: Path) -> list[str]:
        config = _configured("ngircd.conf", port, folder)
        config.chmod(0o644)
        folder.chmod(0o755)  # it gives up root and reads on
        return [self._found(), "--nodaemon", "--config", str(config)]


class InspIrcd(Packaged):
    programs, package, variable = ("inspircd",), "inspircd", "INSPIRCD"

    def command(self, port: int, folder: Path) -> list[str]:
        config = _configured("inspircd.conf", port, folder)
        root = ["--runasroot"] if os.geteuid() == 0 else []
        return [self._found(), "--nofork", "--nolog", *root, "--config", str(config)]


class Ergo(Packaged):
    programs, package, variable = ("ergo", "ergochat"), "ergochat", "ERGO"

    def command(self, port: int, folder: Path) -> list[str]:
        config = _configured("ergo.yaml", port, folder)
        _first_line(self._found(), "initdb", "--conf", str(config))  # should it fail, `run` says so
        return [self._found(), "run", "--quiet", "--conf", str(config)]


def _configured(name: str, port: int, folder: Path) -> Path:
    """A copy of the configuration that the peers' containers have too, for a server on 127.0.0.1."""
    text = (SETTINGS / name).read_text()
    for word, value in (("HOST", "127.0.0.1"), ("PORT", port), ("FOLDER", folder)):
        text = text.replace(f"@{word}@", str(value))
    config = folder / name
    config.write_text(text)
    return config


YARDSTICK = "bare-epoll"
NAMES = ("fanfare", "thread-per-client", "ngircd", "inspircd", "ergo", YARDSTICK)


def choose(
    names: Sequence[str], bare_epoll: Path, pythons: Sequence[str] = (), workers: Sequence[int] = ()
) -> list[Server]:
    """The servers of a run. `pythons` are interpreters beside our own, `workers` the counts to run Fanfare with."""
    servers: dict[str, list[Server]] = {
        "fanfare": [_fanfare(python, count) for python in (sys.executable, *pythons) for count in workers or (None,)],
        "thread-per-client": [ThreadPerClient("thread-per-client")],
        "ngircd": [NgIrcd("ngircd")],
        "inspircd": [InspIrcd("inspircd")],
        "ergo": [Ergo("ergo")],
        YARDSTICK: [BareEpoll(YARDSTICK, bare_epoll)],
    }
    return [server for name in NAMES if name in names for server in servers[name]]


def _fanfare(python: str, workers: int | None) -> Fanfare:
    interpreter = "" if python == sys.executable else f" {_first_line(python, '--version').lower()}"
    threads = "" if workers is None else f" {workers} worker{'s' * (workers != 1)}"
    return Fanfare(f"fanfare{interpreter}{threads}", python, workers)
