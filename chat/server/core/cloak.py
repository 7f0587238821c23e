"""Cloaks: what others see in place of an address. The same address has the same cloak for as long as the secret stays.

A cloak has a part for the address and one for each network around it, so that a mask can ban a network whose addresses
nobody knows: `*.c.ip` fits every address of the /16 behind `a.b.c.ip`.
"""

import hmac
import ipaddress
from base64 import b32encode
from functools import lru_cache

from chat.wires.names import fold

SECRET_BYTES = 32
PART_BYTES = 5  # of a digest: 8 letters; two networks of a million have the same part with a chance of one in two
PREFIXES = {4: (32, 24, 16), 6: (128, 64, 48)}  # an IPv6 household has a /64 or more, a provider's customer a /48
ENDING = {4: "ip", 6: "ip6"}


class Cloaks:
    def __init__(self, secret: bytes) -> None:
        """Whoever has the secret can find the addresses behind cloaks by trying all of them."""
        self._secret = secret
        self.host = lru_cache(maxsize=1024)(self._host)

    def _host(self, address: str) -> str:
        """The cloak of an address, or of any other text."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return f"{self._part(fold(address))}.host"
        networks = (ipaddress.ip_network((found, prefix), strict=False) for prefix in PREFIXES[found.version])
        return ".".join((*(self._part(str(network)) for network in networks), ENDING[found.version]))

    def _part(self, text: str) -> str:
        digest = hmac.digest(self._secret, text.encode(), "sha256")
        return b32encode(digest[:PART_BYTES]).decode().lower()
