"""The networks' sessions: opened, closed, their news taken, lines sent; and what wakes Tk's thread: news and time."""

import contextlib
import queue
import signal
import socket
import threading
import time
import tkinter
from collections.abc import Callable, Iterable
from dataclasses import replace

from chat.client.irc.address import parse_address
from chat.client.irc.login import Login, MissingPassword
from chat.client.irc.session import Session
from chat.client.model.changes import Change
from chat.client.model.client import Client
from chat.client.model.client_tags import ACTIVE
from chat.client.model.connection import Stage
from chat.client.model.network import Network
from chat.client.model.settings import Server
from chat.client.store import archive

_PAUSE = 40  # ms between two batches; shorter than anybody notices
_POLL = 100  # ms between looks where Tk cannot wait for a socket


class Waker:
    """Any thread may call `wake`; the rest belongs to Tk's.

    `take` is called soon after, and again as long as it says that it found something: at once where it found a `whole`
    batch, so that a flood leaves time for keys and mouse, else after a pause.
    """

    def __init__(self, root: tkinter.Tk, take: Callable[[], int], whole: int) -> None:
        self._root = root
        self._take = take
        self._whole = whole
        self._reader, self._writer = socket.socketpair()
        self._due: str | None = None
        self._polling: str | None = None
        self._for_signals = False
        self._taken_at = 0.0  # when the last batch was taken, by the monotonic clock
        for end in (self._reader, self._writer):
            end.setblocking(False)
        try:
            root.createfilehandler(self._reader, tkinter.READABLE, self._woken)
        except (AttributeError, NotImplementedError):  # Windows
            self._poll()

    @property
    def idle(self) -> bool:
        return self._due is None

    def wake(self) -> None:
        """There is news."""
        with contextlib.suppress(OSError):  # full: it is about to wake anyway; closed: the window is gone
            self._writer.send(b"\0")

    def wake_for_signals(self) -> None:
        """Have signals wake Tk, which else runs their handlers only with the next event. On the main thread."""
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._for_signals = True

    def stop(self) -> None:
        """Before the window is gone."""
        if self._for_signals:
            signal.set_wakeup_fd(-1)
        for timer in (self._due, self._polling):
            if timer is not None:
                self._root.after_cancel(timer)
        with contextlib.suppress(AttributeError, NotImplementedError, tkinter.TclError):
            self._root.deletefilehandler(self._reader)
        self._reader.close()
        self._writer.close()

    def _poll(self) -> None:
        self._woken()
        self._polling = self._root.after(_POLL, self._poll)

    def _woken(self, *_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)
        if self._due is None:
            since = 1000 * (time.monotonic() - self._taken_at)
            self._due = self._root.after(max(1, round(_PAUSE - since)), self._go)

    def _go(self) -> None:
        self._due = None
        taken = 0
        try:
            taken = self._take()
        finally:  # whatever went wrong with one batch, the next is looked at
            self._taken_at = time.monotonic()
            if taken and self._due is None:
                self._due = self._root.after(1 if taken >= self._whole else _PAUSE, self._go)


_GOODBYE = 2.0  # s that all sessions together have for their last words


