"""Listening sockets: bind an address and set the options that accepted connections inherit."""

import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from chat.errors import SetupError
from chat.settings import Address, Settings
from chat.wires.schemes import SCHEMES
from chat.wires.wire import Wire

BACKLOG = 4096  # connections that may wait in a queue; the kernel's own limit (somaxconn) has this default
# Sockets that listen on one address; the kernel spreads new connections over them. A client opens 5,000 connections in
# 0.1 s. If the acceptor does not run for that long, a single queue overflows, and a client that was turned away retries
# after a second at the earliest.
QUEUES = 2 if sys.platform == "linux" else 1
MOST_PROBES, LONGEST_IDLE = 127, 32_767  # probes and seconds: Linux's limits for a socket's keepalive
LONGEST_MS = 2**31 - 1  # for TCP_USER_TIMEOUT


class Listener:
    """Sockets bound to one address, with the scheme's wire and what carries it."""

    def __init__(self, socks: Sequence[socket.socket], scheme: str, wire: Callable[[], Wire]) -> None:
        host, port = socks[0].getsockname()[:2]
        self.socks = socks
        self.address = Address(scheme, host, port)
        self.wire = wire
        self.is_tls = SCHEMES[scheme].tls
        self.is_web = SCHEMES[scheme].web
        self.is_unframed = not self.wire().has_commands

    def close(self) -> None:
        for sock in self.socks:
            sock.close()


def listen(address: Address, settings: Settings) -> Listener:
    """Bind `address`. Raises SetupError when it cannot be bound, or takes a package that is missing."""
    wire = SCHEMES[address.scheme].wire if not SCHEMES[address.scheme].web else _web_wire(settings)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        if address.port:
            _probe(socket.socket(family, kind, protocol), place)
    except OSError as error:
        raise SetupError(f"cannot listen on {address}: {error.strerror}") from None
    except ValueError:  # the resolver's codec takes no empty label, none over 63 letters, no NUL
        raise SetupError(f"cannot listen on {address}: {address.host!r} is not a host name") from None
    with ExitStack() as undo:
        socks = []
        try:
            for _ in range(QUEUES):
                sock = undo.enter_context(socket.socket(family, kind, protocol))
                _set_options(sock, settings)
                sock.bind(place)
                sock.listen(BACKLOG)
                socks.append(sock)
                place = sock.getsockname()  # with the port, where the system chose it
        except OSError as error:
            raise SetupError(f"cannot listen on {address}: {error.strerror}") from None
        undo.pop_all()
    return Listener(socks, address.scheme, wire)


def _web_wire(settings: Settings) -> Callable[[], Wire]:
    try:
        from chat.wires.web_socket import WebSocketWire
    except ImportError:
        raise SetupError("ws:// and wss:// take the package websockets: pip install 'fanfare[web]'") from None
    return partial(WebSocketWire, frozenset(filter(None, settings.web_origins.split(","))))


def _probe(sock: socket.socket, place: Any) -> None:
    """Raise OSError when the address is in use, even by a server that would share it (SO_REUSEPORT).

    Binding is enough to find out. This socket must not listen: closing it would reset a client that had connected.
    """
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _set_family(sock)
        sock.bind(place)


def _set_family(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)


def _set_options(sock: socket.socket, settings: Settings) -> None:
    """Set the options here, so that accepted sockets inherit them without a system call."""
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
    """Seconds of silence before the first probe, seconds between probes, and unanswered probes that end a connection.

    A peer is probed after half of `user_timeout`, then once a second. So a dead peer is found within a second of the
    timeout even when nothing is sent to it, and a network failure shorter than half the timeout ends no connection. A
    timeout of hours takes more probes than the kernel allows; then the interval is longer.
    """
    idle = max(1, int(settings.user_timeout / 2))
    rest = max(1, int(settings.user_timeout) - idle)
    interval = min(-(-rest // MOST_PROBES), LONGEST_IDLE)
    return min(idle, LONGEST_IDLE), interval, min(-(-rest // interval), MOST_PROBES)
