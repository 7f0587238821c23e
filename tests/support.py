"""What the tests of the running server share: a server in this process, and plain clients of each wire.

Nothing here sleeps. A test knows that something has happened because a client was told so, most often by the answer to
a PING sent after it: answers never overtake events.
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import TypeVar

from chat.server.server import Server
from chat.settings import Settings, parse_address
from chat.wires.lines import LineSplitter, Overlong
from chat.wires.message import Message, parse

Socket = TypeVar("Socket", bound=socket.socket)

PATIENCE = 50.0  # s for an answer; a bound that only a fault reaches
_tokens = count(1)


class RunningServer:
    """A started server and clients to talk to it."""

    def __init__(self, server: Server, ports: dict[str, int], clients: ExitStack) -> None:
        self.server = server
        self.ports = ports
        self._clients = clients

    def connect(self, scheme: str = "irc", source: str = "127.0.0.1") -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.ports[scheme]), PATIENCE, (source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or each PING would wait for a delayed ACK
        return self._clients.enter_context(sock)

    def keep(self, sock: Socket) -> Socket:
        """Close it at the end."""
        self._clients.callback(sock.close)
        return sock

    def raw(self) -> "IrcClient":
        """A connection that has not registered."""
        return IrcClient(self.connect())

    def irc(self, nick: str, *rooms: str, caps: str = "") -> "IrcClient":
        """A registered client in these rooms."""
        client = self.raw()
        client.register(nick, caps)
        for room in rooms:
            client.join(room)
        return client

    def slow(self, nick: str, room: str, receive_bytes: int = 4096) -> "IrcClient":
        """A member whose kernel takes little until somebody reads: the rest has to wait at the server."""
        sock = self.connect()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client = IrcClient(sock)
        client.register(nick)
        client.join(room)
        return client

    def plain(self, scheme: str) -> "PlainClient":
        """A client of an unframed wire."""
        return PlainClient(self.connect(scheme))


@contextmanager
def running_server(schemes: tuple[str, ...] = ("irc",), port: int = 0, **settings: object) -> Iterator[RunningServer]:
    """A server on free ports of the loopback, or on the one that a server before it had; stopped at the end."""
    listen = tuple(parse_address(f"{scheme}://127.0.0.1:{port}") for scheme in schemes)
    defaults: dict[str, object] = {"rate_limit": 0.0, "stop_deadline": 2.0}
    defaults |= {"log": "memory:", "admin": "off", "cloak": "off", "user": "root" if os.geteuid() == 0 else ""}
    server = Server(Settings(listen=listen, **{**defaults, **settings}))  # type: ignore[arg-type]
    addresses = server.start()
    with ExitStack() as clients:
        try:
            yield RunningServer(server, {address.scheme: address.port for address in addresses}, clients)
        finally:
            clients.close()
            server.stop()
            assert server.loop.join(PATIENCE), "the loop did not end"


class IrcClient:
    """A blocking IRC client that keeps no state but its nickname."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.nick = "*"
        self._splitter = LineSplitter(16_384)
        self._lines: list[str] = []
        self.ended = False

    def send(self, *lines: str) -> None:
        self.sock.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def read_line(self) -> str | None:
        """The next line; None once the server has closed. A reset counts as closing."""
        while not self._lines:
            try:
                data = self.sock.recv(65_536)
            except ConnectionResetError:
                data = b""
            if not data:
                self.ended = True
                return None
            for line in self._splitter.feed(data):
                assert not isinstance(line, Overlong)
                self._lines.append(line.decode())
        return self._lines.pop(0)

    def read(self) -> Message | None:
        line = self.read_line()
        return None if line is None else parse(line)

    def expect(self, verb: str) -> Message:
        """Skip to the next message with this verb; fails when the server closes first."""
        return self.until(verb)[-1]

    def until(self, verb: str) -> list[Message]:
        """Everything up to the next message with this verb, it included."""
        seen: list[Message] = []
        while True:
            message = self.read()
            assert message is not None, f"closed before {verb} came; saw {seen}"
            seen.append(message)
            if message.verb == verb:
                return seen

    def sync(self) -> list[Message]:
        """All that the server had for this client when it came to a PING sent now."""
        token = f"sync{next(_tokens)}"
        self.send(f"PING {token}")
        seen: list[Message] = []
        while True:
            message = self.read()
            assert message is not None, f"closed before the PONG; saw {seen}"
            if message.verb == "PONG" and message.params[-1] == token:
                return seen
            seen.append(message)

    def sync_lines(self) -> list[str]:
        """As `sync`, the lines as they came."""
        token = f"sync{next(_tokens)}"
        self.send(f"PING {token}")
        seen: list[str] = []
        while True:
            line = self.read_line()
            assert line is not None, f"closed before the PONG; saw {seen}"
            if line.endswith(f" {token}") and " PONG " in line:
                return seen
            seen.append(line)

    def rest(self) -> list[str]:
        """Every line until the server closes."""
        return list(iter(self.read_line, None))

    def register(self, nick: str, caps: str = "") -> list[Message]:
        """Gives what came with the welcome, up to the end of the MOTD or its absence."""
        self.nick = nick
        if caps:
            self.send("CAP LS 302", f"CAP REQ :{caps}")
        self.send(f"NICK {nick}", f"USER {nick} 0 * :{nick} the tester")
        if caps:
            self.send("CAP END")
        seen: list[Message] = []
        while not seen or seen[-1].verb not in ("376", "422"):
            message = self.read()
            assert message is not None, f"closed while registering; saw {seen}"
            seen.append(message)
        return seen

    def join(self, room: str) -> list[Message]:
        self.send(f"JOIN {room}")
        return self.until("366")

    def say(self, to: str, text: str) -> None:
        self.send(f"PRIVMSG {to} :{text}")

    def hurry(self) -> None:
        """Be slow no longer: through the small buffer every 2 kB wait for a timer of the kernel."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        if sys.platform == "linux":
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, 1 << 16)


class PlainClient:
    """A client of an unframed wire: what it has got is one text, since a recv may hold several sends."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self._data = b""

    def send(self, text: str) -> None:
        self.sock.sendall(text.encode())

    def expect(self, text: str) -> str:
        """Read until `text` has come; gives everything up to it, and forgets that."""
        wanted = text.encode()
        while wanted not in self._data:
            data = self.sock.recv(65_536)
            assert data, f"closed before {text!r} came; saw {self._data!r}"
            self._data += data
        end = self._data.index(wanted) + len(wanted)
        seen, self._data = self._data[:end], self._data[end:]
        return seen.decode()

    def rest(self) -> str:
        """Everything until the server closes."""
        while data := self.sock.recv(65_536):
            self._data += data
        seen, self._data = self._data, b""
        return seen.decode()
