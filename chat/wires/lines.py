"""Split a byte stream into lines. Knows nothing of sockets or IRC."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Overlong:
    """Stands for a line that was longer than the limit; its bytes are dropped."""

    size: int  # bytes seen of it when it was given up


class LineSplitter:
    """`feed` takes bytes and returns whole lines, without their line feed and a carriage return before it.

    Between calls it keeps less than `limit` bytes. An endless line is reported once, when it passes the limit, and
    then skipped up to its line feed; `skipped` counts the bytes of it so far.
    """

    __slots__ = ("_limit", "_rest", "skipped")

    def __init__(self, limit: int) -> None:
        self._limit = limit  # bytes in a line, its line end included
        self._rest = b""
        self.skipped = 0

    def feed(self, data: bytes) -> list[bytes | Overlong]:
        if self._rest:
            data = self._rest + data
            self._rest = b""
        *whole, rest = data.split(b"\n")
        lines: list[bytes | Overlong] = []
        if self.skipped and whole:
            whole.pop(0)  # the end of the line that was given up
            self.skipped = 0
        for line in whole:
            if len(line) >= self._limit:
                lines.append(Overlong(len(line) + 1))
            else:
                lines.append(line[:-1] if line.endswith(b"\r") else line)
        if self.skipped:
            self.skipped += len(rest)
        elif len(rest) >= self._limit:
            lines.append(Overlong(len(rest)))
            self.skipped = len(rest)
        else:
            self._rest = rest
        return lines
