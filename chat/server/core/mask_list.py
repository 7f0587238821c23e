"""One of a room's lists of masks: bans (`b`), exceptions from them (`e`), who needs no invitation (`I`)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from chat.events import Person
from chat.server.core.masks import MASK_BYTES, Masks, whole_mask
from chat.wires.names import fold

QUIET = "~q:"  # begins a ban that lets people in and keeps them silent
LETTERS = "beI"


class Item(NamedTuple):
    mask: str
    by: str  # the nickname of who set it
    at: float  # seconds since the epoch


class MaskList:
    """In the order in which they were set. Changed by `apply` alone."""

    __slots__ = ("_items", "_masks", "_quiets")

    def __init__(self, items: Iterable[Sequence[object]] = ()) -> None:
        self._items: dict[str, Item] = {}  # by folded mask
        self._masks = Masks()
        self._quiets = Masks()
        for mask, by, at in items:
            assert isinstance(mask, str)
            assert isinstance(by, str)
            assert isinstance(at, float | int)
            self.add(mask, by, at)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def __contains__(self, mask: str) -> bool:
        return fold(mask) in self._items

    @property
    def size(self) -> int:
        """Bits that a comparison works on: its cost."""
        return self._masks.size + self._quiets.size

    def add(self, mask: str, by: str, at: float) -> None:
        """`mask` comes from `list_mask`, and is not there."""
        self._items[fold(mask)] = Item(mask, by, at)
        if mask.startswith(QUIET):
            self._quiets.add(mask.removeprefix(QUIET))
        else:
            self._masks.add(mask)

    def remove(self, mask: str) -> str | None:
        """Gives the mask as it was set; None when it is not there."""
        found = self._items.pop(fold(mask), None)
        if found is None:
            return None
        if found.mask.startswith(QUIET):
            self._quiets.remove(found.mask.removeprefix(QUIET))
        else:
            self._masks.remove(found.mask)
        return found.mask

    def fits(self, person: Person, account: str, address: str) -> bool:
        return self._masks.find(person, account, address) is not None

    def quiets(self, person: Person, account: str, address: str) -> bool:
        return self._quiets.find(person, account, address) is not None


def list_mask(letter: str, text: str) -> str:
    """A mask for that list, with its missing parts. Raises ValueError."""
    if letter == "b" and text.startswith(QUIET):
        mask = QUIET + whole_mask(text.removeprefix(QUIET))
        if len(mask) > MASK_BYTES:
            raise ValueError(f"the mask is {len(mask)} bytes long, the limit is {MASK_BYTES}")
        return mask
    return whole_mask(text)
