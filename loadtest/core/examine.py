"""Hold whole messages against what was sent: their text, speaker, room and time. Knows no sockets.

A message is examined once, however many receivers read the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from loadtest.core.schedules import Schedule
from loadtest.core.stamps import Stamp, Stamps

_KEPT = 4_096  # messages whose examination is remembered: a server with several threads cuts its stream differently


@dataclass(frozen=True, slots=True)
class Audience:
    """Who should have a sender's messages: its room, and how many members of it this process has, but the sender.

    Without a schedule it is many users' stamps under one number: they are due to whoever was in from the beginning,
    and in no order that a server must keep.
    """

    room: str
    size: int
    messages: int  # how many the sender has planned: a stamp with a higher number is not one of them
    leaves: bool = False  # they are no messages but what users say as they quit
    schedule: Schedule | None = None
    nick: str = ""  # the sender's; empty where it is not known
    is_here: bool = False  # the sender is one of this process's members

    @property
    def members(self) -> int:
        """Of the room, in this process."""
        return self.size + self.is_here


class Words(Protocol):
    """What somebody said, as a wire tells it. `who` and `room` are empty where it does not."""

    @property
    def who(self) -> str: ...
    @property
    def room(self) -> str: ...
    @property
    def text(self) -> str: ...


class Language(Protocol):
    """What is needed of a wire."""

    end: bytes

    def messages(self, data: bytes) -> list[bytes]: ...
    def said(self, message: bytes) -> Words | None: ...


class Found(NamedTuple):
    """The stamps in some bytes, and how many of their messages are not what was sent."""

    stamps: list[Stamp]
    corrupt: int


class Examiner:
    """One window's. Without a wire only stamps are looked at."""

    def __init__(self, stamps: Stamps, audiences: Mapping[int, Audience] | None, wire: Language | None = None) -> None:
        self._stamps = stamps
        self._audiences = audiences
        self._wire = wire
        self._known: dict[bytes, Found] = {}

    def look(self, data: bytes) -> Found:
        """A stamp that no message of the run can have is left out, and its message counts as corrupt."""
        if self._stamps.mark not in data:
            return Found([], 0)
        if self._audiences is None:
            return Found(self._stamps.find(data), 0)
        found: list[Stamp] = []
        corrupt = 0
        for message in [data] if self._wire is None else self._wire.messages(data):
            if self._stamps.mark in message:
                each = self._known.get(message) or self._examine(message)
                found += each.stamps
                corrupt += each.corrupt
        return Found(found, corrupt)

    def _examine(self, message: bytes) -> Found:
        stamps = self._stamps.find(message)
        possible = [stamp for stamp in stamps if self._is_possible(stamp)]
        corrupt = len(stamps) - len(possible)
        if self._wire is not None and not corrupt and not self._is_whole(message, stamps):
            corrupt = max(1, len(stamps))
        if len(self._known) >= _KEPT:
            self._known.clear()
        found = self._known[message] = Found(possible, corrupt)
        return found

    def _is_possible(self, stamp: Stamp) -> bool:
        """Whether the sender has such a message; one that nobody knows here may be of another room."""
        audience = self._audiences.get(stamp.sender) if self._audiences else None
        if audience is None:
            return True
        if stamp.number >= audience.messages:
            return False
        return audience.schedule is None or audience.schedule.at(stamp.number) == stamp.intended_ns

    def _is_whole(self, message: bytes, stamps: list[Stamp]) -> bool:
        """Whether it is what was sent, from its first byte to its last."""
        assert self._wire
        audience = self._audiences.get(stamps[0].sender) if self._audiences and stamps else None
        if audience and audience.leaves:
            return True
        said = self._wire.said(message)
        if len(stamps) != 1 or said is None:
            return False
        text = self._stamps.text(stamps[0])
        if said.who:
            is_by = said.who.endswith if self._wire.end == b"" else said.who.__eq__  # a notice may stand before it
            if said.text != text or (audience and audience.nick and not is_by(audience.nick)):
                return False
        elif text not in said.text:
            return False
        return not (audience and said.room) or said.room.lower() == audience.room.lower()
