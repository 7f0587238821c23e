"""One client's own part of a pass: bytes beside the events of its rooms, or in their place."""

from collections.abc import Sequence
from typing import Any


class Piece:
    """Bytes for one client at a place in its stream.

    `position` is the number of events of the pass that come before them. With `replaces` they take the place of the
    event at that position. With `answer` they are an answer to the client's command.
    """

    __slots__ = ("answer", "position", "replaces", "sends")

    def __init__(self, position: int, sends: Sequence[bytes], replaces: bool, answer: bool) -> None:
        self.position = position
        self.sends = sends
        self.replaces = replaces
        self.answer = answer


class Stream:
    """How one client's part of the pass differs from what its rooms' members get."""

    __slots__ = ("pieces", "start", "windows")

    def __init__(self) -> None:
        self.start = 0  # the first event of the pass that the client has not got
        self.pieces: list[Piece] = []  # in the order of their positions
        self.windows: dict[Any, list[int]] = {}  # for audiences joined or left: [first event, end), end -1 for open
