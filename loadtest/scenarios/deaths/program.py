"""A program that holds users who are to die, so that it can be killed, stopped or cut off with all of them at once.

One line of JSON on standard input says who they are and where they go; one line on standard output says that all are
in, with their local ports, or what went wrong. They answer PING and say nothing. A second line may say how they die,
and when; the next line out is the moment of the last death. The program ends with its standard input or its parent.
"""

import ctypes
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from typing import Any

from chat.errors import FanfareError
from chat.wires.message import build
from loadtest.net.addresses import Sources
from loadtest.net.session import Session
from loadtest.wires.irc import IrcWire
from loadtest.wires.wire import Login

_RECV_BYTES = 65_536
_LINE_LIMIT = 8_191 + 512  # bytes: IRCv3 tags and a message
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s
_PR_SET_PDEATHSIG = 1


class Fault(FanfareError):
    """A user did not get in."""


class Victim:
    """One user: its way in, then a socket that is read and forgotten."""

    def __init__(self, sock: socket.socket, nick: str, room: str, receive_bytes: int, login: Login) -> None:
        self.sock = sock
        self.sock.setblocking(False)
        if receive_bytes:  # before connecting: it decides the window that is offered
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.is_connected = False
        self.is_in = False
        self._wire = IrcWire(nick)
        self._wire.login = login
        self._room = room
        self._session = Session(self._wire)

    def begin(self) -> None:
        """The connection stands, or failed. Raises Fault."""
        if error := self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise Fault(f"connect: {os.strerror(error)}")
        self.is_connected = True
        self.sock.sendall(self._session.begin(self._wire.register(), self._wire.enter(self._room)))

    def read(self) -> bool:
        """Take what has arrived; False when the server has ended the connection. Raises Fault when not in yet."""
        try:
            data = self.sock.recv(_RECV_BYTES)
        except BlockingIOError:
            return True
        except OSError as error:
            data, why = b"", os.strerror(error.errno or 0)
        else:
            why = "closed by the server"
        if not data and not self.is_in:
            raise Fault(why)
        try:
            answer = self._session.receive(data)
        except FanfareError as error:
            raise Fault(str(error)) from None
        self.is_in = not self._session.steps_left
        if answer:
            with suppress(OSError):  # its end is noticed by reading
                self.sock.send(answer)
        return bool(data)


class Victims:
    """All victims of this process."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self._orders = orders
        self._sources = Sources(orders.get("sources", ()))
        self._selector = selectors.DefaultSelector()
        self._victims: list[Victim] = []

    def admit(self) -> list[int]:
        """Bring everybody in, a few at a time; gives their local ports. Raises Fault."""
        waiting = deque(self._orders["victims"])
        entering: set[Victim] = set()
        until = time.monotonic() + self._orders["patience"]
        while waiting or entering:
            while waiting and len(entering) < self._orders["connecting"]:
                entering.add(self._connect(*waiting.popleft()))
            self._turn(until - time.monotonic())
            entering = {victim for victim in entering if not victim.is_in}
            if time.monotonic() >= until:
                left = len(waiting) + len(entering)
                raise Fault(
                    f"{left:,} of {len(self._orders['victims']):,} were not in after {self._orders['patience']:g} s"
                )
        return [victim.sock.getsockname()[1] for victim in self._victims]

    def live(self) -> None:
        """Answer PING, until an order to die has been obeyed and standard input has ended."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            if self._turn(None):
                line = sys.stdin.readline()
                if not line:
                    return
                orders = json.loads(line)
                while (left := orders["at_ns"] / 1e9 - time.monotonic()) > 0.002:
                    self._turn(left - 0.001)
                self._die(orders["how"], orders["at_ns"])
                _say(dead_ns=time.monotonic_ns())

    def _connect(self, nick: str, family: int, address: list[Any]) -> Victim:
        orders = self._orders
        sock = socket.socket(family, socket.SOCK_STREAM)
        victim = Victim(sock, nick, orders["room"], orders["receive_bytes"], Login(*orders.get("login", ())))
        self._sources.bind(sock)
        with suppress(BlockingIOError):
            sock.connect(tuple(address))
        self._selector.register(victim.sock, selectors.EVENT_WRITE, victim)
        self._victims.append(victim)
        return victim

    def _turn(self, seconds: float | None) -> bool:
        """See to what is ready; True when standard input is. Raises Fault."""
        spoken_to = False
        for key, _ in self._selector.select(None if seconds is None else max(0.0, seconds)):
            victim: Victim | None = key.data
            if victim is None:
                spoken_to = True
            elif not victim.is_connected:
                victim.begin()
                self._selector.modify(victim.sock, selectors.EVENT_READ, victim)
            elif not victim.read():
                self._selector.unregister(victim.sock)
                victim.sock.close()
        return spoken_to

    def _die(self, how: str, at_ns: int) -> None:
        """All of them, at the given moment of the monotonic clock."""
        living = [victim.sock for victim in self._victims if victim.sock.fileno() >= 0]
        if how in ("rst", "stall"):
            for sock in living:
                self._selector.unregister(sock)
        if how == "rst":
            for sock in living:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        farewell = build("QUIT", "done")
        time.sleep(max(0.0, at_ns / 1e9 - time.monotonic()))
        for sock in living:
            with suppress(OSError):  # the server was faster
                if how == "quit":
                    sock.send(farewell)
                elif how == "fin":
                    sock.shutdown(socket.SHUT_WR)  # closing with bytes unread would be a reset
                elif how == "rst":
                    sock.close()


def _say(**words: Any) -> None:
    print(json.dumps(words), flush=True)


def main() -> int:
    with suppress(OSError, AttributeError):  # Linux; elsewhere the end of standard input has to do
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the load test, which ends this
    victims = Victims(json.loads(sys.stdin.readline()))
    try:
        _say(ports=victims.admit())
    except (Fault, OSError) as error:
        _say(fault=str(error))
        return 1
    victims.live()
    return 0


if __name__ == "__main__":
    sys.exit(main())
