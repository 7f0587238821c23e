"""A Unix socket that belongs to one process and one user: binding, connecting, and what a crash has left behind."""

import errno
import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chat.errors import SetupError

BACKLOG = 16
CONNECT_TIMEOUT = 5.0  # s; a server that is stopped or swapped out still accepts


class NoServer(SetupError):
    """Nobody listens at the path."""


class UnixListener:
    """A listening socket at a path, for this user only."""

    def __init__(self, path: Path) -> None:
        """Replaces a socket that nobody listens to. Raises SetupError."""
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _folder(path) as (folder, name):
                # Two servers that start at once do not take each other's socket for one that was left behind.
                fcntl.flock(folder, fcntl.LOCK_EX)
                _check_free(path, folder, name)
                self.sock = _bind(path, folder, name)
                self._identity = _identity(folder, name)
        except OSError as error:
            raise SetupError(f"the admin socket {path} cannot be made: {error.strerror}") from None

    def unlink(self) -> None:
        """Remove the path, unless somebody has put something else there."""
        with suppress(OSError), _folder(self.path) as (folder, name):
            fcntl.flock(folder, fcntl.LOCK_EX)
            if _identity(folder, name) == self._identity:
                os.unlink(name, dir_fd=folder)


def _identity(folder: int, name: str) -> tuple[int, int]:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return found.st_dev, found.st_ino


def _check_free(path: Path, folder: int, name: str) -> None:
    """Raises SetupError unless there is nothing, or a socket that nobody listens to."""
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_socket():
        raise SetupError(f"the admin socket {path} cannot be made: there is another file of this name")
    with suppress(NoServer):
        _connect(path, folder, name).close()
        raise SetupError(f"the admin socket {path} is another server's; --admin names another path")


def _bind(path: Path, folder: int, name: str) -> socket.socket:
    """Under a name of its own until nobody else may use it, then in the place of the old one."""
    fresh = f".{name}.{os.getpid()}"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            os.unlink(fresh, dir_fd=folder)
        sock.bind(_short(path, folder, fresh))
        os.chmod(fresh, 0o600, dir_fd=folder)
        sock.listen(BACKLOG)
        os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        sock.close()
        raise
    return sock


def connect(path: Path) -> socket.socket:
    """Connect to whoever listens. Raises NoServer when nobody does, SetupError when this user may not."""
    try:
        with _folder(path) as (folder, name):
            return _connect(path, folder, name)
    except FileNotFoundError:
        raise NoServer(f"no server runs here: there is no admin socket {path}") from None
    except OSError as error:
        raise SetupError(f"the admin socket {path} cannot be used: {error.strerror}") from None


def _connect(path: Path, folder: int, name: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(CONNECT_TIMEOUT)
    try:
        sock.connect(_short(path, folder, name))
    except OSError as error:
        sock.close()
        if error.errno == errno.ECONNREFUSED:
            raise NoServer(f"no server runs here: the admin socket {path} was left by one that crashed") from None
        raise
    return sock


@contextmanager
def _folder(path: Path) -> Iterator[tuple[int, str]]:
    """The path's folder, opened, and its name there."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield folder, path.name
    finally:
        os.close(folder)


def _short(path: Path, folder: int, name: str) -> str:
    """The name in the open folder: the path itself may be longer than the 107 bytes that a socket's may have."""
    return f"/proc/self/fd/{folder}/{name}" if sys.platform == "linux" else str(path.with_name(name))
