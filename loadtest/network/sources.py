"""The local addresses that connections come from.

A connection is told from others by both its addresses and ports. From one address to one server a machine has as many
as it has ephemeral ports, some 28,000; each further local address gives as many again.
"""

import errno
import os
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import count
from math import ceil
from pathlib import Path
from typing import Any

from chat.errors import SetupError
from loadtest.network.files import is_kept

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
