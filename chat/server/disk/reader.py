"""The thread that reads the log's file for those who ask for history. The loop never waits for it."""

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from chat.errors import WireError
from chat.server.disk.file import connect, ids_of_room, remedy
from chat.server.log.entry import Entry
from chat.server.log.ids import time_of
from chat.server.log.log import Post
from chat.server.log.query import Answered, Query, Show, TalksQuery
from chat.wires.message import parse

log = logging.getLogger(__name__)

Task = Callable[[sqlite3.Connection], None]


class Reader:
    """Any thread may call `ask`; `start` and `close` are the loop's."""

    def __init__(self, place: Path | str) -> None:
        """`place` as `connect` takes it."""
        self._place = place
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="history reader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self, patience: float) -> None:
        self._tasks.put(None)
        if self._thread.ident is not None:
            self._thread.join(patience)

    def ask(self, queries: Sequence[Query | TalksQuery], show: Show, answered: Answered, post: Post) -> None:
        self._tasks.put(partial(_answer, queries, show, answered, post))

    def _run(self) -> None:
        connection = connect(self._place, read_only=True)
        try:
            while (task := self._tasks.get()) is not None:
                task(connection)
        finally:
            connection.close()


def _answer(
    queries: Sequence[Query | TalksQuery], show: Show, answered: Answered, post: Post, connection: sqlite3.Connection
) -> None:
    try:
        found = {entry.id: entry for query in queries for entry in select(connection, query)}
        lines = show([found[number] for number in sorted(found)])
    except sqlite3.Error as error:  # others may ask all the same: most of the file may be well
        log.error("a question to the history has no answer: %s; %s", error, remedy(error))
        post(partial(answered, None))
        return
    except Exception:  # ours
        log.exception("a question to the history has no answer")
        post(partial(answered, None))
        return
    post(partial(answered, lines))


def select(connection: sqlite3.Connection, query: Query | TalksQuery) -> list[Entry]:
    """The entries of one query. One row holds them all: under load each further one would wait for the interpreter."""
    if isinstance(query, TalksQuery):
        return _select_talks(connection, query)
    ((text,),) = connection.execute(
        "SELECT json_group_array(json_array(id, node, user, line))"
        f" FROM ({ids_of_room(not query.everything, query.newest)} LIMIT :limit) JOIN entry USING (id)",
        {"room": query.room, "after": query.after, "before": query.before, "limit": query.limit},
    ).fetchall()
    entries = []
    for number, node, user, line in json.loads(text):
        with suppress(WireError):  # somebody has edited the file
            entries.append(Entry(number, time_of(number), node, user, parse(line)))
    return entries


# The partners are found one after the other, each by a look into the index; the entries between are not read.
_TALKS = """
    WITH RECURSIVE talk(room) AS (
        SELECT min(room) FROM place WHERE room > ?1 || ' ' AND room < ?1 || '!'
        UNION ALL
        SELECT (SELECT min(room) FROM place WHERE room > talk.room AND room < ?1 || '!') FROM talk
        WHERE talk.room IS NOT NULL
    ), newest(room, id) AS (
        SELECT room, (SELECT max(id) FROM place WHERE place.room = talk.room AND said = 0 AND id > ?2 AND id < ?3)
        FROM talk WHERE room IS NOT NULL
    )
    SELECT json_group_array(json_array(id, node, user, line, room)) FROM (
        SELECT id, node, user, line, room FROM newest JOIN entry USING (id) ORDER BY id {} LIMIT ?4
    )
"""


def _select_talks(connection: sqlite3.Connection, query: TalksQuery) -> list[Entry]:
    values = (query.account, query.after, query.before, query.limit)
    ((text,),) = connection.execute(_TALKS.format("DESC" if query.newest else ""), values).fetchall()
    entries = []
    for number, node, user, line, room in json.loads(text):
        with suppress(WireError):
            entry = Entry(number, time_of(number), node, user, parse(line))
            entry.rooms = (room,)
            entries.append(entry)
    return entries
