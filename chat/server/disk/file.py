"""The log's file: one SQLite database in WAL mode, with a format number, for one server at a time.

`entry` holds what happened, as the line that asked for it; `place` says in which rooms' histories it is shown. Entries
without a place carry only the state, and go when a snapshot has taken them in.
"""

import fcntl
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from chat.errors import SetupError
from chat.paths import make_folder

# "Fanf" and "Fanh": what SQLite's header and file(1) know a log by, and the history that a node of a shared log keeps.
# Such a history is of the same format; it holds no state, but says in place of the snapshot which log it is of.
APPLICATION_ID, HISTORY_ID = 0x46616E66, 0x46616E68
KINDS = {APPLICATION_ID: "log of Fanfare", HISTORY_ID: "history of a shared log"}
NEWEST = (1 << 63) - 1  # as an id
CHECKED_BYTES = 16_777_216  # up to which a file is read whole at the start, to find damage; it takes 50 ms
REMEDIES = {  # what helps against the faults whose text has one of these words
    "make room on its disk": ("is full", "No space", "quota"),
    "let the server's user write the file and its folder": ("readonly", "Read-only", "denied", "unable to open"),
    "end the other program that works on it": ("locked",),
    "put it back, or start the server again with a new one": ("was removed",),
}
ROOM = 131_072  # bytes that a group of entries may take, with their places
CHECKPOINT = 4_000  # pages in the WAL, 16 MB: the commit that moves them into the file takes up to 30 ms
PATIENCE = 5.0  # s that a write waits for another process, `fanfare admin`, to end its own

FORMATS = (
    """
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY,  -- the msgid, which clients see in hexadecimal
        at TEXT NOT NULL,        -- seconds since the epoch, as Python writes them: exact
        node TEXT NOT NULL,
        said INTEGER NOT NULL,   -- 1 for PRIVMSG and NOTICE
        line TEXT NOT NULL
    );
    CREATE TABLE place (
        room TEXT NOT NULL,      -- folded; "ana bea": what ana's history shows of private words with bea
        id INTEGER NOT NULL,
        said INTEGER NOT NULL,   -- 1 for words in a room
        PRIMARY KEY (room, id)
    ) WITHOUT ROWID;
    CREATE INDEX said_in ON place (room, id) WHERE said;
    CREATE INDEX place_of ON place (id) WHERE NOT said;
    CREATE TABLE snapshot (id INTEGER PRIMARY KEY, state TEXT NOT NULL);
    CREATE TABLE last (one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL, at TEXT NOT NULL);
    INSERT INTO last VALUES (1, 0, '0.0');
    """,
    "DROP INDEX said_in;",  # it cost a message 2 µs
    # A room's words stand apart from what else happened there: a question for words alone passes over no joins.
    """
    CREATE TABLE placed (room TEXT NOT NULL, said INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (room, said, id))
        WITHOUT ROWID;
    INSERT INTO placed SELECT room, said, id FROM place ORDER BY room, said, id;
    DROP TABLE place;
    ALTER TABLE placed RENAME TO place;
    CREATE INDEX place_of ON place (id) WHERE NOT said;
    """,
    # Who asks is known by the entry that brought the user in, and not by a nickname; -1: by that, in older entries.
    "ALTER TABLE entry ADD COLUMN user INTEGER NOT NULL DEFAULT -1;",
    # An id has its time: to write it as text too cost a message 1 µs.
    """
    ALTER TABLE entry DROP COLUMN at;
    ALTER TABLE last DROP COLUMN at;
    """,
)  # the n-th makes format n of format n - 1


def is_word(room: str, said: bool) -> bool:
    """Whether the entry is shown there as words of a room. Private words are not: they are read whole."""
    return said and room[0] == "#"


def ids_of_room(words: bool, newest: bool) -> str:
    """The query for ids of a room's entries: `:room`, more than `:after`, less than `:before`. A LIMIT may follow.

    The words and the others are each in the order of ids already, so that SQLite merges them, and sorts nothing.
    """
    kinds = (1,) if words else (0, 1)
    query = "SELECT id FROM place WHERE room = :room AND said = {} AND id > :after AND id < :before"
    return f"{' UNION ALL '.join(map(query.format, kinds))} ORDER BY id{' DESC' if newest else ''}"


class Lock:
    """Only one server has a file. The lock is a file beside it: SQLite's own locks end when anybody closes it."""

    def __init__(self, path: Path) -> None:
        """Raises SetupError when another server has it."""
        self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise SetupError(
                f"{path} is in use by another server, process {holder}: stop that one, or name another file"
            ) from None
        os.truncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)


