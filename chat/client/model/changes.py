"""Changes that the model tells the window to draw: plain values."""

from dataclasses import dataclass, field

from chat.client.model.talk import Line, Talk


@dataclass(frozen=True, slots=True)
class Appended:
    """A line came to the transcript's end; `pushed_out` lines went from its beginning."""

    talk: Talk
    line: Line
    pushed_out: int


@dataclass(frozen=True, slots=True)
class LineChanged:
    """The line with this id looks so now, and stands where it stood."""

    talk: Talk
    line: Line


@dataclass(frozen=True, slots=True)
class LineRemoved:
    """The line with this id is gone: cleared away, or about to be appended again where the room's order puts it."""

    talk: Talk
    line: Line


@dataclass(frozen=True, slots=True)
class Cleared:
    """The transcript is empty."""

    talk: Talk


@dataclass(frozen=True, slots=True)
class MembersChanged:
    talk: Talk


@dataclass(frozen=True, slots=True)
class TopicChanged:
    talk: Talk


@dataclass(frozen=True, slots=True)
class TalksChanged:
    """There are other talks, or their names, unread counts or mentions are others."""


@dataclass(frozen=True, slots=True)
class StageChanged:
    """`stage`, `reason`, `nick` or `status` of the model is another now, or whether we are in a room."""


@dataclass(frozen=True, slots=True)
class Opened:
    """This talk is the one to show."""

    talk: Talk


@dataclass(frozen=True, slots=True)
class Called:
    """This line calls the person, who does not look at it."""

    talk: Talk
    line: Line


@dataclass(frozen=True, slots=True)
class Refilled:
    """Lines came into the middle or the beginning of the transcript: draw all of it. `new` were said meanwhile.

    `moved` has the ids that lines had, with those that they have now.
    """

    talk: Talk
    new: tuple[Line, ...] = ()
    moved: dict[int, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class TypingChanged:
    """Somebody types there, or no longer does."""

    talk: Talk


@dataclass(frozen=True, slots=True)
class RoomsListed:
    """The server's list of rooms is there, or has grown."""

    complete: bool


Change = (
    Appended
    | LineChanged
    | LineRemoved
    | Cleared
    | MembersChanged
    | TopicChanged
    | TalksChanged
    | StageChanged
    | Opened
    | Called
    | Refilled
    | RoomsListed
    | TypingChanged
)