class Sessions:
    """`connect` makes a session; `wake` is called by other threads when there is news."""

    def __init__(self, client: Client, connect: Callable[..., Session], wake: Callable[[], None]) -> None:
        self._client = client
        self._connect = connect
        self._wake = wake
        self._sessions: dict[Network, Session] = {}
        self._logins: dict[Network, Login] = {}

    def log_in(self, network: Network, login: Login, keep: bool) -> None:
        """This is who we are there; `keep` its passwords in the desktop's keyring."""
        self._logins[network] = login
        if keep and (login.password or login.secret):
            self._client.set_up(network, keyring=True)
            address = self._client.server_of(network).address
            threading.Thread(target=_store, args=(address, login), name="keyring", daemon=True).start()

    def open(self, network: Network, nick: str = "") -> list[Change]:
        """Connect, or connect once more."""
        self.close(network)
        server = self._client.server_of(network)
        changes = network.begin_again(nick)
        login = self._logins.get(network, Login())
        session = self._connect(
            parse_address(server.address),
            network.me.nick,
            rooms=network.rooms,
            instead=network.connection.instead,
            login=lambda: _complete(login, server),
            wake=self._wake,
        )
        self._sessions[network] = session
        session.start()
        return changes

    def close(self, network: Network, words: str = "") -> None:
        session = self._sessions.pop(network, None)
        if session:
            session.close(words)

    def close_all(self) -> Callable[[], None]:
        """Say goodbye everywhere; what is given waits until that is said."""
        sessions = list(self._sessions.values())
        for network in list(self._sessions):
            self.close(network)

        def wait() -> None:
            for session in sessions:
                session.join(_GOODBYE / len(sessions))

        return wait

    def take(self, limit: int) -> tuple[list[Change], int]:
        """What changes by the news that wait, at most so many; and how many they were."""
        changes: list[Change] = []
        taken = 0
        for network, session in list(self._sessions.items()):
            share = max(1, limit // len(self._sessions))
            while share and self._sessions.get(network) is session:
                try:
                    changes += network.take(session.news.get_nowait())
                except queue.Empty:
                    break
                share -= 1
                taken += 1
            changes += self.flush(network)
        return changes, taken

    def flush(self, network: Network) -> list[Change]:
        """Send what the network has to say; what changes by that."""
        return self.send(network, network.take_output())

    def send(self, network: Network, output: list[bytes]) -> list[Change]:
        """Send what the network has given out; what changes by that."""
        if not output:
            return network.taken(True)
        session = self._sessions.get(network)
        return network.taken(session is not None and session.send(b"".join(output)))

    def flush_all(self) -> Iterable[Change]:
        return [change for network in self._client.networks for change in self.flush(network)]


def _complete(login: Login, server: Server) -> Login:
    """With the passwords that the keyring has. Raises MissingPassword. On the session's thread.

    The keyring is asked for servers alone whose passwords it was given: to load it takes 12 MB, and it may want to be
    unlocked.
    """
    login = replace(login, account=server.account, certificate=server.certificate, trusted=server.trusted)
    if server.keyring and not login.password:
        login = replace(login, password=archive.stored_password("password", server.address))
    if server.account and not login.secret:
        if server.keyring:
            login = replace(login, secret=archive.stored_password(f"account {server.account}", server.address))
        if not login.secret and not login.certificate:
            raise MissingPassword(f"the password of the account {server.account} is needed")
    return login


def _store(address: str, login: Login) -> None:
    if login.password:
        archive.store_password("password", address, login.password)
    if login.secret:
        archive.store_password(f"account {login.account}", address, login.secret)


_ASK_FOR_NAME = 30_000  # ms


class Clock:
    """Timers for what is due without any news; there is none while all is well.

    `tick` is called when a network may be due: each second until the next attempt to connect, and now and then while we
    have another name than the wanted one. `typing` is called when somebody who typed may have stopped.
    """

    def __init__(self, root: tkinter.Tk, client: Client, tick: Callable[[], None], typing: Callable[[], None]) -> None:
        self._root = root
        self._client = client
        self._tick = tick
        self._typing = typing
        self._due: str | None = None
        self._typing_due: str | None = None

    def start(self) -> None:
        """Set the timer for what is due next, if anything is."""
        if self._due is not None:
            return
        networks = self._client.networks
        waits = [network.connection.reconnect.left for network in networks if network.connection.stage is Stage.LOST]
        seconds = [min(1.0, left) for left in waits if left is not None]
        if seconds:
            self._due = self._root.after(int(1000 * min(seconds)) + 1, self._go)
        elif any(network.online and not network.me.named(network.me.wanted) for network in networks):
            self._due = self._root.after(_ASK_FOR_NAME, self._go)

    def somebody_types(self) -> None:
        """Somebody who says nothing more of it has stopped typing: look again when that is so."""
        if self._typing_due is not None:
            self._root.after_cancel(self._typing_due)
        self._typing_due = self._root.after(int(1000 * ACTIVE) + 100, self._typing_over)

    def stop(self) -> None:
        """Before the window is gone."""
        for timer in (self._due, self._typing_due):
            if timer is not None:
                self._root.after_cancel(timer)

    def _go(self) -> None:
        self._due = None
        self._tick()
        self.start()

    def _typing_over(self) -> None:
        self._typing_due = None
        self._typing()
