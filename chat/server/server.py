"""The whole server: listeners, acceptor and loop, and the lifetimes of their threads."""

import logging
import os
import resource
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Protocol

from chat import __version__
from chat.errors import SetupError
from chat.paths import log_path
from chat.server.core.cloak import SECRET_BYTES, Cloaks
from chat.server.core.node import Node
from chat.server.disk.cloak_key import cloak_key
from chat.server.log.log import Log
from chat.server.log.memory import MemoryLog
from chat.server.net.acceptor import Acceptor
from chat.server.net.certificates import Certificates
from chat.server.net.gate import Gate
from chat.server.net.handshakes import Handshakes
from chat.server.net.listeners import Listener, listen
from chat.server.net.loop import Loop
from chat.server.net.sender_choice import choose_sender
from chat.server.net.transport import Arrival, Transport
from chat.server.networks import Networks
from chat.server.ops import systemd
from chat.server.ops.admin import open_admin
from chat.server.ops.heartbeat import Heartbeat
from chat.server.ops.metrics import Sources
from chat.server.ops.metrics_choice import open_metrics
from chat.server.ops.operation import Row
from chat.server.ops.privileges import drop_root
from chat.server.ops.rereading import read_again
from chat.settings import Address, Settings

OWN_DESCRIPTORS = 64  # kept from clients: listeners, selectors, wake-up sockets, log files, and some to spare

log = logging.getLogger(__name__)


