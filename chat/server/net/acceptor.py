"""The acceptor: one thread that accepts connections from the listeners and hands each to the loop."""

import errno
import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from sys import intern

from chat.server.net.gate import Gate, TurnedAway
from chat.server.net.listeners import Listener
from chat.server.net.proxied import Proxied
from chat.server.networks import Networks
from chat.server.ops.counted import CountedLog

Adopt = Callable[[socket.socket, str, Listener], None]  # hands over a connected, non-blocking socket and its host

ACCEPTS = 256  # from one queue before the others have their turn
NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
NO_MEMORY = (errno.ENOBUFS, errno.ENOMEM)
# The peer had gone or was unreachable before it was accepted, or a firewall forbade it (accept(2)).
PEER_GONE = (
    errno.ECONNABORTED,
    errno.EPROTO,
    errno.EPERM,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENOPROTOOPT,
    errno.EOPNOTSUPP,
    errno.ECONNRESET,
    errno.ETIMEDOUT,
)
NO_RESOURCE_WAIT = 0.1  # s without accepting, when the kernel has no memory or no descriptor for a socket
OUT_OF_DESCRIPTORS = TurnedAway("descriptors", "server is out of file descriptors")

log = logging.getLogger(__name__)


class Acceptor:
    """Any thread may call `start` and `stop`."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        adopt: Adopt,
        gate: Gate,
        failed: Callable[[str], None],
        proxies: Networks | None = None,
    ) -> None:
        """`proxies` say in a PROXY header where a connection comes from. `failed` is called from the acceptor's
        thread, with the reason, when a fault has ended it."""
        self._listeners = listeners
        self._adopt = adopt
        self._gate = gate
        self._failed = failed
        self._refused = CountedLog(log.warning, "refused a connection", "refused {:,} connections")
        self.proxies = proxies or Networks(())  # replaced as a whole
        self._stopping = threading.Event()
        self._wakeup, self._waker = socket.socketpair()
        self._spare: int | None = _open_spare()  # closed to accept and refuse a connection when no other is free
        self._thread = threading.Thread(target=self._run, name="acceptor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the listeners. The kernel resets the connections that wait in their queues."""
        self._stopping.set()
        self._waker.send(b"!")
        self._thread.join()
        self._wakeup.close()
        self._waker.close()
        if self._spare is not None:
            os.close(self._spare)

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._wakeup, selectors.EVENT_READ)
                for listener in self._listeners:
                    for sock in listener.socks:
                        selector.register(sock, selectors.EVENT_READ, (sock, listener))
                self._proxied = Proxied(selector, self._admit, self._refuse_proxied)
                while not self._stopping.is_set():
                    for key, _ in selector.select(self._due_in(time.monotonic())):
                        if isinstance(key.data, tuple):
                            self._accept(*key.data)
                        elif key.data is not None:
                            self._proxied.read(key.data)
                    self._proxied.expire(time.monotonic())
                    self._refused.report(time.monotonic())
                self._proxied.close()
        except Exception as error:
            log.exception("the acceptor ends after an internal error")
            self._failed(f"the acceptor failed: {type(error).__name__}: {error}")
        finally:
            for listener in self._listeners:
                listener.close()
            self._refused.close(time.monotonic())

    def _accept(self, queue: socket.socket, listener: Listener) -> None:
        for _ in range(ACCEPTS):
            try:
                sock, peer = queue.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in NO_DESCRIPTOR:
                    if not self._refuse_one(queue, listener):
                        return
                elif error.errno in NO_MEMORY:
                    self._refused.add("memory", f"{error.strerror}; it may wait", time.monotonic())
                    self._stopping.wait(NO_RESOURCE_WAIT)
                    return
                elif error.errno not in PEER_GONE:
                    raise
                continue
            sock.setblocking(False)
            host = _host(peer[0])
            if host in self.proxies:
                self._proxied.add(sock, host, listener, time.monotonic())
            else:
                self._admit(sock, host, listener)

    def _admit(self, sock: socket.socket, host: str, listener: Listener) -> None:
        """Hand the connection over, if the gate lets it in."""
        host = intern(_host(host))  # many share one
        refusal = self._gate.enter(host, listener.is_unframed)
        if refusal is None:
            self._adopt(sock, host, listener)
        else:
            self._refuse(sock, listener, refusal)

    def _refuse_proxied(self, sock: socket.socket, listener: Listener, reason: str) -> None:
        self._refuse(sock, listener, TurnedAway("proxy", reason))

    def _due_in(self, now: float) -> float | None:
        """Seconds until there is something to do though nobody connects."""
        return min(
            (due for due in (self._refused.due_in(now), self._proxied.due_in(now)) if due is not None), default=None
        )

    def _refuse_one(self, queue: socket.socket, listener: Listener) -> bool:
        """Out of descriptors: accept one connection with the spare one, give the reason, and close it.

        False when another thread took the spare one in between; then nothing is accepted for a moment.
        """
        if self._spare is None:
            self._spare = _open_spare()
        if self._spare is None:
            self._stopping.wait(NO_RESOURCE_WAIT)
            return False
        os.close(self._spare)
        try:
            sock, _ = queue.accept()
        except OSError:
            pass
        else:
            self._refuse(sock, listener, OUT_OF_DESCRIPTORS)
        self._spare = _open_spare()
        return True

    def _refuse(self, sock: socket.socket, listener: Listener, refusal: TurnedAway) -> None:
        """Send the reason and close. Never waits for the peer."""
        self._gate.refusals[refusal.kind] += 1
        self._refused.add(refusal.kind, refusal.reason, time.monotonic())
        with sock:
            sock.setblocking(False)
            try:
                for data in listener.wire().dialect.farewell(refusal.reason):
                    sock.send(data)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the peer did not wait for the reason


def _open_spare() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None


def _host(address: str) -> str:
    """The peer's address as part of a mask: IPv4 in its own form, and no colon at the beginning."""
    address = address.removeprefix("::ffff:").partition("%")[0]
    return f"0{address}" if address.startswith(":") else address
