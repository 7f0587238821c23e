"""Networks of addresses: those that an operator names, and those that share limits. No sockets."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

SHARED = {4: (32, 24), 6: (64, 48)}  # prefixes of what one customer has, and of what may be one person's all the same


class Networks:
    """Ranges of addresses such as 10.0.0.0/8."""

    def __init__(self, ranges: Iterable[str]) -> None:
        """Raises ValueError when one is no range."""
        self._ranges = [ipaddress.ip_network(text, strict=False) for text in ranges]
        self._holds = lru_cache(maxsize=1024)(self._look)

    def __contains__(self, address: str) -> bool:
        return bool(self._ranges) and self._holds(address)

    def _look(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found.version == network.version and found in network for network in self._ranges)


@lru_cache(maxsize=1024)
def shares(address: str) -> tuple[str, str]:
    """What counts as the one address (IPv6: its /64), and the network around it (/24, /48)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address, address
    narrow, wide = (str(ipaddress.ip_network((found, prefix), strict=False)) for prefix in SHARED[found.version])
    return (address if found.version == 4 else narrow), wide
