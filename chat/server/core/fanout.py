"""Fan-out: which client gets which events, in the log's order. `delivery.py` makes the bytes.

A pass is a slice of the log. Each client gets its part of that slice in order, whatever rooms the events belong to,
with the answers to its own commands in their places. An event is encoded once for each dialect. A room's events are
joined into one blob, and every member that is in no other room with events gets the same bytes object; members of the
same several rooms share a blob too. The few clients with a stream of their own (the speaker, clients that join, leave
or get an answer) get slices of the blob.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter

from chat.events import (
    Away,
    Event,
    Invite,
    Join,
    Kick,
    Leave,
    Login,
    Mode,
    NewRealname,
    Quit,
    Rename,
    Say,
    Topic,
    Wallops,
)
from chat.server.core.audience import Audience, Published, in_several
from chat.server.core.change import Change
from chat.server.core.client import Client
from chat.server.core.delivery import Delivery, Sink
from chat.server.core.room import User
from chat.server.core.stream import Piece, Stream
from chat.wires.wire import Dialect

DEPARTURES = frozenset({Leave, Kick, Quit})  # the user's last event in the rooms
# Whether users get their own event, by dialect. A message is for each client to choose (echo-message).
SEES_OWN: dict[type, Callable[[Dialect], bool]] = {
    Join: lambda dialect: dialect.sees_own_join,
    Leave: lambda dialect: dialect.numerics,
    Rename: lambda dialect: dialect.numerics,
    Kick: lambda dialect: True,
    Topic: lambda dialect: True,
    Mode: lambda dialect: True,
    NewRealname: lambda dialect: True,
    Login: lambda dialect: True,
    Wallops: lambda dialect: True,
    Away: lambda dialect: False,
    Invite: lambda dialect: False,
    Quit: lambda dialect: False,
}
KEY = attrgetter("key")  # of a room


class FanOut:
    """The loop's thread only. `show` takes a change, `answer` bytes for one client; `flush` ends the pass."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._delivery = Delivery(sink)
        self.clients: dict[User, Client] = {}  # of the users of this node
        self._audiences: dict[str, Audience] = {}
        self._published = 0  # events of this pass
        self.monitored = 0  # nicknames that the clients watch, counted for each client
        self.answered = 0  # bytes of answers in this pass
        self.messages = 0  # since the start, as are the deliveries
        self.deliveries = 0  # messages times receivers; a receiver who comes or goes in the pass counts as a whole one
        self._touched: dict[Audience, None] = {}
        self._streams: dict[Client, None] = {}  # the clients that have a stream of their own

    # Membership

    def listen(self, client: Client, key: str) -> None:
        """Send a client the room's events from here on, though its user has not joined."""
        audience = self._audience(key)
        if audience not in client.audiences:
            audience.add(client)
            if audience.events:
                self._stream(client).windows[audience] = [self._published, -1]

    def listeners(self, key: str) -> list[Client]:
        """The clients that get the room's events and are nobody yet."""
        audience = self._audiences.get(key)
        members = audience.members.items() if audience is not None else ()
        return [client for dialect, its in members if not dialect.numerics for client in its if client.user is None]

    def stop_listening(self, client: Client, key: str) -> None:
        """Send the client no later event of the room."""
        audience = self._audiences.get(key)
        if audience is not None and audience in client.audiences:
            self.settle(client)
            self._part(client, audience)

    def change_dialect(self, client: Client, dialect: Dialect) -> None:
        """Send the client events in another dialect from here on."""
        self.settle(client)
        audiences = list(client.audiences)
        for audience in audiences:
            audience.remove(client)
        client.dialect = dialect
        for audience in audiences:
            audience.add(client)

    def forget(self, client: Client) -> None:
        """The client's connection is closed."""
        if client.monitored:
            self.monitored -= len(client.monitored)
            client.monitored = None
        for audience in list(client.audiences):
            self._part(client, audience)
        client.stream = Stream()  # nothing of it is ever pushed
        self._streams.pop(client, None)

    def size(self, key: str) -> int:
        """How many clients of this node get the room's events."""
        audience = self._audiences.get(key)
        return sum(map(len, audience.members.values())) if audience is not None else 0

    # Events

    def show(self, change: Change, also: str = "") -> None:
        """Send the event to the clients of this node that are concerned, and to those that listen at `also`."""
        kind = type(change.event)
        if kind is Say:
            self._show_message(change)
            return
        client = self.clients.get(change.user)
        whom = self.clients.get(change.whom) if change.whom is not None else None
        if kind is Join and client is not None:
            self._prepare_arrival(client, change)
        published = self._publish(change.event, *map(KEY, change.rooms), also)
        if kind is Join and client is not None:
            self._arrive(client, change, published)
        elif kind is Invite and whom is not None:
            self._direct(whom, published, False)
        elif change.among:
            self._among(change, published)
        if client is not None:
            sees_own = SEES_OWN[kind](client.dialect) and not (kind is Mode and whom is client)
            self._own(client, published, sees_own, change)
        if kind in DEPARTURES:
            gone = whom if kind is Kick else client
            if gone is not None:
                self._depart(gone, change)

    def _show_message(self, change: Change) -> None:
        """The commonest event, by the shortest way."""
        published = Published(change.event, self._published)
        self._published += 1
        self.messages += 1
        for room in change.rooms:
            audience = self._audiences.get(room.key)
            if audience is not None:
                audience.events.append(published)
                audience.messages += 1
                self._touched[audience] = None
        if change.whom is not None:
            if (whom := self.clients.get(change.whom)) is not None:
                self.deliveries += 1
                self._direct(whom, published, False)
        elif change.among:
            self._among(change, published)
        client = self.clients.get(change.user)
        if client is not None:
            self._own(client, published, client.echoes, change)
            if change.rooms and not client.echoes:
                self.deliveries -= 1  # of those that `flush` counts

    def publish(self, event: Event, key: str, but: Client | None = None) -> None:
        """Send an event to the clients that listen there, with one exception."""
        published = self._publish(event, key)
        if but is not None:
            self._stream(but).pieces.append(Piece(published.index, (), True, False))

    def tell(self, client: Client, data: bytes) -> None:
        """Send one client a line that it has not asked for, behind the events so far."""
        self._stream(client).pieces.append(Piece(self._published, (data,), False, False))

    def answer(self, client: Client, sends: Sequence[bytes]) -> None:
        """Send an answer to a client, behind the events so far."""
        self.answered += sum(map(len, sends))
        piece = Piece(self._published, sends, False, True)
        self._stream(client).pieces.append(piece)
        if client.reply is not None:
            client.reply.add(piece)

    def _among(self, change: Change, published: Published) -> None:
        """To some of a room's members."""
        for user in change.among:
            client = self.clients.get(user)
            if client is not None and user is not change.user:
                self._direct(client, published, False)

    def _prepare_arrival(self, client: Client, change: Change) -> None:
        (room,) = change.rooms
        audience = self._audience(room.key)
        if client.stream is not None and audience in client.stream.windows:
            self.settle(client)  # it left within this pass

    def _arrive(self, client: Client, change: Change, published: Published) -> None:
        """The client gets the room's events from its own join on."""
        (room,) = change.rooms
        audience = self._audience(room.key)
        if audience not in client.audiences and client.left is None:  # it may have listened before
            audience.add(client)
            self._stream(client).windows[audience] = [published.index, -1]

    def _publish(self, event: Event, *keys: str) -> Published:
        """Give the event its place in the pass, and add it to those that are shown there, if anybody listens."""
        published = Published(event, self._published)
        self._published += 1
        for key in keys:
            audience = self._audiences.get(key)
            if audience is not None:
                audience.events.append(published)
                self._touched[audience] = None
        return published

    def _own(self, client: Client, published: Published, sees_own: bool, change: Change) -> None:
        """The client's own event: it gets none, a labelled copy, or the same bytes as everybody."""
        if not sees_own:
            stream = client.stream or self._stream(client)
            stream.pieces.append(Piece(published.index, (), True, False))
        elif client.reply is not None or not self._is_among(client, change):
            self._direct(client, published, True)

    def _direct(self, client: Client, published: Published, own: bool) -> None:
        """Send an event to one client, in place of the copy from its rooms, if there is one."""
        piece = Piece(published.index, published.encoded(client.dialect), True, own and client.reply is not None)
        self._stream(client).pieces.append(piece)
        if own and client.reply is not None:
            client.reply.add(piece)

    def _is_among(self, client: Client, change: Change) -> bool:
        """Whether the client gets the event from one of the rooms."""
        return any(self._audiences.get(room.key) in client.audiences for room in change.rooms)

    def _depart(self, client: Client, change: Change) -> None:
        """The event just published is the client's last one from these rooms."""
        for room in change.rooms:
            audience = self._audiences.get(room.key)
            if audience is not None and audience in client.audiences:
                stream = self._stream(client)
                window = stream.windows.get(audience)
                if window is None:
                    stream.windows[audience] = [stream.start, self._published]
                else:
                    window[1] = self._published
                self._part(client, audience)

    def _part(self, client: Client, audience: Audience) -> None:
        audience.remove(client)
        if not audience.members and not audience.events:
            del self._audiences[audience.key]

    def _audience(self, key: str) -> Audience:
        audience = self._audiences.get(key)
        if audience is None:
            audience = self._audiences[key] = Audience(key)
        return audience

    def _stream(self, client: Client) -> Stream:
        stream = client.stream
        if stream is None:
            stream = client.stream = Stream()
            self._streams[client] = None
        return stream

    # From events to bytes

    def flush(self) -> None:
        """Push each client's part of the pass."""
        if not self._touched and not self._streams:
            self._published = 0
            return
        self.answered = 0
        touched, streams = self._touched, self._streams
        self._touched, self._streams, self._published = {}, {}, 0
        delivery = self._delivery
        delivery.batches, delivery.joined = {}, {}
        for client in streams:
            delivery.push_stream(client, touched.keys() & client.audiences)
        several = in_several(touched) if len(touched) > 1 else set()
        apart = several.union(streams)
        for audience in touched:
            delivery.push_room(audience, apart)
        for client in several.difference(streams):
            delivery.push_several(client, touched.keys() & client.audiences)
        for audience in touched:
            if audience.messages:
                self.deliveries += audience.messages * sum(map(len, audience.members.values()))
                audience.messages = 0
            audience.events = []
            if not audience.members:
                self._audiences.pop(audience.key, None)

    def settle(self, client: Client) -> None:
        """Push the client's part of the pass so far; for this client the pass begins again here."""
        active = self._touched.keys() & client.audiences
        if active or client.stream is not None:
            self._stream(client)
            self._delivery.push_stream(client, active, alone=True)
            self._stream(client).start = self._published
            self._streams[client] = None
