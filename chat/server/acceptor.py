"""The acceptor: one thread that takes new connections off the listeners and hands each to a worker."""

import errno
import logging
import os
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from itertools import cycle

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
BACKLOG = 4096  # connections that may wait to be accepted; the kernel's own limit (somaxconn) has this default
ACCEPTS = 256  # from one listener before the others have their turn
NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
NO_MEMORY_WAIT = 0.1  # s without accepting, when the kernel has no memory for a socket

log = logging.getLogger(__name__)


class Listener:
    """A bound socket and the wire that is spoken on it."""

    def __init__(self, sock: socket.socket, scheme: str) -> None:
        host, port = sock.getsockname()[:2]
        self.sock = sock
        self.address = Address(scheme, host, port)
        self.wire = WIRES[scheme]


def listen(address: Address, settings: Settings) -> Listener:
    """Bind. Raises SetupError when the address cannot be had."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SetupError(f"cannot listen on {address}: {error.strerror}") from None
    try:
        _set_options(sock, settings)
        sock.bind(place)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise SetupError(f"cannot listen on {address}: {error.strerror}") from None
    return Listener(sock, address.scheme)


def _set_options(sock: socket.socket, settings: Settings) -> None:
    """Options that accepted sockets inherit, so that accepting costs no system call for them."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Who was silent for half the time is probed each second from then on, which costs nothing while it answers. So a
    # dead peer is found within a second of the time also when nothing was on its way to it, and one whose network
    # fails for less than half the time never.
    idle = max(1, int(settings.user_timeout / 2))
    probes = max(1, int(settings.user_timeout) - idle)  # where TCP_USER_TIMEOUT does not say when it has been enough
    for name, value in (("TCP_KEEPIDLE", idle), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", probes)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, settings.kernel_limit)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(settings.user_timeout * 1000))


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
                selector.register(listener.sock, selectors.EVENT_READ, listener)
            while not self._stopping.is_set():
                for key, _ in selector.select():
                    if key.data is not None:
                        self._accept(key.data)
        for listener in self._listeners:
            listener.sock.close()

    def _accept(self, listener: Listener) -> None:
        for _ in range(ACCEPTS):
            try:
                sock, peer = listener.sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in NO_DESCRIPTOR:
                    self._refuse_one(listener)
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

    def _refuse_one(self, listener: Listener) -> None:
        """Out of descriptors: take one waiting connection with the spare one, tell it so, and close it."""
        os.close(self._spare)
        try:
            sock, _ = listener.sock.accept()
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
