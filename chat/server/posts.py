"""What workers are told through their inboxes. Plain values; `Seat` is all that they know of a connection."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from chat.events import Event
from chat.server.inbox import Inbox
from chat.wires.wire import Dialect


class Seat(Protocol):
    """A connection as rooms see it: somewhere to put bytes, owned by the worker that reads `inbox`."""

    inbox: Inbox
    dialect: Dialect

    def push(self, data: bytes | memoryview, notices: int = 0) -> None:
        """Queue one send, of which `notices` bytes tell who came and went. Owner only."""


class Copy:
    """What one seat gets in place of the bytes that everybody gets: nothing, or the same with a label.

    The owner may still change `sends` until it takes the post from its inbox.
    """

    __slots__ = ("sends",)

    def __init__(self, sends: Sequence[bytes] = ()) -> None:
        self.sends = sends


NOTHING = Copy()


class Remark:
    """An event for everyone in a room. Encoded once for each dialect, whichever worker needs it first."""

    __slots__ = ("_encoded", "copy", "event", "room", "seat")

    def __init__(self, room: str, event: Event, seat: Seat, copy: Copy | None) -> None:
        self.room = room
        self.event = event
        self.seat = seat  # whose event it is
        self.copy = copy  # what that seat gets; None: what everybody gets
        self._encoded: dict[Dialect, tuple[bytes, ...]] = {}

    is_notice: ClassVar[bool] = False  # it tells who came or went, which nobody says and no member can keep from coming

    def encoded(self, dialect: Dialect) -> tuple[bytes, ...]:
        sends = self._encoded.get(dialect)
        if sends is None:
            # Two workers may do this at once; both make the same bytes, and one of them stays.
            sends = self._encoded[dialect] = dialect.encode(self.event)
        return sends


class Arrival(Remark):
    """The event that brings its seat into the room: from here on the seat hears it."""

    __slots__ = ()

    is_notice = True


class Departure(Remark):
    """The event that takes its seat out of the room: the last that it hears."""

    __slots__ = ()

    is_notice = True


class Spread(Remark):
    """An event for everyone who shares one of several rooms, told to each of them once."""

    __slots__ = ("departs", "rooms")

    def __init__(self, rooms: Sequence[str], event: Event, seat: Seat, copy: Copy | None, departs: bool) -> None:
        super().__init__(rooms[0], event, seat, copy)
        self.rooms = rooms
        self.departs = departs  # the seat leaves all these rooms with it


class Direct:
    """Bytes for one seat alone."""

    __slots__ = ("copy", "seat")

    def __init__(self, seat: Seat, copy: Copy) -> None:
        self.seat = seat
        self.copy = copy


class Recast:
    """A seat has negotiated another dialect, which holds for what comes after this."""

    __slots__ = ("dialect", "seat")

    def __init__(self, seat: Seat, dialect: Dialect) -> None:
        self.seat = seat
        self.dialect = dialect


class Hangup:
    """Close a seat's connection once it has what it was sent so far."""

    __slots__ = ("reason", "seat")

    def __init__(self, seat: Seat, reason: str) -> None:
        self.seat = seat
        self.reason = reason
