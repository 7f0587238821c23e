"""Which process holds the other end of a TCP connection. Linux; knows nothing of IRC.

/proc/PID/net/tcp lists the sockets of that process's network, so a server in a container of its own is found too, where
its processes can be seen from here and are the same user's. Source: proc_pid_net(5), proc_pid_fd(5).
"""

import os
import socket
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

_PROC = Path("/proc")
_ORDER = sys.byteorder


def owner(connection: socket.socket) -> int | None:
    """The process that has accepted this connection; None where it cannot be seen from here."""
    ends = _end(connection.getpeername()), _end(connection.getsockname())
    seen: set[str] = set()
    for process in _processes():
        try:
            network = os.readlink(process / "ns" / "net")
            if network not in seen:
                seen.add(network)
                if (inode := _inode(process, ends)) and (pid := _holder(inode)):
                    return pid
        except OSError:
            continue  # another user's, or it has ended
    return None


def _processes() -> Iterator[Path]:
    return (entry for entry in _PROC.iterdir() if entry.name.isdigit())


def _end(address: tuple[object, ...]) -> tuple[str, int]:
    """An end as text and port; an IPv4 address in IPv6 clothes is the IPv4 address."""
    ip = ip_address(str(address[0]).partition("%")[0])
    return str(getattr(ip, "ipv4_mapped", None) or ip), int(str(address[1]))


def _inode(process: Path, ends: tuple[tuple[str, int], tuple[str, int]]) -> str:
    """Of the socket with these two ends in the process's network; empty when there is none."""
    for table in ("tcp", "tcp6"):
        for line in (process / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if (_written(fields[1]), _written(fields[2])) == ends and fields[9] != "0":
                return fields[9]
    return ""


def _written(end: str) -> tuple[str, int]:
    """`0100007F:1A0B`: the address as 32-bit words in the machine's byte order, and the port."""
    digits, _, port = end.partition(":")
    words = (int(digits[at : at + 8], 16) for at in range(0, len(digits), 8))
    address = b"".join(word.to_bytes(4, _ORDER) for word in words)
    return _end((ip_address(address), int(port, 16)))


def _holder(inode: str) -> int | None:
    wanted = f"socket:[{inode}]"
    for process in _processes():
        try:
            if any(os.readlink(entry) == wanted for entry in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    return None
