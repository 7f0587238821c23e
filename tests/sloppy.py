"""A chat server with a fault to order: just enough IRC for the benchmark's generator."""

import socket
import socketserver
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        piece: int = 4096,
        withheld: bytes | None = None,
        doubled: bytes | None = None,
        prompt: int | None = None,
        delay: float = 0,
        stop_reading: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`withheld` and `doubled` are part of a line that one member never gets, or gets twice.

        The first `prompt` messages are passed on at once, those after them `delay` seconds late. `stop_reading`: who
        has joined is not read from any more.
        """
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tls = tls
        self.piece = piece
        self.withheld = withheld
        self.doubled = doubled
        self.prompt = prompt
        self.delay = delay
        self.stop_reading = stop_reading
        self.ended = threading.Event()
        self.said = 0
        self.held: list[tuple[_Handler, bytes]] = []  # what is late: a speaker and the line
        self.rooms: defaultdict[bytes, list[_Handler]] = defaultdict(list)
        self.lock = threading.Lock()  # guards `rooms`, `said` and `held`, and keeps the lines to one member whole

    def get_request(self) -> tuple[socket.socket, Any]:
        sock, address = super().get_request()
        if self.tls:  # its first read makes the handshake
            sock = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return sock, address

    def say(self, speaker: "_Handler", rest: bytes) -> None:
        self.said += 1
        if self.prompt is None or self.said <= self.prompt:
            self.pass_on(speaker, rest)
            return
        self.held.append((speaker, rest))
        if len(self.held) == 1:  # the first of them is late enough; order is kept
            timer = threading.Timer(self.delay, self.release)
            timer.daemon = True
            timer.start()

    def release(self) -> None:
        with self.lock, suppress(OSError):  # the generator has gone
            for speaker, rest in self.held:
                self.pass_on(speaker, rest)
            self.held.clear()

    def pass_on(self, speaker: "_Handler", rest: bytes) -> None:
        room = rest.partition(b" ")[0]
        others = [member for member in self.rooms[room] if member is not speaker]
        if self.withheld and self.withheld in rest:
            others.pop()
        if self.doubled and self.doubled in rest:
            others.append(others[0])
        for member in others:
            member.tell(b":%b!u@h PRIVMSG %b\r\n" % (speaker.nick, rest))


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    wbufsize = 0
    disable_nagle_algorithm = True

    def tell(self, data: bytes) -> None:
        for at in range(0, len(data), self.server.piece):
            self.wfile.write(data[at : at + self.server.piece])

    def handle(self) -> None:
        self.nick = b""
        with suppress(OSError):  # the generator ends with a reset
            for line in self.rfile:
                command, _, rest = line.rstrip().partition(b" ")
                with self.server.lock:
                    self.answer(command, rest)
                if command == b"JOIN" and self.server.stop_reading:
                    self.server.ended.wait()

    def answer(self, command: bytes, rest: bytes) -> None:
        match command:
            case b"NICK":
                self.nick = rest
            case b"USER":
                self.tell(b"PING :cookie\r\n")
            case b"PONG" if rest == b":cookie":
                self.tell(b":sloppy 001 %b :Welcome\r\n" % self.nick)
                self.tell(b":sloppy 422 %b :No message of the day\r\n" % self.nick)
            case b"JOIN":
                for room in rest.split(b","):
                    self.join(room)
            case b"PRIVMSG":
                self.server.say(self, rest)

    def join(self, room: bytes) -> None:
        names, members = (self.nick, room), self.server.rooms[room]
        members.append(self)
        for member in members:
            member.tell(b":%b!u@h JOIN :%b\r\n" % names)
        self.tell(b":sloppy 353 %b = %b :some names\r\n" % names + b":sloppy 366 %b %b :End\r\n" % names)


@contextmanager
def sloppy_server(**fault: Any) -> Iterator[int]:
    """Its port."""
    with _Server(**fault) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
