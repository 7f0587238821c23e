"""What the model tells the window to draw anew: plain values."""

from dataclasses import dataclass

from chat.client.room import Line, Room


@dataclass(frozen=True, slots=True)
class Appended:
    """A line came to the transcript's end; `pushed_out` lines went from its beginning."""

    room: Room
    line: Line
    pushed_out: int


@dataclass(frozen=True, slots=True)
class MembersChanged:
    room: Room


@dataclass(frozen=True, slots=True)
class StageChanged:
    """`stage`, `reason` or `nick` of the model is another now."""


Change = Appended | MembersChanged | StageChanged