def is_served(path: Path) -> bool:
    """A server has the file now."""
    try:
        lock = os.open(f"{path}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def open_log(path: Path, kind: int = APPLICATION_ID) -> tuple[sqlite3.Connection, Lock]:
    """Open the file for writing, or make it. Raises SetupError with one clear line."""
    make_folder(path.parent)
    try:
        lock = Lock(path)
    except OSError as error:
        raise SetupError(explain(path, error)) from None
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # what is said is the owner's to read
        connection = connect(path)
    except (OSError, sqlite3.Error) as error:
        lock.release()
        raise SetupError(explain(path, error)) from None
    try:
        _prepare(connection, path, kind)
        _check(connection, path)
    except sqlite3.Error as error:
        connection.close()
        lock.release()
        raise SetupError(explain(path, error)) from None
    except SetupError:
        connection.close()
        lock.release()
        raise
    return connection, lock


def open_in_memory(name: str, kind: int) -> sqlite3.Connection:
    """A new database that all threads of this process may open by its name. Raises SetupError."""
    try:
        connection = connect(name)
        _prepare(connection, name, kind)
    except sqlite3.Error as error:
        raise SetupError(f"no log can be kept in memory by SQLite {sqlite3.sqlite_version}: {error}") from None
    return connection


def connect(place: Path | str, read_only: bool = False) -> sqlite3.Connection:
    """A connection for one thread at a time, to a file or a database in memory. Transactions are the caller's."""
    mode = "ro" if read_only else "rw"
    sealed = read_only and isinstance(place, Path) and not os.access(place.parent, os.W_OK)
    if sealed and not Path(f"{place}-wal").exists():
        mode += "&immutable=1"  # nobody writes it, and SQLite makes no file beside it
    uri = f"file:/{place}?vfs=memdb" if isinstance(place, str) else f"{place.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, PATIENCE, isolation_level=None, check_same_thread=False, uri=True)
    try:
        connection.execute("PRAGMA cache_size = -32768")  # 32 MiB, where 2 are the default
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
        connection.execute("PRAGMA temp_store = MEMORY")  # there may be no other place to write to
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def inode(path: str) -> tuple[int, int] | None:
    """What tells the file of this path from another one. None: there is none."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def has_room(path: str) -> bool:
    """Whether the file's disk takes as much as a group of entries."""
    try:
        with TemporaryFile(dir=os.path.dirname(path)) as probe:
            os.posix_fallocate(probe.fileno(), 0, ROOM)
    except OSError:
        return False
    return True


def _prepare(connection: sqlite3.Connection, path: Path | str, kind: int) -> None:
    """Bring the file to the newest format, and see that it can be written."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (format_,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != kind:
        found = f"a {KINDS[application]}" if application in KINDS else "another program's database"
        raise SetupError(f"{path} is no {KINDS[kind]}: it is {found}; name another file")
    if format_ > len(FORMATS):
        raise SetupError(
            f"the log {path} was written by a newer Fanfare: its format is {format_}, this one knows {len(FORMATS)};"
            " serve it with that version, or name another file"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for number in range(format_, len(FORMATS)):
        for statement in _statements(FORMATS[number]):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {kind}")
    connection.execute(f"PRAGMA user_version = {len(FORMATS)}")
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size <= CHECKED_BYTES:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)


def _statements(script: str) -> list[str]:
    """One by one, since `executescript` would commit before each format is whole."""
    statements, text = [], ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            statements.append(text)
            text = ""
    return statements


def explain(path: Path, error: OSError | sqlite3.Error) -> str:
    """The file's fault, and what helps, in one line for the operator."""
    with suppress(PermissionError):
        if path.is_dir():
            return f"the log {path} cannot be opened: it is a folder; name a file"
    text, what = _text(error), "cannot be opened"
    if "readonly" in text:
        text, what = "the file is read-only", "cannot be written"
    elif not isinstance(error, OSError | sqlite3.OperationalError):
        what = "is damaged"
    return f"the log {path} {what}: {text}; {remedy(error)}"


def remedy(error: OSError | sqlite3.Error) -> str:
    """What the operator can do about a fault of the file."""
    for what, signs in REMEDIES.items():
        if any(sign in _text(error) for sign in signs):
            return what
    if isinstance(error, OSError | sqlite3.OperationalError):
        return "see whether its disk is well"
    return "put it and its -wal aside, or a backup in their place"


def _text(error: OSError | sqlite3.Error) -> str:
    return str(error.strerror) if isinstance(error, OSError) else " ".join(str(error).split())
