"""The admin socket: requests of the machine's administrator to a running server.

A Unix socket that only the server's own user and root may use. A request is a line of JSON with its `verb` and what
that takes: `{"verb": "users", "room": "#lobby"}`. The answer is a line for each row, `{"row": {...}}`, and at the end
`{"end": N}` with their number, or `{"error": "why not"}`. Requests of one connection are answered one by one.

A thread accepts, and each connection has one. What touches the state is done by the loop, a portion at a time, and the
next portion is made when the one before has been taken: an answer of any size holds neither the loop nor memory.
"""

import json
import logging
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from chat.errors import SetupError
from chat.paths import admin_path
from chat.server.ops.operation import AdminError, Operation, Place, Portion
from chat.server.ops.unix_socket import UnixListener
from chat.server.ops.verbs import find
from chat.settings import Settings

MOST_CONNECTIONS = 8  # administrators at once, each with a thread
REQUEST_BYTES = 65_536  # of one request
REQUEST_TIMEOUT = 60.0  # s until a connection sends its next request, and until it takes an answer
STOP_TIMEOUT = 0.5  # s for a connection to take its last line when the server stops
LOOP_TIMEOUT = 60.0  # s for a portion; a request may wait for a shared log

log = logging.getLogger(__name__)

Post = Callable[[Callable[[], None]], None]


class Admin:
    """Any thread may call any method."""

    def __init__(self, path: Path, place: Place, post: Post) -> None:
        """Binds the socket. `post` has the loop call something. Raises SetupError when the path cannot be had."""
        self._place = place
        self._post = post
        self._listener = UnixListener(path)
        self._thread = threading.Thread(target=self._accept, name="admin", daemon=True)
        # Guards the two fields below. Not held across a system call, but for the start of a thread.
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, tuple[SimpleQueue[Portion | None], threading.Thread]] = {}
        self._stopping = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Remove the socket, and end its connections. The loop need not run any longer."""
        self._listener.unlink()
        with self._lock:
            self._stopping = True
            connections = dict(self._connections)
        for sock, (portions, _) in connections.items():
            portions.put(None)
            _shut(sock, socket.SHUT_RD)
        for sock, (_, thread) in connections.items():
            thread.join(STOP_TIMEOUT)
            _shut(sock, socket.SHUT_RDWR)  # it takes nothing
        _shut(self._listener.sock, socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._thread.join()
        self._listener.sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.sock.accept()
            except OSError:  # shut down by `stop`
                if self._stopping:
                    return
                log.exception("the admin socket accepts nobody for a second")
                threading.Event().wait(1.0)
                continue
            reason = self._begin(sock)
            if reason:
                _refuse(sock, reason)

    def _begin(self, sock: socket.socket) -> str:
        """Serve the connection by a thread of its own; gives the reason when it is refused."""
        portions: SimpleQueue[Portion | None] = SimpleQueue()
        thread = threading.Thread(target=self._serve, args=(sock, portions), name="admin connection", daemon=True)
        with self._lock:
            if self._stopping:
                return "the server stops"
            if len(self._connections) >= MOST_CONNECTIONS:
                return f"{MOST_CONNECTIONS} administrators are at work"
            self._connections[sock] = (portions, thread)
            thread.start()
        return ""

    def _serve(self, sock: socket.socket, portions: "SimpleQueue[Portion | None]") -> None:
        try:
            with sock:
                sock.settimeout(REQUEST_TIMEOUT)
                who = _peer(sock)
                for line in _lines(sock):
                    for data in self._answer(line, portions, who):
                        sock.sendall(data)
        except OSError:
            pass  # it has gone, or takes nothing
        except Exception:
            log.exception("a request on the admin socket failed")
        finally:
            with self._lock:
                self._connections.pop(sock, None)

    def _answer(self, line: bytes, portions: "SimpleQueue[Portion | None]", who: str) -> Iterator[bytes]:
        """The lines of the answer to one request, as they are made."""
        try:
            request = _parse(line)
            name = request.pop("verb", None)
            verb = find(name)
        except AdminError as error:
            yield _line(error=str(error))
            return
        if verb.changes:
            log.info("admin: %s by %s", name, who)
        operation = Operation(self._place, str(name), request, portions.put)
        self._post(lambda: _start(operation, verb.handler))
        count = 0
        while True:
            try:
                portion = portions.get(timeout=LOOP_TIMEOUT)
            except Empty:
                # Its answer may still come, and must not be taken for that to another request: the connection ends.
                yield _line(error=f"the server has no answer after {LOOP_TIMEOUT:g} s")
                raise ConnectionAbortedError from None
            if portion is None:
                yield _line(error="the server stops")
                return
            count += len(portion.rows)
            if portion.rows:
                yield b"".join(_line(row=row) for row in portion.rows)
            if portion.last:
                yield _line(error=portion.error) if portion.error else _line(end=count)
                return
            self._post(lambda: _advance(operation))


def _start(operation: Operation, handler: Any) -> None:
    """In the loop, which no fault of a handler may end."""
    try:
        operation.start(handler)
    except Exception:
        _log_fault(operation)


def _advance(operation: Operation) -> None:
    try:
        operation.advance()
    except Exception:
        _log_fault(operation)


def _log_fault(operation: Operation) -> None:
    log.exception("the admin request %s failed", operation.verb)
    operation.fail("internal error; the server's log says more")


def _parse(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise AdminError("a request is one line of JSON") from None
    if not isinstance(request, dict):
        raise AdminError('a request is a JSON object: {"verb": "status"}')
    return request


def _lines(sock: socket.socket) -> Iterator[bytes]:
    """The peer's lines until it ends its output. Raises OSError; one that is too long ends the connection."""
    waiting = b""
    while data := sock.recv(REQUEST_BYTES):
        *lines, waiting = (waiting + data).split(b"\n")
        yield from lines
        if len(waiting) > REQUEST_BYTES:
            sock.sendall(_line(error=f"the request is longer than {REQUEST_BYTES:,} bytes, the limit"))
            return


def _line(**values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _refuse(sock: socket.socket, reason: str) -> None:
    """Say why, and close. Never waits."""
    with sock:
        sock.setblocking(False)
        with suppress(OSError):
            sock.send(_line(error=reason))


def _shut(sock: socket.socket, how: int) -> None:
    """Wake the thread that waits for it."""
    with suppress(OSError):  # it has been closed
        sock.shutdown(how)


def _peer(sock: socket.socket) -> str:
    """Who asks, for the log."""
    if sys.platform != "linux":
        return "an administrator"
    pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return f"user {uid}, process {pid}"


def open_admin(settings: Settings, place: Place, post: Post) -> Admin | None:
    """The socket that the settings ask for. One that was not named may be lacking: the log says why.

    Raises SetupError when a named one cannot be had.
    """
    try:
        path = admin_path(settings)
        return None if path is None else Admin(path, place, post)
    except SetupError as error:
        if settings.admin:
            raise
        log.warning("no admin socket: %s", error)
        return None
