"""One connection to a server, on a thread of its own: puts news on a queue, takes lines to send. Never touches Tk.

The thread looks up the name, connects, and then runs one selector loop until either side is done; what the bytes mean
is chat.client.irc.protocol's business. The last news of a session is always `Lost`.
"""

import contextlib
import queue
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat.client.irc.address import Address
from chat.client.irc.connect import CertificateProblem, connect, of_error, of_farewell, wants_password
from chat.client.irc.login import Login, MissingPassword
from chat.client.irc.news import News
from chat.client.irc.protocol import Protocol
from chat.client.irc.server_news import Connecting, Lost, Problem
from chat.errors import SetupError
from chat.wires.message import build


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds."""

    connect: float = 15.0  # for each address of the server; a far server behind a bad line answers in 3
    silence: float = 60.0  # until the server is asked whether it is there; servers themselves ask every 90 to 120
    answer: float = 20.0  # for that, and for the welcome to begin
    stalled: float = 120.0  # until a server that takes nothing of what waits for it is given up
    goodbye: float = 2.0  # for the last bytes to go out and the server to close


_READ_BYTES = 65_536
_NEWS_LIMIT = 10_000  # news the window has not taken; beyond it the socket is not read, and the server feels it
_UNSENT_LIMIT = 1_048_576  # bytes; 2,000 full lines that the server does not read mean that it is gone


class Session:
    """`start`, `send`, `close` and `join` may be called by any thread, and return at once but for `join`.

    It joins `rooms`, or else the address's, and asks for the names `instead` when the nickname is in use. `news` is for
    one reader; `wake` is called, by the session's thread, when there is news where there was none. `login` is asked on
    that thread before it connects: a keyring may keep one waiting. Socket and protocol belong to that thread too.
    """

    def __init__(
        self,
        address: Address,
        nick: str,
        patience: Patience | None = None,
        rooms: Sequence[str] | None = None,
        instead: Sequence[str] = (),
        login: Callable[[], Login] = Login,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.news: queue.Queue[News] = queue.Queue(_NEWS_LIMIT)
        self._address = address
        self._nick = nick
        self._patience = patience or Patience()
        self._rooms = (address.room,) if rooms is None else rooms
        self._instead = instead
        self._ask_login = login
        self._login = Login()
        self._wake_reader = wake
        self._protocol = Protocol(nick, self._rooms, instead=instead)
        self._awake, self._wake = socket.socketpair()
        self._awake.setblocking(False)
        self._wake.setblocking(False)
        self._unsent = bytearray()
        self._lock = threading.Lock()  # guards _unsent; not held across a system call
        self._closing = threading.Event()  # we want to leave
        self._over = threading.Event()  # the connection has ended
        self._thread = threading.Thread(target=self._run, name=f"session {address.server}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def send(self, data: bytes) -> bool:
        """Queue whole lines. False when the session is over, or the server has long stopped reading."""
        with self._lock:
            if self._closing.is_set() or self._over.is_set() or len(self._unsent) + len(data) > _UNSENT_LIMIT:
                return False
            self._unsent += data
        self._rouse()
        return True

    def close(self, reason: str = "") -> None:
        """Say goodbye and end. No news but `Lost` is to be expected after it."""
        self.send(build("QUIT", reason) if reason else build("QUIT"))
        self._closing.set()
        self._rouse()

    def join(self, timeout: float) -> bool:
        """Wait until the goodbye is said, at most `timeout` seconds; whether it is."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _rouse(self) -> None:
        # Full: it is about to wake anyway. Closed: the session is over.
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")

    def _run(self) -> None:
        problem, reason, fingerprint = Problem.FAULT, "this program failed; the terminal that started it shows how", ""
        try:
            problem, reason = self._ended(self._live())
        except CertificateProblem as error:
            problem, reason, fingerprint = Problem.CERTIFICATE, error.reason, error.fingerprint
        except MissingPassword as error:
            problem, reason = Problem.LOGIN, str(error)
        except SetupError as error:
            problem, reason = Problem.SETTINGS, str(error)
        except (OSError, UnicodeError) as error:
            problem, reason = of_error(error, self._address)
            if self._protocol.farewell or self._protocol.problem:
                problem, reason = self._ended(reason)  # it said why before it cut us off
        finally:
            self._over.set()
            self._awake.close()
            self._wake.close()
            self._report(Lost(reason, time.time(), problem, fingerprint))

    def _ended(self, reason: str) -> tuple[Problem, str]:
        """The end's kind and reason, from the server's own words if it sent any."""
        protocol = self._protocol
        if protocol.problem is Problem.PASSWORD:
            return Problem.PASSWORD, wants_password(self._address, bool(self._login.password))
        reason = protocol.farewell or reason
        if protocol.welcomed or protocol.problem is Problem.LOGIN:
            return protocol.problem or Problem.CUT, reason
        problem, words = of_farewell(reason, self._address, bool(self._login.password))
        return protocol.problem or problem, words

    def _live(self) -> str:
        """From the name look-up to the end of the connection; the reason of the end in words."""
        self._report(Connecting(self._address.server))
        self._login = self._ask_login()
        self._protocol = Protocol(self._nick, self._rooms, login=self._login, instead=self._instead)
        with connect(self._address, self._login, self._patience.connect) as connection:
            connection.setblocking(False)
            with selectors.DefaultSelector() as selector:
                selector.register(self._awake, selectors.EVENT_READ)
                selector.register(connection, selectors.EVENT_READ)
                return self._talk(connection, selector)

    def _talk(self, connection: socket.socket, selector: selectors.BaseSelector) -> str:
        watch = _Watch(self._patience)
        while self._take_output():
            selector.modify(connection, selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0))
            watch.waits(bool(self._unsent))
            if self._closing.is_set():
                watch.leave()
            for key, ready in selector.select(watch.left()):
                if key.fileobj is self._awake:
                    self._awake.recv(_READ_BYTES)
                elif ready & selectors.EVENT_READ and not self._read(connection, watch):
                    return "the server closed the connection"
                elif ready & selectors.EVENT_WRITE:  # after reading: a server that cuts us off says why before it does
                    self._flush(connection, watch)
            if watch.left() == 0:
                if self._unsent and watch.may_wait():
                    continue  # our own output waits: whether the server is silent, nobody can tell
                if not watch.may_ask:
                    return watch.verdict
                self._protocol.ping()
                watch.asked()
        return "the server no longer reads what this program sends"

    def _read(self, connection: socket.socket, watch: "_Watch") -> bool:
        """Take what has arrived; False at the end of the stream."""
        while True:
            try:
                data = connection.recv(_READ_BYTES)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return True
            for news in self._protocol.feed(data):
                if not self._closing.is_set():
                    self._report(news)
            watch.heard(self._protocol.welcomed)
            if not (isinstance(connection, ssl.SSLSocket) and connection.pending()):
                return bool(data)

    def _report(self, news: News) -> None:
        """Put it on the queue; wait for a window that is behind, unless it has closed the session."""
        while True:
            try:
                self.news.put(news, timeout=0.1)
            except queue.Full:
                if self._closing.is_set():
                    return
            else:
                if self.news.qsize() == 1:
                    self._wake_reader()
                return

    def _take_output(self) -> bool:
        """Queue what the protocol wants to say; False when that is more than can be waiting."""
        output = self._protocol.take_output()
        with self._lock:
            self._unsent += output
            return len(self._unsent) <= _UNSENT_LIMIT

    def _flush(self, connection: socket.socket, watch: "_Watch") -> None:
        with self._lock:
            data = bytes(self._unsent[:_READ_BYTES])
        try:
            sent = connection.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return  # the same bytes are tried again
        with self._lock:
            del self._unsent[:sent]
        watch.progressed()


