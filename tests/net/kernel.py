"""What the tests of io_uring need to know of the kernel: whether it is there, and what it has left behind."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from chat.server.net.io_uring import Ring, Unavailable
from tests.support import PATIENCE

# For a process that is to have no io_uring, as in a container: a filter that forbids system call 425.
FORBID = """
import ctypes, struct
lines = ((0x20, 0, 0, 0), (0x15, 0, 1, 425), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000))
program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
filter = ctypes.create_string_buffer(struct.pack("@HP", len(lines), ctypes.addressof(program)))
prctl = ctypes.CDLL(None).prctl
assert prctl(38, 1, 0, 0, 0) == 0 and prctl(22, 2, filter, 0, 0) == 0
"""


def _why_not() -> str:
    try:
        Ring(1).close()
    except Unavailable as reason:
        return str(reason)
    return ""


WHY_NOT = _why_not()
needs_io_uring = pytest.mark.skipif(WHY_NOT != "", reason=f"no io_uring here: {WHY_NOT}")


def threads() -> list[str]:
    """The names of this process's threads, the kernel's for its rings included."""
    names = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError, FileNotFoundError):  # it has just ended
            names.append((task / "comm").read_text().strip())
    return sorted(names)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def locked() -> str:
    return next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmLck"))


class Member:
    """A connected socket of the server, as a sender sees it, and the client's end."""

    def __init__(self, sock: socket.socket, peer: socket.socket) -> None:
        self.sock = sock
        self.peer = peer
        self.descriptor = sock.fileno()

    def heard(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (more := self.peer.recv(size - len(data))):
            data += more
        return data

    def reset(self) -> None:
        """The peer resets the connection, and this end's kernel has seen it."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()
        while self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 7:  # TCP_CLOSE
            pass


@contextmanager
def members(number: int) -> Iterator[list[Member]]:
    with ExitStack() as opened, socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        made = []
        for _ in range(number):
            peer = opened.enter_context(socket.create_connection(listener.getsockname(), PATIENCE))
            sock = opened.enter_context(listener.accept()[0])
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            made.append(Member(sock, peer))
        yield made


@contextmanager
def full() -> Iterator[Member]:
    """A socket that takes nothing, and whose kernel makes no room meanwhile: TCP's would."""
    sock, peer = socket.socketpair()
    with sock, peer:
        sock.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                sock.send(bytes(1024))
        yield Member(sock, peer)
