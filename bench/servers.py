"""The servers to compare: their requirements, versions, and the commands that start them on a port.

Each gets its usual configuration without the limits that would stop a load test: connections from one address, flood
control, host name look-ups. Starts nothing itself, except to ask for a version.
"""

import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from bench.build import HERE
from bench.certificates import make_certificate
from chat.server.net.io_uring import Ring, Unavailable

AT_ONCE = 1_000_000  # connections that may be opened at the same time; in effect all
SETTINGS = HERE.parent / "docker" / "peers"  # of the packaged servers; their containers have the same


class Server(ABC):
    """One row of the tables. `pending` is how many members may connect at a time."""

    peer = True  # False for Fanfare itself and for the yardstick
    pending = AT_ONCE
    speaks_tls = False

    def __init__(self, name: str) -> None:
        self.name = name

    def missing(self) -> str | None:
        """Why it cannot run here, or None."""
        return None

    def left_out(self, tls: bool) -> str | None:
        """Why it has no turn in a case with TLS or without, or None."""
        return self.missing() or ("it has no TLS here" if tls and not self.speaks_tls else None)

    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def command(self, port: int, folder: Path, tls: bool = False) -> list[str]:
        """The command that starts it on 127.0.0.1. `folder` is empty, for its configuration and state.

        Raises StartError where no certificate can be made.
        """


