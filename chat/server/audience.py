"""The part of one room whose connections one worker owns, and what they are to be sent in this pass.

The owner's thread only. A pass's events are joined into one blob for each dialect, and the same blob goes to every
seat, whatever their number. The few seats that do not get all of it (who came or left within the pass, who does not
hear their own words) get slices of the blob: nothing is encoded or copied for them either.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any, TypeAlias

from chat.server.posts import Copy, Remark, Seat
from chat.wires.wire import Dialect

PushAll: TypeAlias = Callable[[Iterable[Any], bytes, int], None]
"""Push the same bytes, so many of them notices, to many seats of one owner, each as `Seat.push` does."""


COPIED_BYTES = 4096  # of a pass's words, up to which a copy for one seat costs less than views of them


class _Part:
    """What of the pass's events one seat gets: from `start` to `end`, with bytes of its own in between."""

    __slots__ = ("end", "own", "start")

    def __init__(self, start: int = 0) -> None:
        self.start = start
        self.end: int | None = None
        self.own: list[tuple[int, Copy, int]] = []  # before which event, what, and how many events it stands for


class Audience:
    __slots__ = ("_parts", "_posts", "_push_all", "seats")

    def __init__(self, push_all: PushAll) -> None:
        self._push_all = push_all
        self.seats: dict[Dialect, dict[Seat, None]] = {}
        self._posts: list[Remark] = []  # of this pass, in the room's order
        self._parts: dict[Seat, _Part] = {}

    def __bool__(self) -> bool:
        """Somebody sits here or is still owed something."""
        return bool(self._posts) or any(self.seats.values())

    def __contains__(self, seat: Seat) -> bool:
        return seat in self.seats.get(seat.dialect, ())

    def owes(self, seat: Seat) -> bool:
        """Something of this pass is still to be pushed to the seat."""
        return bool(self._posts) and (seat in self._parts or seat in self)

    def remark(self, post: Remark) -> None:
        seat = post.seat
        if post.copy is not None and seat in self.seats.get(seat.dialect, ()):
            part = self._parts.get(seat)
            if part is None:
                part = self._parts[seat] = _Part()
            part.own.append((len(self._posts), post.copy, 1))
        self._posts.append(post)

    def insert(self, seat: Seat, copy: Copy) -> None:
        """Bytes for one seat that is owed something, behind the events so far."""
        part = self._part(seat)
        part.own.append((len(self._posts) if part.end is None else part.end, copy, 0))

    def arrive(self, post: Remark) -> None:
        """`post` brings its seat in."""
        if post.seat in self._parts:
            self.flush()  # it left within this pass, and what it was owed comes first
        self._parts[post.seat] = _Part(len(self._posts))
        self.add(post.seat, post.seat.dialect)
        self.remark(post)

    def depart(self, post: Remark) -> None:
        """`post` is the last that its seat hears."""
        self.remark(post)
        if post.seat in self:
            self._part(post.seat).end = len(self._posts)
            self.drop(post.seat)

    def drop(self, seat: Seat) -> bool:
        """Take a seat out without an event; True when it was here."""
        return self.seats.get(seat.dialect, {}).pop(seat, self) is None

    def add(self, seat: Seat, dialect: Dialect) -> None:
        """Let a seat in without an event."""
        self.seats.setdefault(dialect, {})[seat] = None

    def _part(self, seat: Seat) -> _Part:
        part = self._parts.get(seat)
        if part is None:
            part = self._parts[seat] = _Part()
        return part

    def flush(self) -> None:
        """Push this pass's events to every seat."""
        posts, parts = self._posts, self._parts
        if not posts:
            return
        self._posts, self._parts = [], {}
        batches: dict[Dialect, _Batch] = {}
        for dialect, seats in self.seats.items():
            if seats:
                batch = batches[dialect] = _Batch(posts, dialect)
                others = seats
                if parts:
                    others = seats.copy()
                    for seat in parts:
                        others.pop(seat, None)
                for data, notices in batch.whole():
                    self._push_all(others, data, notices)
        for seat, part in parts.items():
            batch = batches.get(seat.dialect) or batches.setdefault(seat.dialect, _Batch(posts, seat.dialect))
            batch.push_part(seat, part)


class _Batch:
    """A pass's events in one dialect: the bytes, and how many of them are notices."""

    __slots__ = ("_blob", "_edges", "_framed", "_noticed", "_notices", "_sends")

    def __init__(self, posts: Sequence[Remark], dialect: Dialect) -> None:
        self._framed = dialect.framed
        self._sends = [post.encoded(dialect) for post in posts]
        kinds = [post.is_notice for post in posts]
        self._notices: list[int] | None = None  # bytes of notices in each event; most passes have none at all
        if True in kinds:
            self._notices = [sum(map(len, sends)) * kind for sends, kind in zip(self._sends, kinds, strict=True)]
        self._blob = b"".join([data for sends in self._sends for data in sends]) if self._framed else b""
        self._edges: list[int] = []  # where each event begins in the blob, made for the first part of it
        self._noticed: list[int] = []  # bytes of notices before each event, likewise

    def whole(self) -> list[tuple[bytes, int]]:
        """All the sends, each with its bytes of notices; one send where the wire is framed."""
        if self._framed:
            return [(self._blob, sum(self._notices or ()))] if self._blob else []
        return self._apart(0, len(self._sends))

    def push_part(self, seat: Seat, part: _Part) -> None:
        """Push what of the events is for the seat, with its own bytes in between."""
        end = len(self._sends) if part.end is None else part.end
        if self._framed and len(self._blob) <= COPIED_BYTES and not self._notices:
            self._push_copy(seat, part, end)
            return
        start = part.start
        for index, copy, events in part.own:
            self._push_range(seat, start, index)
            for data in copy.sends:
                seat.push(data)
            start = index + events
        self._push_range(seat, start, end)

    def _push_copy(self, seat: Seat, part: _Part, end: int) -> None:
        """The usual case of `push_part`, a few words: they are copied sooner than several pushes are made."""
        if not self._edges:
            self._mark_edges()
        blob, edges, start = self._blob, self._edges, part.start
        pieces = []
        for index, copy, events in part.own:
            pieces.append(blob[edges[start] : edges[index]])
            pieces += copy.sends
            start = index + events
        pieces.append(blob[edges[start] : edges[end]])
        if data := b"".join(pieces):
            seat.push(data)

    def _push_range(self, seat: Seat, start: int, end: int) -> None:
        """Push the events from `start` on, up to but not with `end`: as a view where the wire is framed."""
        if not self._framed:
            for data, notices in self._apart(start, end):
                seat.push(data, notices)
            return
        if not self._edges:
            self._mark_edges()
        if self._edges[start] < self._edges[end]:
            blob = memoryview(self._blob)
            seat.push(blob[self._edges[start] : self._edges[end]], self._noticed[end] - self._noticed[start])

    def _mark_edges(self) -> None:
        self._edges = [0, *accumulate([sum(map(len, sends)) for sends in self._sends])]
        self._noticed = [0, *accumulate(self._notices or [0] * len(self._sends))]

    def _apart(self, start: int, end: int) -> list[tuple[bytes, int]]:
        """The sends of the events from `start` on, up to but not with `end`, each with its bytes of notices."""
        notices = self._notices
        return [
            (data, len(data) if notices and notices[event] else 0)
            for event in range(start, end)
            for data in self._sends[event]
        ]
