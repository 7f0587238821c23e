"""Pairs of users, a speaker and a listener in a room each, and how long a message takes from one to the other."""

import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count

from bench.process import StartError

PAIRS = 50
TEXT = "x" * 80
WARM_UP = 0.2  # of the messages, not counted

_turns = count()


def connect(port: int, nick: str, room: str) -> socket.socket:
    with ExitStack() as failure:
        sock = failure.enter_context(socket.create_connection(("127.0.0.1", port)))
        sock.sendall(f"NICK {nick}\r\nUSER u 0 * :u\r\nJOIN {room}\r\n".encode())
        data = b""
        while b" 366 " not in data:
            data += _received(sock)
        sock.setblocking(False)
        failure.pop_all()
        return sock


def _received(sock: socket.socket) -> bytes:
    data = sock.recv(262_144)
    if not data:
        raise StartError("the server has closed a connection")
    return data


class Talk:
    """The pairs of one turn. Each message carries when it was due."""

    def __init__(self, ports: Sequence[int]) -> None:
        turn = next(_turns)  # in the names: those of the turn before may not be gone yet
        self.speakers = [connect(ports[0], f"s{number}-{turn}", f"#r{number}") for number in range(PAIRS)]
        self.listeners = [connect(ports[-1], f"l{number}-{turn}", f"#r{number}") for number in range(PAIRS)]
        self._selector = selectors.DefaultSelector()
        self._rest = dict.fromkeys(self.listeners, b"")
        for listener in self.listeners:
            self._selector.register(listener, selectors.EVENT_READ)
        self.delays: list[float] = []  # s, in the order of arrival

    def close(self) -> None:
        for sock in (*self.speakers, *self.listeners):
            sock.close()
        self._selector.close()

    def say(self, number: int, due: float) -> None:
        pair = number % PAIRS
        self.speakers[pair].send(f"PRIVMSG #r{pair} :{due!r} {TEXT}\r\n".encode())

    def read(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            *lines, self._rest[sock] = (self._rest[sock] + _received(sock)).split(b"\r\n")
            now = time.perf_counter()
            for line in lines:
                _, verb, _, text = line.split(b" ", 3)
                if verb == b"PRIVMSG":
                    self.delays.append(now - float(text[1:].split(b" ")[0]))

    def steady(self, rate: int, seconds: float) -> list[float]:
        """Open loop at `rate` messages/s; the delays in seconds, without the warm-up."""
        began, total, earlier = time.perf_counter(), int(rate * seconds), len(self.delays)
        sent = 0
        while len(self.delays) - earlier < total:
            now = time.perf_counter()
            while sent < total and began + sent / rate <= now:
                self.say(sent, began + sent / rate)
                sent += 1
            self.read(max(0.0, began + sent / rate - time.perf_counter()) if sent < total else 1.0)
        return self.delays[earlier + int(total * WARM_UP) :]

    def saturated(self, total: int, window: int = 2_000) -> float:
        """Closed loop with `window` messages under way; messages/s."""
        began, sent = time.perf_counter(), 0
        while len(self.delays) < total:
            while sent < total and sent - len(self.delays) < window:
                self.say(sent, time.perf_counter())
                sent += 1
            self.read(1.0)
        return total / (time.perf_counter() - began)