def _first_line(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
    return done.stdout.strip().partition("\n")[0]


class Fanfare(Server):
    peer = False
    speaks_tls = True

    log = "memory:"
    sender = "auto"

    def __init__(self, name: str, python: str, checkout: Path | None = None) -> None:
        """`checkout` is another tree of the project to run instead of this one, such as an earlier commit."""
        super().__init__(name)
        place = ["env", f"PYTHONPATH={checkout}", python, "-P"] if checkout else [python]
        self._command = [*place, "-m", "chat.cli"]
        self._python = python

    def version(self) -> str:
        return f"{_first_line(*self._command, '--version')}, {_first_line(self._python, '--version')}"

    def command(self, port: int, folder: Path, tls: bool = False) -> list[str]:
        listen = [f"{'ircs' if tls else 'irc'}://127.0.0.1:{port}"]
        if tls:
            certificate, key = make_certificate(folder)
            listen += ["--tls-cert", str(certificate), "--tls-key", str(key)]
        limits = ["--rate-limit", "off", "--max-per-address", str(AT_ONCE)]
        # By variables, which a checkout that has no such setting does not read.
        variables = [f"FANFARE_LOG={self.log.format(folder)}", f"FANFARE_SENDER={self.sender}"]
        return ["env", *variables, *self._command, "serve", "--listen", *listen, *limits]


class FanfareOnDisk(Fanfare):
    """With its log in a file, as `fanfare serve` has it by default."""

    log = "sqlite:{}/log.sqlite"


class FanfareStrict(FanfareOnDisk):
    def command(self, port: int, folder: Path, tls: bool = False) -> list[str]:
        return [*super().command(port, folder, tls), "--durability", "strict"]


class FanfareSend(Fanfare):
    """With one `send` for each member, wherever it runs."""

    sender = "send"


class FanfareUring(Fanfare):
    """With io_uring, wherever it runs."""

    sender = "uring"

    def missing(self) -> str | None:
        return _no_io_uring()


class ThreadPerClient(Server):
    def version(self) -> str:
        return f"the tutorials' server, Python {sys.version.split()[0]}"

    def command(self, port: int, folder: Path, tls: bool = False) -> list[str]:
        return [sys.executable, str(HERE / "peers" / "thread_per_client.py"), str(port)]


class BareEpoll(Server):
    """No chat server and no peer: it shows what the machine allows."""

    peer = False

    def __init__(self, name: str, program: Path, deaf: bool = False) -> None:
        """`deaf`: it reads everything and sends nothing."""
        super().__init__(name)
        self._program = program
        self._options = ["--deaf"] if deaf else []

    def version(self) -> str:
        return "batched broadcast and nothing else, in C"

    def command(self, port: int, folder: Path, tls: bool = False) -> list[str]:
        return [str(self._program), str(port), *self._options]


class BareUring(BareEpoll):
    """The same with io_uring, on as many rings as Fanfare takes."""

    def missing(self) -> str | None:
        return _no_io_uring()

    def version(self) -> str:
        return "batched broadcast by io_uring, in C"


def _no_io_uring() -> str | None:
    try:
        Ring(1).close()
    except Unavailable as reason:
        return f"no io_uring here: {reason}"
    return None


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
    # It listens with a queue of 10. With more at a time the kernel drops some, and clients retry after seconds.
    pending = 10

    def version(self) -> str:
        return super().version().partition("-")[0]

    def command(self, port: int, folder: Path, tls: bool = False) -> list[str]:
        config = _configured("ngircd.conf", port, folder)
        config.chmod(0o644)
        folder.chmod(0o755)  # it gives up root and still reads
        return [self._found(), "--nodaemon", "--config", str(config)]


class InspIrcd(Packaged):
    programs, package, variable = ("inspircd",), "inspircd", "INSPIRCD"
    speaks_tls = True

    def command(self, port: int, folder: Path, tls: bool = False) -> list[str]:
        config = _configured("inspircd.conf", port, folder, 'sslprofile="peer"' if tls else "")
        if tls:
            certificate, key = make_certificate(folder)
            profile = f'<sslprofile name="peer" provider="gnutls" certfile="{certificate}" keyfile="{key}">'
            config.write_text(f'{config.read_text()}<module name="ssl_gnutls">\n{profile}\n')
        root = ["--runasroot"] if os.geteuid() == 0 else []
        return [self._found(), "--nofork", "--nolog", *root, "--config", str(config)]


class Ergo(Packaged):
    programs, package, variable = ("ergo", "ergochat"), "ergochat", "ERGO"
    speaks_tls = True
    history = "false"

    def command(self, port: int, folder: Path, tls: bool = False) -> list[str]:
        files = 'tls: {{cert: "{}", key: "{}"}}'.format(*make_certificate(folder)) if tls else ""
        config = _configured("ergo.yaml", port, folder, files, self.history)
        _first_line(self._found(), "initdb", "--conf", str(config))  # if this fails, `run` reports it
        return [self._found(), "run", "--quiet", "--conf", str(config)]


class ErgoHistory(Ergo):
    """With its history on, in memory. On disk it needs MySQL."""

    history = "true"


def _configured(name: str, port: int, folder: Path, tls: str = "", history: str = "") -> Path:
    """A copy of the configuration of the peers' containers, for 127.0.0.1; `tls` is said of the listener."""
    text = (SETTINGS / name).read_text()
    values = {"HOST": "127.0.0.1", "PORT": port, "FOLDER": folder, "TLS": tls, "HISTORY": history}
    for word, value in values.items():
        text = text.replace(f"@{word}@", str(value))
    config = folder / name
    config.write_text(text)
    return config


YARDSTICK = "bare-epoll"
YARDSTICKS = (YARDSTICK, "bare-uring")
SENDERS = ("fanfare-send", "fanfare-uring", "bare-uring")  # to compare on many cores, with reading threads
NAMES = (
    *("fanfare", "fanfare-disk", "fanfare-strict", "fanfare-send", "fanfare-uring"),
    *("thread-per-client", "ngircd", "inspircd", "ergo", "ergo-history", *YARDSTICKS),
)
USUAL = tuple(name for name in NAMES if name not in SENDERS)


def choose(
    names: Sequence[str],
    bare_epoll: Path,
    pythons: Sequence[str] = (),
    checkouts: Sequence[Path] = (),
    bare_uring: Path | None = None,
) -> list[Server]:
    """The servers of a run. `pythons` are further interpreters, `checkouts` further trees."""
    servers: dict[str, list[Server]] = {
        "fanfare": [_fanfare(python, tree) for python in (sys.executable, *pythons) for tree in (None, *checkouts)],
        "fanfare-disk": [FanfareOnDisk("fanfare-disk", sys.executable)],
        "fanfare-strict": [FanfareStrict("fanfare-strict", sys.executable)],
        "thread-per-client": [ThreadPerClient("thread-per-client")],
        "ngircd": [NgIrcd("ngircd")],
        "inspircd": [InspIrcd("inspircd")],
        "ergo": [Ergo("ergo")],
        "ergo-history": [ErgoHistory("ergo-history")],
        "fanfare-send": [FanfareSend("fanfare-send", sys.executable)],
        "fanfare-uring": [FanfareUring("fanfare-uring", sys.executable)],
        YARDSTICK: [BareEpoll(YARDSTICK, bare_epoll)],
        "bare-uring": [BareUring("bare-uring", bare_uring)] if bare_uring else [],
    }
    return [server for name in NAMES if name in names for server in servers[name]]


def _fanfare(python: str, checkout: Path | None) -> Fanfare:
    interpreter = "" if python == sys.executable else f" {_first_line(python, '--version').lower()}"
    tree = f" of {checkout.name}" if checkout else ""
    return Fanfare(f"fanfare{interpreter}{tree}", python, checkout)
