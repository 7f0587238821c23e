"""Read a PROXY protocol header, version 1 or 2: from which address a proxy passes a connection on. No sockets.

Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
"""

import ipaddress
from typing import NamedTuple

from chat.errors import WireError

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"  # begins version 2
FIXED_BYTES = 16  # of a header of version 2, before the addresses
LONGEST_LINE = 107  # bytes of a header of version 1
LONGEST = 4096  # bytes of one of version 2: its addresses take 36, the rest describes the connection to the proxy
ADDRESS_BYTES = {0x11: 4, 0x21: 16}  # by family and protocol: TCP over IPv4 and IPv6
LOCAL, PROXY = 0, 1


class Header(NamedTuple):
    size: int  # bytes
    host: str  # empty: the proxy speaks for itself, or does not know


def read_header(data: bytes) -> Header | None:
    """The header that the bytes begin with; None while it is incomplete. Raises WireError for anything else."""
    if SIGNATURE.startswith(data[: len(SIGNATURE)]):
        return _read_binary(data)
    if b"PROXY ".startswith(data[:6]):
        return _read_line(data)
    raise WireError("a connection of this proxy begins without a PROXY header")


def _read_line(data: bytes) -> Header | None:
    end = data.find(b"\r\n", 0, LONGEST_LINE)
    if end < 0:
        if len(data) >= LONGEST_LINE:
            raise WireError(f"the PROXY header has no end after {len(data)} bytes, the limit is {LONGEST_LINE}")
        return None
    words = data[:end].split(b" ")
    size = end + 2
    if words[1:2] == [b"UNKNOWN"]:
        return Header(size, "")
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise WireError("the PROXY header names no TCP connection")
    try:
        host = ipaddress.ip_address(words[2].decode("ascii"))
        ports = [int(word) for word in words[4:]]
    except ValueError:
        raise WireError("the PROXY header holds no address") from None
    if host.version != int(words[1][3:]) or not all(0 <= port <= 65_535 for port in ports):
        raise WireError("the PROXY header holds no address of its kind")
    return Header(size, _text(host))


def _read_binary(data: bytes) -> Header | None:
    if len(data) < FIXED_BYTES:
        return None
    version, command = data[12] >> 4, data[12] & 0xF
    size = FIXED_BYTES + int.from_bytes(data[14:16], "big")
    if version != 2 or command not in (LOCAL, PROXY):
        raise WireError("the PROXY header has an unknown version or command")
    if size > LONGEST:
        raise WireError(f"the PROXY header is {size:,} bytes long, the limit is {LONGEST:,}")
    if len(data) < size:
        return None
    length = ADDRESS_BYTES.get(data[13])
    if command == LOCAL or length is None:
        return Header(size, "")
    if size < FIXED_BYTES + 2 * length + 4:
        raise WireError("the PROXY header is too short for its addresses")
    return Header(size, _text(ipaddress.ip_address(data[FIXED_BYTES : FIXED_BYTES + length])))


def _text(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An IPv4 address in its own form, also where a proxy that listens on both wraps it (::ffff:192.0.2.7)."""
    return str(getattr(address, "ipv4_mapped", None) or address)
