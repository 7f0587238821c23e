"""The stamp that a message carries: its sender, its number, and when it was meant to leave. Knows no sockets.

A stamp is printable ASCII, so that it crosses any server: `{run.window.sender.number.time}`, all but the run in
hexadecimal. The time is the *intended* one, in nanoseconds of the monotonic clock, which all processes of a host
share: a message that leaves late is charged for its wait (no coordinated omission). The whole text follows from the
stamp, and ends with `{}`, so that a reader can tell whether it was altered or cut.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

MIN_SIZE = 56  # bytes: the longest stamp, a blank and the end take 53
MAX_SIZE = 350  # bytes: with `:nick!user@host PRIVMSG #room :` before it, a line still fits IRC's 512
END = "{}"
_PADDING = "all work and no play makes a dull chat room, " * 8
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_STAMPED = re.compile(r"\{[0-9a-f]+(?:\.[0-9a-f]+){4}\} ?")


class Stamp(NamedTuple):
    sender: int
    number: int  # counts a sender's messages in one window, from 0
    intended_ns: int


class Stamps:
    """Those of one window of one run. Others, and what people say, are not found."""

    def __init__(
        self, run: str, window: int, size: int = 0, offset_ns: int = 0, sizes: Mapping[int, Sequence[int]] | None = None
    ) -> None:
        """`size` is a message's in bytes, where `sizes` does not say, by sender, what each one's is.

        `offset_ns` is what this process's clock shows more than the leader's.
        """
        self._sizes = sizes or {}
        self.mark = f"{{{run}.{window:x}.".encode()  # what each begins with
        self._head = self.mark.decode()
        self._size = size
        self._offset_ns = offset_ns
        self._pattern = re.compile(
            rb"\{%b\.%x\.([0-9a-f]{1,6})\.([0-9a-f]{1,8})\.([0-9a-f]{1,16})\}" % (run.encode(), window)
        )

    def head(self, stamp: Stamp) -> str:
        return f"{self._head}{stamp.sender:x}.{stamp.number:x}.{stamp.intended_ns - self._offset_ns:x}}}"

    def text(self, stamp: Stamp) -> str:
        """The whole message; as short as can be where that is longer than its size."""
        head = self.head(stamp) + " "
        own = self._sizes.get(stamp.sender)
        size = own[stamp.number] if own and stamp.number < len(own) else self._size
        return head + _PADDING[: max(0, size - len(head) - len(END))] + END

    def find(self, data: bytes) -> list[Stamp]:
        """With the times of this process's clock."""
        offset_ns = self._offset_ns
        return [
            Stamp(int(sender, 16), int(number, 16), int(at, 16) + offset_ns)
            for sender, number, at in self._pattern.findall(data)
        ]


def without(words: str) -> str:
    """What was said, without the stamp that it begins with, if it does."""
    return words[found.end() :].removesuffix(END) if (found := _STAMPED.match(words)) else words


def runs(stamps: Sequence[Stamp]) -> list[tuple[int, int, int]] | None:
    """Each sender with its first number and the one after its last; None when a sender's numbers do not count up."""
    spans: dict[int, list[int]] = {}
    for sender, number, _ in stamps:
        span = spans.setdefault(sender, [number, number])
        if span[1] != number:
            return None
        span[1] = number + 1
    return [(sender, first, after) for sender, (first, after) in spans.items()]


def nick_head(run: str) -> str:
    """What the nicknames of a run's users begin with; a number in base 36 follows: 9 characters, the RFC 1459 limit."""
    return f"f{run[:3]}"


def nick_of(run: str, number: int) -> str:
    """The nickname of a run's user with this number."""
    return nick_head(run) + _base36(number)


def _base36(number: int) -> str:
    digits = _DIGITS[number % 36]
    while number := number // 36:
        digits = _DIGITS[number % 36] + digits
    return digits
