"""Masks of people: one list of them answers at once whether any fits. Room and server bans are such lists.

A mask is `nick!user@host` with `*` and `?`, an address range (`*!*@10.0.0.0/8`), or an account (`~a:name`, `~a:*` for
everybody who is logged in). Compared without case, by the casemapping of names.
"""

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache

from chat.events import Person
from chat.wires.names import fold

MASK_BYTES = 76  # of one mask; four of them fit in the line of a MODE beside the longest names
ACCOUNT = "~a:"  # begins a mask of accounts; ISUPPORT's EXTBAN and ACCOUNTEXTBAN announce it

_PRINTABLE = re.compile(r"[!-~]+")
_STARS = re.compile(r"\*[*?]*\*|\*\?+")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def whole_mask(text: str) -> str:
    """The mask with its missing parts: `ana` is `ana!*@*`, `10.0.0.0/8` is `*!*@10.0.0.0/8`. Raises ValueError."""
    if not _PRINTABLE.fullmatch(text) or text[0] == ":" or "," in text:
        raise ValueError("a mask has no space, no comma and only characters of ASCII")
    if text.startswith("~"):
        return _account_mask(text)
    person, at, host = text.rpartition("@")
    nick, mark, user = person.partition("!")
    if not at:
        nick, mark, user = host.partition("!")
        host = ""
        if not mark and ("." in nick or ":" in nick or "/" in nick):
            nick, host = "", nick
    elif not mark:
        nick, user = "", person
    network = _network(host)
    mask = f"{nick or '*'}!{user or '*'}@{network or host or '*'}"
    mask = _STARS.sub(_one_star, mask)
    if len(mask) > MASK_BYTES:
        raise ValueError(f"the mask is {len(mask)} bytes long, the limit is {MASK_BYTES}")
    return mask


def _account_mask(text: str) -> str:
    name = text.removeprefix(ACCOUNT)
    if not text.startswith(ACCOUNT) or not name or (name != "*" and set(name) & set("*?!@")):
        raise ValueError(f"{ACCOUNT} names an account, or * for any")
    if len(text) > MASK_BYTES:
        raise ValueError(f"the mask is {len(text)} bytes long, the limit is {MASK_BYTES}")
    return text


def _one_star(run: re.Match[str]) -> str:
    """`*` and `?` in a row: the question marks, then one `*`."""
    return "?" * run[0].count("?") + "*"


def _network(host: str) -> Network | None:
    """The range that `10.0.0.0/8` or `2001:db8::/32` names, bits behind the prefix dropped. Raises ValueError."""
    if "/" not in host or set(host) & set("*?"):
        return None
    address, _, prefix = host.partition("/")
    if not re.fullmatch(r"[0-9]{1,3}", prefix) or not re.fullmatch(r"[0-9A-Fa-f.:]+", address):
        return None  # a cloak may have a slash
    network = ipaddress.ip_network(host, strict=False)
    if isinstance(network, ipaddress.IPv6Network) and (mapped := network.network_address.ipv4_mapped):
        return ipaddress.ip_network(f"{mapped}/{max(0, network.prefixlen - 96)}", strict=False)
    return network


