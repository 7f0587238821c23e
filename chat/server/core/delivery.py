"""From the events of a pass to bytes for each client: encoded once a dialect, joined once a room, sliced for the few.

The fan-out says which clients get which events.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, groupby
from operator import attrgetter
from typing import Protocol

from chat.events import Join, Kick, Leave, Quit, Rename
from chat.server.core.audience import Audience, Published
from chat.server.core.client import Client
from chat.server.core.stream import Piece, Stream
from chat.wires.wire import Dialect

JOINED_BYTES = 16_384  # of one client's stream, up to which its parts are copied into one bytes object
COPIED_BYTES = 4_096  # of a batch, up to which a copy costs less than a view; a thousand large copies are 100 MB
NOTICES_A_PASS = 5  # that are shown to a client of an unframed wire; the rest is merged
NOTICES = frozenset({Join, Leave, Quit, Kick, Rename})  # unframed wires may merge these


class Sink(Protocol):
    """Takes the bytes: one send for each client at the end of the pass."""

    def push(self, client: Client, data: bytes | memoryview, answers: int) -> None:
        """Queue bytes, of which `answers` are answers to the client's commands."""

    def push_all(self, clients: Iterable[Client], data: bytes) -> None:
        """Queue the same bytes for many."""

    def push_separately(self, client: Client, sends: Sequence[bytes], notice: bool) -> None:
        """Queue sends that must not be joined. `notice`: they may be merged with others."""

    def push_all_separately(self, clients: Iterable[Client], separate: "Separate") -> None:
        """As `push_separately`, the same sends for many."""


class Batch:
    """Events in one dialect, in the log's order."""

    __slots__ = ("_by_place", "_edges", "_indices", "_wrapped", "blob", "dialect", "published", "sends")

    def __init__(self, dialect: Dialect, published: Sequence[Published]) -> None:
        self.dialect = dialect
        self.published = published
        self.sends = [one.encoded(dialect) for one in published]
        self.blob = b"".join(chain.from_iterable(self.sends)) if dialect.framed else b""
        self._wrapped: bytes | None = None
        self._by_place: dict[int, bytes] | None = None  # made when first needed
        self._edges: list[int] = []  # the offset of each event in the blob; made for the first slice
        self._indices: list[int] = []  # each event's index in the pass; made when first needed

    def wrapped(self) -> bytes:
        """The blob as the dialect sends it, made once."""
        if self._wrapped is None:
            assert self.dialect.wrap is not None
            self._wrapped = self.dialect.wrap(self.blob)
        return self._wrapped

    def by_place(self) -> dict[int, bytes]:
        """Each event's bytes, by twice its index in the pass and one."""
        if self._by_place is None:
            self._by_place = {
                2 * one.index + 1: b"".join(sends) for one, sends in zip(self.published, self.sends, strict=True)
            }
        return self._by_place

    def place(self, position: int) -> int:
        """How many of these events come before that position in the pass."""
        if not self._indices:
            self._indices = [one.index for one in self.published]
        return bisect_left(self._indices, position)

    def holds(self, place: int, position: int) -> bool:
        """Whether the event at `place` is the one at that position in the pass."""
        return place < len(self.published) and self.published[place].index == position

    def slice(self, first: int, end: int) -> bytes | memoryview:
        """The bytes of the events in [first, end); a memoryview where they are many."""
        if not self._edges:
            self._edges = [0, *accumulate([sum(map(len, sends)) for sends in self.sends])]
        low, high = self._edges[first], self._edges[end]
        return self.blob[low:high] if high - low <= COPIED_BYTES else memoryview(self.blob)[low:high]


class Separate:
    """A pass's sends that must not be joined. Of many notices the first few are shown, the others counted."""

    __slots__ = ("all_notices", "all_words", "first", "notices", "words")

    def __init__(self, batch: Batch) -> None:
        self.first: list[tuple[bytes, bool]] = []  # up to the last notice that is shown; True for a notice
        self.words: list[bytes] = []  # behind these
        self.notices = 0  # behind these
        self.all_words: list[bytes] = []
        self.all_notices = 0
        for one, sends in zip(batch.published, batch.sends, strict=True):
            notice = type(one.event) in NOTICES
            for data in sends:
                self.all_notices += notice
                if not notice:
                    self.all_words.append(data)
                if self.all_notices < NOTICES_A_PASS or (notice and self.all_notices == NOTICES_A_PASS):
                    self.first.append((data, notice))
                elif notice:
                    self.notices += 1
                else:
                    self.words.append(data)


