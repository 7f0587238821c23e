"""Server bans: who may not be here, by address, range, account or mask of `user@host`. A function of the log.

Looking an address up costs as much with ten thousand bans as with ten: one look in a dictionary for each length of
prefix in use. Masks are compared one with the other, so their number is bounded.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chat.events import Person
from chat.server.core.masks import ACCOUNT, Masks, whole_mask
from chat.wires.names import fold

MOST = 100_000  # bans; some 50 MB
MOST_MASKS = 200  # comparing all of them takes 50 µs
SHORTEST = {4: 8, 6: 16}  # prefixes that a ban may have: a shorter one is a slip of the hand
LEAST_LETTERS = 3  # of a mask that are no wildcards, dots and tildes: `*@*` would ban everybody

_WILD = re.compile(r"[*?.:~@!]")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Ban:
    mask: str  # as `ban_mask` makes it
    reason: str
    by: str  # a nickname, or the server's name
    at: float  # seconds since the epoch, as is `until`
    until: float  # 0.0 for good

    def holds(self, at: float) -> bool:
        return not self.until or at < self.until

    @property
    def told(self) -> str:
        """The reason that the banned, and their rooms, are told."""
        return f"Banned: {self.reason}"

    @property
    def is_of_addresses(self) -> bool:
        return network_of(self.mask) is not None

    def values(self) -> dict[str, Any]:
        """Its form in a snapshot. `read_ban` is the inverse."""
        return {"ban": self.mask, "reason": self.reason, "by": self.by, "at": self.at, "until": self.until}


def read_ban(values: Mapping[str, Any]) -> Ban:
    return Ban(values["ban"], values["reason"], values["by"], values["at"], values["until"])


def ban_mask(text: str) -> str:
    """The one form of a server ban: `192.0.2.7`, `10.0.0.0/8`, `~a:name` or `user@host`. Raises ValueError."""
    if text.startswith(ACCOUNT):
        if text == f"{ACCOUNT}*":
            raise ValueError("that would ban everybody who is logged in")
        return whole_mask(text)
    nick, user, host = _parts(text)
    if nick != "*":
        raise ValueError("a server ban names user@host: nicknames are easily changed")
    network = network_of(host)
    if network is not None and user == "*":
        if network.prefixlen < SHORTEST[network.version]:
            least = SHORTEST[network.version]
            raise ValueError(f"the range has a prefix of {network.prefixlen} bits, the shortest is {least}")
        return _written(network)
    if len(_WILD.sub("", user + host)) < LEAST_LETTERS:
        raise ValueError("the mask fits nearly everybody")
    return f"{user}@{host}"


def _parts(text: str) -> tuple[str, str, str]:
    if network_of(text) is not None:
        return "*", "*", text
    nick, _, rest = whole_mask(f"*!{text}" if "@" in text and "!" not in text else text).partition("!")
    user, _, host = rest.partition("@")
    return nick, user, host


def network_of(host: str) -> Network | None:
    """The address or range; None for any other host."""
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:
        return None
    if isinstance(network, ipaddress.IPv6Network) and (mapped := network.network_address.ipv4_mapped):
        return ipaddress.ip_network(f"{mapped}/{max(0, network.prefixlen - 96)}", strict=False)
    return network


def _written(network: Network) -> str:
    """No colon at the beginning, where a line would end with it; an address without its prefix."""
    text = str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
    return f"0{text}" if text.startswith(":") else text


class ServerBans:
    """Changed by `apply` alone. Times are those of entries: a ban that is over is as good as none."""

    __slots__ = ("_accounts", "_masks", "_ranges", "by_mask")

    def __init__(self) -> None:
        self.by_mask: dict[str, Ban] = {}  # by folded mask; oldest first
        self._ranges: dict[tuple[int, int], dict[int, Ban]] = {}  # by IP version and bits behind the prefix
        self._accounts: dict[str, Ban] = {}
        self._masks = Masks()

    def __len__(self) -> int:
        return len(self.by_mask)

    @classmethod
    def of(cls, mask: str) -> "ServerBans":
        """Those with one ban for good, to compare it with many."""
        bans = cls()
        bans.add(Ban(mask, "", "", 0.0, 0.0))
        return bans

    def __iter__(self) -> Iterator[Ban]:
        return iter(self.by_mask.values())

    def get(self, mask: str) -> Ban | None:
        return self.by_mask.get(fold(mask))

    @property
    def masks(self) -> int:
        """How many of them are compared one with the other."""
        return len(self._masks)

    def add(self, ban: Ban) -> None:
        """Add the ban, in place of one with the same mask."""
        self.remove(ban.mask)
        self.by_mask[fold(ban.mask)] = ban
        network = network_of(ban.mask)
        if network is not None:
            shift = network.max_prefixlen - network.prefixlen
            bans = self._ranges.setdefault((network.version, shift), {})
            bans[int(network.network_address) >> shift] = ban
        elif ban.mask.startswith(ACCOUNT):
            self._accounts[fold(ban.mask[len(ACCOUNT) :])] = ban
        else:
            self._masks.add(f"*!{ban.mask}")

    def remove(self, mask: str) -> Ban | None:
        """The ban that is gone; None when there is none."""
        ban = self.by_mask.pop(fold(mask), None)
        if ban is None:
            return None
        network = network_of(ban.mask)
        if network is not None:
            shift = network.max_prefixlen - network.prefixlen
            bans = self._ranges[network.version, shift]
            del bans[int(network.network_address) >> shift]
            if not bans:
                del self._ranges[network.version, shift]
        elif ban.mask.startswith(ACCOUNT):
            del self._accounts[fold(ban.mask[len(ACCOUNT) :])]
        else:
            self._masks.remove(f"*!{ban.mask}")
        return ban

    def sweep(self, at: float) -> None:
        """Forget those that are over."""
        for ban in [ban for ban in self.by_mask.values() if not ban.holds(at)]:
            self.remove(ban.mask)

    def find_address(self, address: str, at: float) -> Ban | None:
        """A ban of the address or of a range around it."""
        if not self._ranges:
            return None
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return None
        number, version = int(found), found.version
        for (of, shift), bans in self._ranges.items():
            if of == version and (ban := bans.get(number >> shift)) is not None and ban.holds(at):
                return ban
        return None

    def find_account(self, account: str, at: float) -> Ban | None:
        ban = self._accounts.get(fold(account)) if account and self._accounts else None
        return ban if ban is not None and ban.holds(at) else None

    def find(self, person: Person, account: str, address: str, at: float) -> Ban | None:
        """A ban that fits this user at that time."""
        if not self.by_mask:
            return None
        ban = self.find_address(address, at) or self.find_account(account, at)
        if ban is None and len(self._masks) and (mask := self._masks.find(person, "", address)) is not None:
            ban = self.by_mask[fold(mask[2:])]
            if not ban.holds(at):
                alive = (other for other in self if other.holds(at) and "@" in other.mask)
                return next((other for other in alive if ServerBans.of(other.mask).find(person, "", address, at)), None)
        return ban
