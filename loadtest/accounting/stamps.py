"""The stamp that a message carries: who sent it, its number, and when it was meant to leave. Knows no sockets.

A stamp is printable ASCII, so that it crosses any server: `~run.window.sender.number.time~`, all but the run in
hexadecimal. The time is the *intended* one, in nanoseconds of the monotonic clock, which all processes of a host
share: a message that leaves late is charged for its wait (no coordinated omission).
"""

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from loadtest.watch.clock import boot_id

MIN_SIZE = 56  # bytes: the longest stamp and a blank take 51
MAX_SIZE = 350  # bytes: with `:nick!user@host PRIVMSG #room :` before it, a line still fits IRC's 512
_PADDING = "all work and no play makes a dull chat room, " * 8
_STAMPED = re.compile(r"~[0-9a-f]+(?:\.[0-9a-f]+){4}~ ?")


class Stamp(NamedTuple):
    sender: int
    number: int  # counts a sender's messages in one window, from 0
    intended_ns: int


def text(run: str, window: int, stamp: Stamp, size: int) -> str:
    """A message of `size` bytes that begins with the stamp; the stamp alone and a blank where that is longer."""
    head = f"~{run}.{window:x}.{stamp.sender:x}.{stamp.number:x}.{stamp.intended_ns:x}~ "
    return head + _PADDING[: max(0, size - len(head))]


def pattern(run: str, window: int) -> re.Pattern[bytes]:
    """Finds the stamps of one window of one run; those of others, and what people say, do not match."""
    return re.compile(rb"~%b\.%x\.([0-9a-f]{1,6})\.([0-9a-f]{1,8})\.([0-9a-f]{1,16})~" % (run.encode(), window))


def without(words: str) -> str:
    """What was said, without the stamp that it begins with, if it does."""
    return words[found.end() :] if (found := _STAMPED.match(words)) else words


def find(wanted: re.Pattern[bytes], data: bytes, offset_ns: int = 0) -> list[Stamp]:
    """`offset_ns` is what the reader's clock shows more than the one that the stamps are written by."""
    return [
        Stamp(int(sender, 16), int(number, 16), int(at, 16) + offset_ns) for sender, number, at in wanted.findall(data)
    ]


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


def run_of_this_host() -> str:
    """A run id that all processes of this host agree on without talking, for users outside a scenario."""
    return hashlib.sha256(boot_id().encode()).hexdigest()[:8]