class _Watch:
    """How much longer a silent server is borne: a question after `silence`, the end when that stays unanswered."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._leaving = False
        self._waits = False
        self._progress = time.monotonic()  # when the server last read some of our output
        self.asked()  # the first answer is the welcome

    def left(self) -> float:
        """Seconds until something must be done; 0 when it must be done now."""
        return max(0.0, self._deadline - time.monotonic())

    def heard(self, welcomed: bool) -> None:
        """The server sent something. Before its welcome that only prolongs the wait for it."""
        if not self._leaving:
            self.may_ask = welcomed
            self._deadline = time.monotonic() + (self._patience.silence if welcomed else self._patience.answer)

    def waits(self, waits: bool) -> None:
        """Note whether output is waiting."""
        if waits and not self._waits:
            self._progress = time.monotonic()
        self._waits = waits

    def progressed(self) -> None:
        """The server read some of our output."""
        self._progress = time.monotonic()
        if not self._leaving:
            self._deadline = max(self._deadline, self._progress + self._patience.answer)

    def may_wait(self) -> bool:
        """Whether a server that has not read all our output gets more time."""
        now = time.monotonic()
        if self._leaving or now - self._progress >= self._patience.stalled:
            return False
        self._deadline = now + min(1.0, self._patience.answer)
        return True

    def asked(self) -> None:
        self.may_ask = False
        self._deadline = time.monotonic() + self._patience.answer

    def leave(self) -> None:
        if not self._leaving:
            self._leaving = True
            self.may_ask = False
            self._deadline = time.monotonic() + self._patience.goodbye

    @property
    def verdict(self) -> str:
        """Why the connection is given up."""
        return "left" if self._leaving else f"no answer from the server for {self._patience.answer:.0f} s"