@lru_cache(maxsize=256)
def _number(address: str) -> tuple[int, int]:
    """An address as its IP version and its number; (0, 0) for any other text."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return 0, 0
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.version, int(found)


class Globs:
    """Patterns with `*` and `?`, all tried at once: one bit for each place in each of them.

    A bit is set while the text so far fits the pattern up to there. So a character costs three operations on integers
    of `size` bits, whatever the patterns: nothing is ever tried again.
    (Baeza-Yates and Gonnet, "A new approach to text searching", 1992.)
    """

    __slots__ = ("_any", "_ends", "_letters", "_loops", "_starts", "size")

    def __init__(self) -> None:
        self.size = 0  # bits, those of removed patterns too
        self._starts = 0
        self._ends = 0
        self._loops = 0  # where a `*` stands: the place stays reached
        self._any = 0  # behind a `?`
        self._letters: dict[str, int] = {}  # behind each letter

    def add(self, pattern: str) -> tuple[int, int]:
        """The bits of its start and its end."""
        bit = start = 1 << self.size
        letters = self._letters
        for letter in pattern:
            if letter == "*":
                self._loops |= bit
                continue
            bit <<= 1
            if letter == "?":
                self._any |= bit
            else:
                letters[letter] = letters.get(letter, 0) | bit
        self.size = bit.bit_length()
        self._starts |= start
        self._ends |= bit
        return start, bit

    def remove(self, start: int) -> None:
        """Never try the pattern of that start again. Its bits stay until the list is made again."""
        self._starts &= ~start

    def match(self, text: str) -> int:
        """The ends of all patterns that fit the whole text."""
        places, letters, loops, anything = self._starts, self._letters, self._loops, self._any
        for letter in text:
            places = (places << 1) & (letters.get(letter, 0) | anything) | places & loops
            if not places:
                return 0
        return places & self._ends


class Masks:
    """Masks in the order in which they were added; `find` gives one that fits somebody."""

    __slots__ = ("_accounts", "_dead", "_ends", "_globs", "_masks", "_networks")

    def __init__(self) -> None:
        self._masks: dict[str, tuple[str, int]] = {}  # by folded mask: as written, and the start of its pattern
        self._accounts: dict[str, str] = {}
        self._clear()

    def _clear(self) -> None:
        self._globs = Globs()
        self._ends: dict[int, str] = {}  # the masks without a range
        self._networks: dict[
            int, tuple[str, int, int, int]
        ] = {}  # end: mask, IP version, bits behind the prefix, prefix
        self._dead = 0  # removed since the patterns were made

    def __len__(self) -> int:
        return len(self._masks)

    def __iter__(self) -> Iterator[str]:
        return (mask for mask, _ in self._masks.values())

    def __contains__(self, mask: str) -> bool:
        return fold(mask) in self._masks

    @property
    def size(self) -> int:
        """Bits that a comparison works on: its cost."""
        return self._globs.size

    def add(self, mask: str) -> bool:
        """Add a whole mask; False when it is there."""
        key = fold(mask)
        if key in self._masks:
            return False
        self._masks[key] = (mask, self._compile(mask, key))
        return True

    def remove(self, mask: str) -> str | None:
        """Gives the mask as it was added; None when there is none."""
        found = self._masks.pop(fold(mask), None)
        if found is None:
            return None
        written, start = found
        if written.startswith(ACCOUNT):
            del self._accounts[fold(written)[len(ACCOUNT) :]]
            return written
        self._globs.remove(start)
        self._dead += 1
        if self._dead > len(self._masks):
            self._clear()
            for key, (one, _) in self._masks.items():
                self._masks[key] = (one, self._compile(one, key))
        return written

    def find(self, person: Person, account: str, address: str) -> str | None:
        """A mask that fits: by the host that others see, by the address itself, or by the account ("" for none)."""
        if account and self._accounts and (found := self._accounts.get(fold(account)) or self._accounts.get("*")):
            return found
        if not self._globs.size:
            return None
        return self._find(fold(person.mask), address) or (
            self._find(fold(f"{person.nick}!{person.user}@{address}"), address)
            if address not in (person.host, "") and self._ends
            else None
        )

    def _find(self, text: str, address: str) -> str | None:
        found = self._globs.match(text)
        while found:
            end = found & -found
            found ^= end
            if end in self._ends:
                return self._ends[end]
            mask, version, shift, prefix = self._networks[end]
            if (version, prefix) == ((number := _number(address))[0], number[1] >> shift):
                return mask
        return None

    def _compile(self, mask: str, key: str) -> int:
        if key.startswith(ACCOUNT):
            self._accounts[key[len(ACCOUNT) :]] = mask
            return 0
        person, _, host = key.rpartition("@")
        network = _network(host)
        start, end = self._globs.add(f"{person}@*" if network is not None else key)
        if network is None:
            self._ends[end] = mask
        else:
            shift = network.max_prefixlen - network.prefixlen
            self._networks[end] = (mask, network.version, shift, int(network.network_address) >> shift)
        return start
