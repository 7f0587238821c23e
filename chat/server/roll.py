"""A room's members as NAMES lists them, in whole lines, so that telling a joiner costs lines and not members."""

from chat.events import Person


class Roll:
    """Names in the order of joining, packed into lines of at most `size` bytes. Called with the hub's lock held.

    It only grows: a leave, a rename or a change of operators makes the room forget it and begin another when asked.
    """

    __slots__ = ("_full", "_last", "_left", "_masks", "_size")

    def __init__(self, masks: bool, size: int) -> None:
        self._masks = masks  # whole masks (userhost-in-names) or nicknames
        self._size = size
        self._full: list[bytes] = []
        self._last: list[str] = []  # the names of the line that has room yet
        self._left = size + 1  # a name takes a byte more than itself; the first of a line does not

    def add(self, person: Person, operator: bool) -> None:
        name = ("@" if operator else "") + (person.mask if self._masks else person.nick)
        needed = len(name) + 1  # masks are ASCII
        if needed > self._left and self._last:
            self._full.append(" ".join(self._last).encode())
            self._last = []
            self._left = self._size + 1
        self._last.append(name)
        self._left -= needed

    def lines(self) -> list[bytes]:
        """What stands on the lines, without what goes before and after it."""
        return [*self._full, " ".join(self._last).encode()] if self._last else list(self._full)
