"""A room's members as NAMES lists them, kept in whole lines: a joiner costs lines and not members."""

from chat.events import Person


class NamesList:
    """Names in the order of joining, packed into lines of at most `size` bytes.

    A leave leaves a gap in its line. Once there are more gaps than names the list is sparse, and should be rebuilt. A
    renamed member keeps its line, or moves to the end where the new name does not fit.
    """

    __slots__ = ("_emptied", "_encoded", "_left", "_line_of", "_lines", "_masks", "_size")

    def __init__(self, masks: bool, size: int) -> None:
        self._masks = masks  # whole masks (userhost-in-names) or nicknames
        self._size = size
        self._lines: list[list[str]] = []
        self._encoded: list[bytes] = []  # each line; empty where it has changed since the last `lines`
        self._line_of: dict[str, int] = {}  # by name
        self._left = 0  # free bytes in the last line; a name takes one more than its length
        self._emptied = 0

    @property
    def sparse(self) -> bool:
        return self._emptied > len(self._line_of)

    def add(self, person: Person, sign: str) -> None:
        name = self._name(person, sign)
        needed = len(name) + 1  # masks are ASCII
        if needed > self._left or not self._lines:
            self._lines.append([])
            self._encoded.append(b"")
            self._left = self._size + 1  # the first name of a line has no space before it
        self._lines[-1].append(name)
        self._encoded[-1] = b""
        self._line_of[name] = len(self._lines) - 1
        self._left -= needed

    def remove(self, person: Person, sign: str) -> None:
        """Remove a member that was added with the same name and sign."""
        name = self._name(person, sign)
        line = self._line_of.pop(name)
        self._lines[line].remove(name)
        self._encoded[line] = b""
        self._emptied += 1

    def replace(self, person: Person, sign: str, by: Person, by_sign: str) -> None:
        """Give the member that was added with the first name and sign the second ones."""
        before, after = self._name(person, sign), self._name(by, by_sign)
        if before == after:
            return
        number = self._line_of[before]
        line = self._lines[number]
        room = self._left if number == len(self._lines) - 1 else self._size - len(" ".join(line))
        if len(after) - len(before) > room:
            self.remove(person, sign)
            self.add(by, by_sign)
            return
        line[line.index(before)] = after
        self._encoded[number] = b""
        self._line_of[after] = self._line_of.pop(before)
        if number == len(self._lines) - 1:
            self._left -= len(after) - len(before)

    def lines(self) -> list[bytes]:
        """The names of each line, without the head and the line end."""
        for number, names in enumerate(self._lines):
            if names and not self._encoded[number]:
                self._encoded[number] = " ".join(names).encode()
        return [line for line in self._encoded if line]

    def _name(self, person: Person, sign: str) -> str:
        return sign + (person.mask if self._masks else person.nick)