class Service(Protocol):
    """Something that operates the server, with threads of its own. `stop` follows `start`, or comes instead."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Server:
    """Any thread may call any method. `start` once, then `stop`."""

    def __init__(self, settings: Settings, load: Callable[[], Settings] | None = None) -> None:
        """`load` gives the settings when they are to be read again."""
        self.settings = settings
        self._load = load or (lambda: settings)
        files = raise_file_limit()
        limit = settings.max_connections or max(1, files - OWN_DESCRIPTORS)
        limited = settings.limits_rates
        self.gate = Gate(
            limit,
            settings.max_per_address,
            settings.unframed_per_address if limited else limit,
            unframed_total=settings.unframed_total if limited else 0,
            rate=settings.connection_rate if limited else 0.0,
            burst=settings.connection_burst,
            exempt=Networks(settings.exempt),
        )
        self.started = False  # clients may have connected
        self.failure = ""  # why a thread has failed
        self.choice = ""  # how a pass is sent, and why, once `start` has been called
        self._started = time.monotonic()
        self._ended = threading.Event()
        # Guards the fields below, and keeps a stop with a drain from overtaking one without. Not held across a system
        # call, but for the byte that wakes the loop.
        self._lock = threading.Lock()
        self._ends = 0  # how often `end` was called
        self._stopping = ""  # the reason, once `stop` was called
        self._acceptor: Acceptor | None = None
        self.certificates: Certificates | None = None  # with listeners that take TLS, as the next
        self._handshakes: Handshakes | None = None
        self.metrics_url = ""  # where metrics are served, once `start` has been called
        self._services: list[Service] = []
        self.loop: Loop  # once `start` has been called

    def start(self) -> Sequence[Address]:
        """Listen on all addresses or none; returns them with their real ports. Raises SetupError."""
        log_ = self._make_log()  # what it takes is installed, or nobody can connect
        with ExitStack() as undo:
            listeners = []
            for address in self.settings.listen:
                listener = listen(address, self.settings)
                undo.callback(listener.close)
                listeners.append(listener)
            drop_root(self.settings.user)  # the ports are bound
            if any(listener.is_tls for listener in listeners):
                self.certificates = Certificates(self.settings)
            sender, self.choice = choose_sender(self.settings)
            undo.callback(sender.stop)
            cloak = self._make_cloak()
            self.loop = Loop(self.settings, self.gate, self._fail, make_log=log_, cloak=cloak, sender=sender)
            undo.callback(self.loop.close)
            if self.certificates is not None:
                timeout = self.settings.handshake_timeout
                self._handshakes = Handshakes(
                    self.certificates, self._adopt_secure, self.gate.leave, timeout, self._fail
                )
                undo.callback(self._handshakes.stop)
            for service in self._make_services():
                undo.callback(service.stop)
                self._services.append(service)
            self._acceptor = Acceptor(listeners, self._adopt, self.gate, self._fail, Networks(self.settings.proxy_from))
            undo.pop_all()
        self.node.reread = self._reread_beside
        self.loop.start()
        self.started = True
        if self._handshakes is not None:
            self._handshakes.start()
        self._acceptor.start()
        for service in self._services:
            service.start()
        return [listener.address for listener in listeners]

    def _make_services(self) -> Iterator[Service]:
        """The services beside the loop. Raises SetupError."""
        post = self.loop.mailbox.post
        if (admin := open_admin(self.settings, self, post)) is not None:
            yield admin
        heartbeat = Heartbeat(post, partial(systemd.notify, "WATCHDOG=1"))
        if self.settings.metrics:
            stopping, tls = (lambda: bool(self._stopping)), (self.certificates, self._handshakes)
            sources = Sources(self.gate, self.loop, heartbeat, stopping, *tls)
            metrics = open_metrics(self.settings.metrics, sources)
            self.metrics_url = metrics.url
            yield metrics
        if self.settings.metrics or systemd.has_watchdog():
            yield heartbeat

    def _make_log(self) -> Callable[[str, int, Callable[[], float]], Log]:
        if self.settings.log == "memory:":
            return MemoryLog
        if self.settings.shares_log:
            try:
                from chat.server.shared.shared_log import SharedLog
            except ModuleNotFoundError as error:
                raise SetupError(
                    f"a shared log takes the package {error.name}: pip install 'fanfare[cluster]'"
                ) from None
            return partial(SharedLog, self.settings)
        from chat.server.disk.sqlite import SqliteLog  # a system without SQLite still serves with memory:

        return partial(SqliteLog, self.settings)

    def _make_cloak(self) -> Callable[[str], str]:
        """The function from an address to the host that others see. A server that keeps nothing keeps no cloaks."""
        if self.settings.cloak == "off":
            return str
        if self.settings.log == "memory:":
            return Cloaks(secrets.token_bytes(SECRET_BYTES)).host
        if self.settings.shares_log:
            from chat.server.shared.shared_log import shared_secret

            return Cloaks(shared_secret(self.settings.log, SECRET_BYTES)).host
        return Cloaks(cloak_key(log_path(self.settings.log).parent)).host

    def _adopt(self, sock: socket.socket, host: str, listener: Listener) -> None:
        if self._handshakes is not None and listener.is_tls:
            self._handshakes.begin(sock, host, listener)
        else:
            self.loop.adopt(sock, host, listener.wire())

    def _adopt_secure(self, transport: Transport, host: str, listener: Listener, arrival: Arrival) -> None:
        self.loop.adopt(transport, host, listener.wire(), arrival)

    def reload(self) -> None:
        """Read the certificate's files again, if there are any."""
        if self.certificates is not None:
            self.certificates.reload()

    def wait(self) -> bool:
        """Wait until `end` is called or a thread has failed; False for the latter, and `failure` says why."""
        self._ended.wait()
        return not self.failure

    def end(self) -> None:
        """Let `wait` return. A second call ends the drain, or keeps `stop` from beginning one."""
        with self._lock:
            self._ends += 1
            self._ended.set()
            if self._stopping:
                self.loop.stop(self._stopping, 0.0, self.settings.stop_deadline)

    def _fail(self, reason: str) -> None:
        self.failure = self.failure or reason
        self._ended.set()

    def status(self) -> str:
        """One line for logging."""
        log_status = self.loop.node.log.status()
        up, users = time.monotonic() - self._started, len(self.loop.node.state.users)
        return (
            f"up {up:,.0f} s, connections {self.gate.total:,} of {self.gate.limit:,}, users {users:,}, "
            f"threads {threading.active_count()}" + (f", {log_status}" if log_status else "")
        )

    @property
    def node(self) -> Node:
        return self.loop.node

    def facts(self) -> Row:
        """The status, for the admin socket. The loop's thread only."""
        state, gate = self.node.state, self.gate
        return {
            "server": self.settings.name,
            "version": __version__,
            "process": os.getpid(),
            "up": int(time.monotonic() - self._started),
            "stopping": self._stopping or None,
            "connections": gate.total,
            "connections_limit": gate.limit,
            "users": len(state.users),
            "users_most": state.most_users,
            "rooms": len(state.rooms),
            "threads": threading.active_count(),
            "log": self.node.log.status() or "memory: keeps nothing",
        }

    def reread(self) -> str:
        """Read configuration and certificates again; gives a line of what has changed. Not in the loop's thread."""
        self.reload()
        settings, told = read_again(self._load, self.settings)
        log.info("configuration read again: %s", told)
        self.loop.mailbox.post(partial(self._take, settings))
        return told

    def _reread_beside(self, done: Callable[[str], None]) -> None:
        """As `reread`, for the loop, which does not wait for a file."""
        if not self.node.logins.hasher.run(self.reread, lambda told: done(told or "Reading has failed")):
            done("The server is busy: try again later")

    def _take(self, settings: Settings) -> None:
        """In the loop's thread."""
        self.settings = self.node.settings = settings
        self.gate.exempt = Networks(settings.exempt)
        if self._acceptor is not None:
            self._acceptor.proxies = Networks(settings.proxy_from)

    def stop(self, reason: str = "Server is shutting down", drain: float | None = None) -> None:
        """Close the listeners, then send everybody the reason, and close each connection by the deadline."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is None:
            return  # never started, or stopped already
        acceptor.stop()
        if self._handshakes is not None:
            self._handshakes.stop()
        drain = self.settings.drain if drain is None else drain
        with self._lock:
            self._stopping = reason
            self.loop.stop(reason, 0.0 if self._ends > 1 else drain, self.settings.stop_deadline)
        if not self.loop.join(drain + self.settings.stop_deadline + 5.0):
            log.error("the loop did not end in time")
        for service in self._services:
            service.stop()


def raise_file_limit() -> int:
    """Raise the limit of open files as far as the system allows; returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError) as error:
            log.warning("the limit of open files stays at %d: %s", soft, error)
    if soft == resource.RLIM_INFINITY:
        return 1_048_576  # what Linux allows a process at the most, unless told otherwise
    if soft < 2 * OWN_DESCRIPTORS:
        raise SetupError(f"the limit of open files is {soft}, the least to serve with is {2 * OWN_DESCRIPTORS}")
    return soft
