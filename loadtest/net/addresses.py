"""Where connections go, and the local addresses that they come from.

A connection is told from others by both its addresses and ports. From one address to one server a machine has as many
as it has ephemeral ports, some 28,000; each further local address gives as many again.
"""

import errno
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import count
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chat.errors import SetupError
from loadtest.net.limits import is_kept

_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USABLE = 0.8  # of the ports: other programs need some, and those of a connection that has just ended rest for a minute
_MOST = 4_096  # addresses: with them, any number of users that one machine can hold
_BIND_ADDRESS_NO_PORT = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)  # ip(7): the port is chosen as it connects
_FIRST_LOOPBACK = int(IPv4Address("127.0.0.2"))  # 127.0.0.1's ports are everybody's

Address = tuple[int, Any]  # address family, socket address


class Sources:
    """The local addresses of one process, taken in turn; without any the kernel chooses."""

    def __init__(self, addresses: Sequence[str] = ()) -> None:
        self.addresses = tuple(addresses)
        self._turns = count()

    def bind(self, sock: Any) -> None:
        """Have the socket connect from the next address. Raises OSError."""
        if is_kept(sock.fileno()):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        if self.addresses:
            if hasattr(socket, "IP_BIND_ADDRESS_NO_PORT") or Path("/proc/sys/net").exists():
                sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            sock.bind((self.addresses[next(self._turns) % len(self.addresses)], 0))


def choose(words: str, address: Address, users: int) -> Sources:
    """Those asked for; without a word, more than one where a loopback server's users would run out of ports.

    `users` are those of the whole run: its processes may share this machine. Raises SetupError.
    """
    family, place = address
    addresses = parse(words) if words else _enough(str(place[0]), users)
    for each in addresses:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((each, 0))
            except OSError as error:
                why = "the server's address is of the other family" if _alien(each, family) else error.strerror
                raise SetupError(f"--source-addresses {each}: {why}") from None
    return Sources(addresses)


def parse(words: str) -> list[str]:
    """Addresses and ranges of them, separated by commas: `127.0.0.2-127.0.0.9`. Raises SetupError."""
    addresses: list[str] = []
    for word in words.split(","):
        first, dash, last = word.strip().partition("-")
        try:
            low = ip_address(first)
            high = ip_address(last) if dash else low
        except ValueError as error:
            raise SetupError(f"--source-addresses {words}: {error}") from None
        size = int(high) - int(low) + 1
        if low.version != high.version or not 1 <= size <= _MOST - len(addresses):
            raise SetupError(f"--source-addresses {words}: must be from 1 to {_MOST:,} addresses, the lowest first")
        kind: type[IPv4Address] | type[IPv6Address] = type(low)
        addresses += [str(kind(int(low) + index)) for index in range(size)]
    return addresses


def _enough(target: str, users: int) -> list[str]:
    ports = _ports()
    if not target.startswith("127.") or ports is None or users <= ports * _USABLE:
        return []
    needed = min(_MOST, ceil(users / max(1, ports * _USABLE)))
    return [str(IPv4Address(_FIRST_LOOPBACK + index)) for index in range(needed)]


def _ports() -> int | None:
    """How many ephemeral ports there are; None where the system does not say."""
    try:
        low, high = map(int, _PORT_RANGE.read_text().split())
    except (OSError, ValueError):
        return None
    return high - low + 1


def _alien(address: str, family: int) -> bool:
    return (":" in address) != (family == socket.AF_INET6)


_PROBE_S = 3.0  # for an address of several to take a connection, before the next is tried


_reached: dict[tuple[Address, ...], Address] = {}  # of names with several addresses, the one that answered


def resolve(url: str, scheme: str = "irc", usual_port: int = 6667) -> Address:
    """The address of `irc://HOST:PORT`: of several, in the system's order, the first that takes a connection.

    Raises SetupError when it is no such thing, or is unknown.
    """
    addresses = addresses_of(url, scheme, usual_port)
    return addresses[0] if len(addresses) == 1 else _reached.get(addresses) or _reach(addresses)


@lru_cache(maxsize=64)  # in a greenlet it is a thread's work, with ten threads for all users: 1,000 at once queued up
def addresses_of(url: str, scheme: str = "irc", usual_port: int = 6667) -> tuple[Address, ...]:
    """All addresses, found once. Raises SetupError."""
    try:
        parts = urlsplit(url if "//" in url else f"{scheme}://{url}")
        host, port = parts.hostname, parts.port or usual_port
    except ValueError as error:
        raise SetupError(f"--host must be {scheme}://HOST:PORT, got {url!r}: {error}") from None
    if parts.scheme != scheme or not host or not port:
        raise SetupError(f"--host must be {scheme}://HOST:PORT, got {url!r}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SetupError(f"--host {url}: {error.strerror}") from None
    return tuple(dict.fromkeys((family, address) for family, _, _, _, address in found))


def host_of(url: str) -> str:
    """The name that a server's certificate must have."""
    return urlsplit(url).hostname or ""


def _reach(addresses: tuple[Address, ...]) -> Address:
    """The first where somebody listens; where nobody does, the first, so that connecting there says why."""
    for family, place in addresses:
        with suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(_PROBE_S)
            probe.connect(place)
            _reached[addresses] = (family, place)
            return family, place
    return addresses[0]
