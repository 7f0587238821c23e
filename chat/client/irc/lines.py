"""Split the server's bytes into lines of text. Knows nothing of IRC.

Text is UTF-8; a line that is not is CP1252, which is what programs older than that send.
"""

LINE_BYTES = 8191 + 512  # the most that a server may send: its tags (message-tags), then the rest of the line


class LineReader:
    """Feed it whatever arrived; it gives back whole lines. Holds at most LINE_BYTES between calls."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False
        self.overlong = 0  # lines that were left out since somebody last looked

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete now, without their line ends. An overlong one is left out, and counted."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines: list[str] = []
        for line in whole:
            if self._skipping:
                self._skipping = False  # the end of the line that was given up
            elif len(line) >= LINE_BYTES:
                self.overlong += 1
            else:
                lines.append(decode(line.removesuffix(b"\r")))
        if self._skipping:
            self._rest = b""
        elif len(self._rest) >= LINE_BYTES:
            self.overlong += 1
            self._skipping, self._rest = True, b""
        return lines


def decode(line: bytes) -> str:
    """The line as text. Bytes that CP1252 has no character for become replacement characters."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")