class Delivery:
    """The bytes of one pass for its clients."""

    __slots__ = ("_sink", "batches", "joined")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.batches: dict[tuple[Dialect, Audience], Batch] = {}  # these two are to be empty when a pass begins
        self.joined: dict[tuple[Dialect, frozenset[Audience]], bytes] = {}  # for the members of several rooms

    def push_room(self, audience: Audience, apart: set[Client]) -> None:
        """Push a room's events to its members, but for those `apart`, which get a part of their own."""
        for dialect, members in audience.members.items():
            others = members.keys() & apart if apart else ()
            if len(others) < len(members):
                if others:
                    members = members.copy()
                    for client in others:
                        del members[client]
                self._push_whole(members, self._batch(dialect, audience))

    def push_several(self, client: Client, audiences: set[Audience]) -> None:
        """Push the events of several rooms to a member of all of them. Members of the same ones get the same bytes."""
        if not client.dialect.framed:
            self._sink.push_all_separately((client,), Separate(_windowed(client.dialect, audiences, WHOLE)))
            return
        key = (client.dialect, frozenset(audiences))
        data = self.joined.get(key)
        if data is None:
            merged = self._merged(client.dialect, audiences)
            data = self.joined[key] = b"".join([merged[place] for place in sorted(merged)])
        if data:
            if client.dialect.wrap is not None:
                data = client.dialect.wrap(data)
            self._sink.push(client, data, 0)

    def _push_whole(self, clients: Iterable[Client], batch: Batch) -> None:
        if batch.dialect.framed:
            if batch.blob:
                self._sink.push_all(clients, batch.blob if batch.dialect.wrap is None else batch.wrapped())
            return
        self._sink.push_all_separately(clients, Separate(batch))

    def _push_separately(self, client: Client, batch: Batch, first: int, end: int) -> None:
        for place in range(first, end):
            if batch.sends[place]:
                self._sink.push_separately(client, batch.sends[place], type(batch.published[place].event) in NOTICES)

    def push_stream(self, client: Client, active: set[Audience], alone: bool = False) -> None:
        """Push a client's part: its rooms' events, with the pieces of its stream in their places.

        `alone`: before the end of the pass, when nobody else gets the same bytes.
        """
        stream, client.stream = client.stream, None
        assert stream is not None
        if client.reply is not None:
            client.reply.open_batch()  # its command continues in another pass
        audiences = active | stream.windows.keys() if stream.windows else active
        if not audiences:
            self._push_pieces(client, stream.pieces)
            return
        if len(audiences) > 1 and not (alone or stream.start or stream.windows) and client.dialect.framed:
            self._push_merged(client, audiences, stream.pieces)
            return
        first, end = stream.start, -1
        if len(audiences) == 1 and not alone:
            (audience,) = audiences
            batch = self._batch(client.dialect, audience)
            if stream.windows:
                first, end = stream.windows[audience]
        else:
            batch = _windowed(client.dialect, audiences, stream)
        low = batch.place(first) if first else 0
        high = batch.place(end) if end >= 0 else len(batch.sends)
        if client.dialect.framed:
            self._push_between(client, batch, stream.pieces, low, high)
        else:
            self._push_separately_between(client, batch, stream.pieces, low, high)

    def _push_pieces(self, client: Client, pieces: Sequence[Piece]) -> None:
        """Push pieces that stand among no events."""
        if not client.dialect.framed:
            for piece in pieces:
                if piece.sends:
                    self._sink.push_separately(client, piece.sends, False)
            return
        data = b"".join([data for piece in pieces for data in piece.sends])
        if data:
            answers = sum([len(data) for piece in pieces if piece.answer for data in piece.sends])
            if client.dialect.wrap is not None:
                data, answers = _wrapped(client, data, answers)
            self._sink.push(client, data, answers)

    def _push_between(self, client: Client, batch: Batch, pieces: Sequence[Piece], first: int, end: int) -> None:
        """Push the events in [first, end), with the pieces in their places."""
        parts: list[bytes | memoryview] = []
        answers = 0
        for piece in pieces:
            place = batch.place(piece.position)
            if place > end:
                place = end
            if place > first:
                parts.append(batch.slice(first, place))
                first = place
            if piece.sends:
                parts += piece.sends
                if piece.answer:
                    answers += sum(map(len, piece.sends))
            if piece.replaces and first == place and batch.holds(place, piece.position):
                first += 1
        if first < end:
            parts.append(batch.slice(first, end))
        if parts:
            self._push_parts(client, parts, answers)

    def _push_parts(self, client: Client, parts: Sequence[bytes | memoryview], answers: int) -> None:
        """Push the parts, copied into one where they are few bytes; of many, neighbours that are no views."""
        if sum(map(len, parts)) <= JOINED_BYTES:
            parts = (b"".join(parts),)
        else:
            runs = groupby(parts, type)
            parts = list(chain.from_iterable(run if kind is memoryview else (b"".join(run),) for kind, run in runs))
        for part in parts:
            if part:
                asked = min(answers, len(part))
                answers -= asked
                if client.dialect.wrap is not None:
                    part, asked = _wrapped(client, part, asked)
                self._sink.push(client, part, asked)

    def _push_separately_between(
        self, client: Client, batch: Batch, pieces: Sequence[Piece], first: int, end: int
    ) -> None:
        """As `_push_between`, each send separately."""
        for piece in pieces:
            place = max(first, min(batch.place(piece.position), end))
            self._push_separately(client, batch, first, place)
            if piece.sends:
                self._sink.push_separately(client, piece.sends, False)
            first = place + 1 if piece.replaces and batch.holds(place, piece.position) else place
        self._push_separately(client, batch, first, end)

    def _push_merged(self, client: Client, audiences: set[Audience], pieces: Sequence[Piece]) -> None:
        """Push the events of several rooms whole, with the pieces in their places."""
        merged = self._merged(client.dialect, audiences)
        answers = 0
        for piece in pieces:
            data = b"".join(piece.sends)
            place = 2 * piece.position
            if piece.replaces:
                merged[place + 1] = data
            else:
                merged[place] = merged.get(place, b"") + data
            if piece.answer:
                answers += len(data)
        if data := b"".join([merged[place] for place in sorted(merged)]):
            if client.dialect.wrap is not None:
                data, answers = _wrapped(client, data, answers)
            self._sink.push(client, data, answers)

    def _merged(self, dialect: Dialect, audiences: Iterable[Audience]) -> dict[int, bytes]:
        """The rooms' events by their places: odd ones, so that there are places between them."""
        merged: dict[int, bytes] = {}
        for audience in audiences:
            merged.update(self._batch(dialect, audience).by_place())
        return merged

    def _batch(self, dialect: Dialect, audience: Audience) -> Batch:
        """The room's events in one dialect, made once."""
        key = (dialect, audience)
        batch = self.batches.get(key)
        if batch is None:
            batch = self.batches[key] = Batch(dialect, audience.events)
        return batch


def _wrapped(client: Client, data: bytes | memoryview, answers: int) -> tuple[bytes, int]:
    """A client's lines as its dialect sends them, and how many of the bytes are answers."""
    assert client.dialect.wrap is not None
    wrapped = client.dialect.wrap(data)
    return wrapped, len(wrapped) if answers == len(data) else answers


_index = attrgetter("index")


def _windowed(dialect: Dialect, audiences: Iterable[Audience], stream: Stream) -> Batch:
    """The rooms' events within the stream's windows."""
    merged = {}
    for audience in audiences:
        first, end = stream.windows.get(audience, (stream.start, -1))
        events = audience.events
        low = bisect_left(events, first, key=_index)
        high = bisect_left(events, end, low, key=_index) if end >= 0 else len(events)
        for one in events[low:high]:
            merged[one.index] = one
    return Batch(dialect, [merged[index] for index in sorted(merged)])


WHOLE = Stream()  # of a client that joined and left nothing in the pass
