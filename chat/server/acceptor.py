"""The acceptor: one thread that takes new connections off the listeners and hands each to a worker."""

import errno
import logging
import os
import selectors
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import cycle
from typing import Any

from chat.errors import SetupError
from chat.server.gate import Gate
from chat.server.worker import Worker
from chat.settings import Address, Settings
from chat.wires.irc import IrcWire
from chat.wires.joined import JoinedWire
from chat.wires.nick import NickWire
from chat.wires.relay import RelayWire
from chat.wires.tilde import TildeWire
from chat.wires.wire import Wire

WIRES: dict[str, Callable[[], Wire]] = {
    "irc": IrcWire,
    "relay": RelayWire,
    "joined": JoinedWire,
    "tilde": TildeWire,
    "nick": NickWire,
}
BACKLOG = 4096  # connections that may wait in a queue; the kernel's own limit (somaxconn) has this default
# Sockets that listen on an address, among which the kernel shares out who comes. A burst of 5,000 connections takes a
# client 0.1 s: should the acceptor not get to run for so long, one queue would overflow, and who is not let in dials
# again after a second at the earliest.
QUEUES = 2 if sys.platform == "linux" else 1
ACCEPTS = 256  # from one listener before the others have their turn
MOST_PROBES, LONGEST_IDLE = 127, 32_767  # probes and seconds: what Linux takes for a socket's keepalive
LONGEST_MS = 2**31 - 1  # for TCP_USER_TIMEOUT
NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
NO_MEMORY_WAIT = 0.1  # s without accepting, when the kernel has no memory for a socket

log = logging.getLogger(__name__)


class Listener:
    """Sockets bound to one address, and the wire that is spoken on them."""

    def __init__(self, socks: Sequence[socket.socket], scheme: str) -> None:
        host, port = socks[0].getsockname()[:2]
        self.socks = socks
        self.address = Address(scheme, host, port)
        self.wire = WIRES[scheme]

    def close(self) -> None:
        for sock in self.socks:
            sock.close()


def listen(address: Address, settings: Settings) -> Listener:
    """Bind. Raises SetupError when the address cannot be had."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        if address.port:
            _probe(socket.socket(family, kind, protocol), place)
    except OSError as error:
        raise SetupError(f"cannot listen on {address}: {error.strerror}") from None
    with ExitStack() as undo:
        socks = []
        try:
            for _ in range(QUEUES):
                sock = undo.enter_context(socket.socket(family, kind, protocol))
                _set_options(sock, settings)
                sock.bind(place)
                sock.listen(BACKLOG)
                socks.append(sock)
                place = sock.getsockname()  # with the port, where the system has chosen it
        except OSError as error:
            raise SetupError(f"cannot listen on {address}: {error.strerror}") from None
        undo.pop_all()
    return Listener(socks, address.scheme)


def _probe(sock: socket.socket, place: Any) -> None:
    """Fail when somebody listens there already, even a server that would share the address as ours do.

    Binding shows it. This socket must not listen: who came to it in that moment would be reset as it closes.
    """
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _set_family(sock)
        sock.bind(place)


def _set_family(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)


def _set_options(sock: socket.socket, settings: Settings) -> None:
    """Options that accepted sockets inherit, so that accepting costs no system call for them."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if QUEUES > 1:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    _set_family(sock)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in zip(("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"), keepalive(settings), strict=True):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, settings.kernel_limit)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(int(settings.user_timeout * 1000), LONGEST_MS))


def keepalive(settings: Settings) -> tuple[int, int, int]:
    """Seconds of silence until a peer is probed, seconds between probes, and how many may go unanswered.

    Who was silent for half the time is probed; who does not answer, each second from then on. So a dead peer is found
    within a second of the time also when nothing was on its way to it, and one whose network fails for less than half
    the time never. With hours instead of seconds the probes are as many as the kernel allows, and further apart.
    """
    idle = max(1, int(settings.user_timeout / 2))
    rest = max(1, int(settings.user_timeout) - idle)
    interval = min(-(-rest // MOST_PROBES), LONGEST_IDLE)
    return min(idle, LONGEST_IDLE), interval, min(-(-rest // interval), MOST_PROBES)


class Acceptor:
    """Any thread may `start`, `stop` and `join`."""

    def __init__(self, listeners: Sequence[Listener], workers: Sequence[Worker], gate: Gate) -> None:
        self._listeners = listeners
        self._workers = cycle(workers)
        self._gate = gate
        self._stopping = threading.Event()
        self._alarm, self._bell = socket.socketpair()
        self._spare = os.open(os.devnull, os.O_RDONLY)  # given up to accept, and refuse, when there is no other
        self._thread = threading.Thread(target=self._run, name="acceptor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the listeners. Connections that the kernel has accepted already are refused."""
        self._stopping.set()
        self._bell.send(b"!")
        self._thread.join()
        self._alarm.close()
        self._bell.close()
        os.close(self._spare)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._alarm, selectors.EVENT_READ)
            for listener in self._listeners:
                for sock in listener.socks:
                    selector.register(sock, selectors.EVENT_READ, (sock, listener))
            while not self._stopping.is_set():
                for key, _ in selector.select():
                    if key.data is not None:
                        self._accept(*key.data)
        for listener in self._listeners:
            listener.close()

    def _accept(self, queue: socket.socket, listener: Listener) -> None:
        for _ in range(ACCEPTS):
            try:
                sock, peer = queue.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in NO_DESCRIPTOR:
                    self._refuse_one(queue, listener)
                elif error.errno in (errno.ENOBUFS, errno.ENOMEM):
                    log.error("cannot accept: %s", error.strerror)
                    self._stopping.wait(NO_MEMORY_WAIT)
                    return
                continue  # the peer was gone before it was accepted
            sock.setblocking(False)
            host = _host(peer[0])
            refusal = self._gate.enter(host)
            if refusal is None:
                next(self._workers).adopt(sock, host, listener.wire())
            else:
                log.warning("refused %s: %s", host, refusal)
                _refuse(sock, listener, refusal)

    def _refuse_one(self, queue: socket.socket, listener: Listener) -> None:
        """Out of descriptors: take one waiting connection with the spare one, tell it so, and close it."""
        os.close(self._spare)
        try:
            sock, _ = queue.accept()
        except OSError:
            pass
        else:
            log.error("refused a connection: the process is at its limit of open files")
            _refuse(sock, listener, "server is out of file descriptors")
        finally:
            self._spare = os.open(os.devnull, os.O_RDONLY)


def _refuse(sock: socket.socket, listener: Listener, reason: str) -> None:
    with sock:
        sock.setblocking(False)
        try:
            for data in listener.wire().dialect.farewell(reason):
                sock.send(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it did not wait for the reason


def _host(address: str) -> str:
    """The peer's address as part of a mask: IPv4 in its own form, and no colon at the beginning."""
    address = address.removeprefix("::ffff:").partition("%")[0]
    return f"0{address}" if address.startswith(":") else address
