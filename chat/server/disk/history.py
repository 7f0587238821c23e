"""The histories in a log's file: which of them show an entry, and what they answer."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from chat.server.core.state import State
from chat.server.disk.reader import Reader
from chat.server.disk.writer import Writer
from chat.server.log.entry import Entry
from chat.server.log.log import Post
from chat.server.log.query import Answered, Query, Show, TalksQuery
from chat.settings import Settings
from chat.wires.message import Message
from chat.wires.names import fold

EPHEMERAL = "E"  # the mode of a room that keeps nothing

# What `keep` calls the requests that rooms show; the others change only the state, or nothing that outlives a user.
SHOWN = {
    "PRIVMSG": "words",
    "NOTICE": "words",
    "TOPIC": "topics",
    "MODE": "modes",
    "JOIN": "joins",
    "PART": "joins",
    "QUIT": "joins",
    "KICK": "joins",
    "NICK": "joins",
    "GHOST": "joins",
    "KILL": "joins",
}
WORDS = frozenset({"PRIVMSG", "NOTICE"})


class FileHistory:
    """The loop's thread only. A thread of its own reads; the owner has the writer write what is shown."""

    def __init__(self, settings: Settings, place: Path | str, writer: Writer, newest: int) -> None:
        """`place` as the file's `connect` takes it."""
        self.newest = newest  # the id of the newest entry that was applied, and not refused
        self.state: State  # behind that entry
        self._keep = frozenset(settings.keep.split(","))
        self._keeps_words = "words" in self._keep
        self._writer = writer
        self._reader = Reader(place)
        self._post: Post

    def start(self, post: Post) -> None:
        self._post = post
        self._reader.start()

    def close(self, patience: float) -> None:
        self._reader.close(patience)

    def ask(self, queries: Sequence[Query | TalksQuery], show: Show, answered: Answered) -> None:
        """The reader sees all that was said before the question, since the writer passes it on behind that."""
        ask = partial(self._reader.ask, queries, show, answered, self._post)
        if self._writer.error:
            ask()
        else:
            self._writer.put(ask)
            self._writer.hurry()

    def shown_in(self, entry: Entry) -> Sequence[str]:
        """The histories that show an entry that was just applied: folded rooms, or two accounts' own.

        Private words are there for both sides, since both have accounts. Others leave no trace.
        """
        verb = entry.request.verb
        if verb in WORDS:
            rooms = entry.rooms  # one room, in which somebody is, or two accounts' own
            if not rooms or not self._keeps_words:
                return ()
            return () if rooms[0][0] == "#" and EPHEMERAL in self.state.rooms[rooms[0]].modes else rooms
        if SHOWN.get(verb, "") not in self._keep:
            return ()
        return [room for room in rooms_told(entry) if self._is_kept_in(room)]

    def may_show(self, request: Message) -> bool:
        """Whether words would be shown if they came now."""
        if not self._keeps_words:
            return False
        target = request.params[0]
        if target[0] == "#":
            return self._is_kept_in(fold(target))
        speaker, whom = self.state.find_user(request.nick), self.state.find_user(target)
        return bool(speaker is not None and speaker.account and whom is not None and whom.account)

    def _is_kept_in(self, key: str) -> bool:
        room = self.state.rooms.get(key) or self.state.remembered.get(key)
        return room is not None and EPHEMERAL not in room.modes


def rooms_told(entry: Entry) -> Sequence[str]:
    """The folded names of the rooms that show an entry, once it has been applied."""
    rooms: Sequence[str] | None = getattr(entry, "rooms", None)
    if rooms is not None:
        return rooms
    params = entry.request.params  # the request names it
    return (fold(params[0]),) if params and params[0].startswith("#") else ()
