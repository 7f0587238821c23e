"""The part of one room whose connections one worker owns, and what they are to be sent in this pass.

The owner's thread only. A pass's events are joined into one blob for each dialect, and the same blob goes to every
seat, whatever their number. The few seats that do not get all of it (who came or left within the pass, who does not
hear their own words) get slices of the blob: nothing is encoded or copied for them either.
"""

from collections.abc import Sequence
from itertools import accumulate

from chat.server.posts import Copy, Remark, Seat
from chat.wires.wire import Dialect


class _Part:
    """What of the pass's events one seat gets: from `start` to `end`, with bytes of its own in between."""

    __slots__ = ("end", "own", "start")

    def __init__(self, start: int = 0) -> None:
        self.start = start
        self.end: int | None = None
        self.own: list[tuple[int, Copy, int]] = []  # before which event, what, and how many events it stands for


class Audience:
    __slots__ = ("_parts", "_posts", "seats")

    def __init__(self) -> None:
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
        if post.copy is not None and post.seat in self:
            self._part(post.seat).own.append((len(self._posts), post.copy, 1))
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
        for dialect, seats in self.seats.items():
            pushes = _joined(dialect, [post.encoded(dialect) for post in posts]) if seats else ()
            for data in pushes:
                for seat in seats:
                    if seat not in parts:
                        seat.push(data)
        if parts:
            _push_parts(posts, parts)


def _joined(dialect: Dialect, sends: Sequence[tuple[bytes, ...]]) -> list[bytes]:
    """All the sends; as one where the wire is framed."""
    flat = [data for event in sends for data in event]
    return [b"".join(flat)] if dialect.framed and flat else flat


def _push_parts(posts: Sequence[Remark], parts: dict[Seat, _Part]) -> None:
    """Push to the seats that do not get everything."""
    by_dialect: dict[Dialect, tuple[list[tuple[bytes, ...]], memoryview, list[int]]] = {}
    for seat, part in parts.items():
        dialect = seat.dialect
        made = by_dialect.get(dialect)
        if made is None:
            sends = [post.encoded(dialect) for post in posts]
            blob = memoryview(b"".join(_joined(dialect, sends)))
            edges = [0, *accumulate(sum(map(len, event)) for event in sends)]
            made = by_dialect[dialect] = (sends, blob, edges)
        sends, blob, edges = made
        start, end = part.start, len(posts) if part.end is None else part.end
        for index, copy, events in part.own:
            _push_range(seat, sends, blob, edges, start, index)
            for data in copy.sends:
                seat.push(data)
            start = index + events
        _push_range(seat, sends, blob, edges, start, end)


def _push_range(
    seat: Seat, sends: Sequence[tuple[bytes, ...]], blob: memoryview, edges: Sequence[int], start: int, end: int
) -> None:
    if seat.dialect.framed:
        if edges[start] < edges[end]:
            seat.push(blob[edges[start] : edges[end]])
    else:
        for event in sends[start:end]:
            for data in event:
                seat.push(data)
