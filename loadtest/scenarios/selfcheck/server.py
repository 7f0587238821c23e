"""A program that is a small chat server with known faults: what the load test's own check is held against.

It speaks as much IRC as the load test does, on a free port of the loopback, which its first line out names. A line of
JSON on standard input sets the fault that follows, `{"fault": NAME}`, and forgets what it counted; `{}` asks for what
it did since. It ends with its standard input or its parent. All that it says to one user in a run fits the kernel's
buffers, so it writes without a queue.
"""

import ctypes
import json
import re
import selectors
import signal
import socket
import sys
import time
from collections import Counter, deque
from contextlib import suppress
from typing import Any

from chat.errors import FanfareError
from chat.wires.lines import LineSplitter, Overlong
from chat.wires.message import Message, parse
from loadtest.core.histogram import Histogram

NONE, DELAY, LOSE, REPEAT, SWAP = "none", "delay", "lose", "repeat", "swap"
AGAIN = "again"  # once more, long after
LEAK = "leak"  # to users of other rooms as well
CUT, ALTER, FORGE = "cut", "alter", "forge"  # the text's end is missing; a letter is another; the speaker is
DIVIDE = "divide"  # one user has some messages of several senders in another order than all others
FAULTS = (NONE, DELAY, LOSE, REPEAT, AGAIN, SWAP, LEAK, CUT, ALTER, FORGE, DIVIDE)
COUNTS = ("delivered", "lost", "duplicated", "reordered", "stray", "corrupt", "diverged")
DELAY_MS = 50
AGAIN_MS = 300
EVERY, FIRST = 5, 2  # of each sender's messages, the ones that something happens to: 2, 7, 12, ...
_CUT_BYTES = 10

_STAMP = re.compile(r"\{[0-9a-f]{8}\.[0-9a-f]+\.[0-9a-f]+\.([0-9a-f]+)\.([0-9a-f]+)\}")  # number, intended time
_RECV_BYTES = 65_536
_LINE_LIMIT = 8_191
_PATIENCE_S = 10.0  # for a user that does not read, before it is given up
_PR_SET_PDEATHSIG = 1


class Guest:
    """One user's connection."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(_PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.nick = "*"
        self.room = ""
        self.held: dict[str, bytes] = {}  # by sender, a message that waits for the next one to pass
        self.has_spoken = False
        self.splitter = LineSplitter(_LINE_LIMIT)

    def tell(self, text: str) -> None:
        with suppress(OSError):  # it has gone; reading will show it
            self.sock.sendall(f":selfcheck {text}\r\n".encode())


class FaultyServer:
    """One thread, one room or several, one fault at a time."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.listener, selectors.EVENT_READ)
        self._guests: set[Guest] = set()
        self._later: deque[tuple[int, Guest, str, bytes]] = deque()  # when, who, which room, what; in order of time
        self.begin(NONE)

    def begin(self, fault: str) -> None:
        """From now on."""
        assert fault in FAULTS
        self._fault = fault
        self.done: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
        # One sample a delivery: from its message's intended time until just before, and just after, it is written.
        self.written, self.sent = Histogram(), Histogram()
        self.behind_us = 0  # the longest that one was written after its time

    def serve(self) -> None:
        """Until standard input ends."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            left_s = (self._later[0][0] - time.monotonic_ns()) / 1e9 if self._later else None
            for key, _ in self._selector.select(None if left_s is None else max(0.0, left_s)):
                if key.fd == sys.stdin.fileno():
                    if not (line := sys.stdin.readline()):
                        return
                    self._obey(json.loads(line))
                elif key.fileobj is self.listener:
                    self._welcome(self.listener.accept()[0])
                else:
                    self._read(key.data)
            while self._later and self._later[0][0] <= time.monotonic_ns():
                due_ns, sender, room, line = self._later.popleft()
                if self._fault == AGAIN:
                    self._repeat(sender, room, line)
                    self._fall_behind(due_ns)
                else:
                    self._deliver(sender, room, line)

    def _obey(self, order: dict[str, Any]) -> None:
        if "fault" in order:
            self.begin(order["fault"])
        _say(**self.done, written=self.written.pack(), sent=self.sent.pack(), behind_us=self.behind_us)

    def _welcome(self, sock: socket.socket) -> None:
        guest = Guest(sock)
        self._guests.add(guest)
        self._selector.register(sock, selectors.EVENT_READ, guest)

    def _read(self, guest: Guest) -> None:
        data = b""
        with suppress(OSError):
            data = guest.sock.recv(_RECV_BYTES)
        for line in guest.splitter.feed(data):
            if not isinstance(line, Overlong):
                with suppress(FanfareError):
                    self._heed(guest, parse(line.decode(errors="replace")))
        if not data:
            self._guests.discard(guest)
            self._selector.unregister(guest.sock)
            guest.sock.close()

    def _heed(self, guest: Guest, message: Message) -> None:
        match message.verb, message.params:
            case "CAP", ["LS", *_]:
                guest.tell("CAP * LS :")
            case "NICK", [nick]:
                guest.nick = nick
            case "USER", _:
                guest.tell(f"001 {guest.nick} :a server with known faults")
            case "JOIN", [room]:
                guest.room = room
                guest.tell(f"366 {guest.nick} {room} :end of names")
            case "PING", [token, *_]:
                guest.tell(f"PONG selfcheck :{token}")
            case "PRIVMSG", [room, words]:
                guest.has_spoken = True
                line = f":{guest.nick}!load@selfcheck PRIVMSG {room} :{words}\r\n".encode()
                now_ns = time.monotonic_ns()
                if self._fault == DELAY:
                    self._later.append((now_ns + DELAY_MS * 1_000_000, guest, room, line))
                    return
                if self._fault == AGAIN and _is_chosen(line):
                    self._later.append((now_ns + AGAIN_MS * 1_000_000, guest, room, line))
                self._deliver(guest, room, line)

    def _fall_behind(self, due_ns: int) -> None:
        self.behind_us = max(self.behind_us, (time.monotonic_ns() - due_ns) // 1000)

    def _repeat(self, sender: Guest, room: str, line: bytes) -> None:
        for guest in self._guests:
            if guest is not sender and guest.room == room:
                self.done["duplicated"] += 1
                _send(guest, line)

    def _deliver(self, sender: Guest, room: str, line: bytes) -> None:
        if not (stamp := _STAMP.search(line.decode(errors="replace"))):
            return
        intended_ns = int(stamp[2], 16)
        odd = min((each for each in self._guests if each.room == room and not each.has_spoken), key=_name, default=None)
        for guest in self._guests:
            if guest is sender:
                continue
            if guest.room == room:
                data = self._tamper(guest, guest is odd, sender.nick, line)
            else:
                data = line if self._fault == LEAK and _is_chosen(line) else b""
                self.done["stray"] += bool(data)
            if data:
                before_ns = time.monotonic_ns()
                _send(guest, data)
                if guest.room == room:
                    self.written.add((before_ns - intended_ns) // 1000)
                    self.sent.add((time.monotonic_ns() - intended_ns) // 1000)
        self._fall_behind(intended_ns + (DELAY_MS * 1_000_000 if self._fault == DELAY else 0))

    def _tamper(self, guest: Guest, is_odd: bool, sender: str, line: bytes) -> bytes:
        """What this guest gets instead."""
        is_chosen, done = _is_chosen(line), self.done
        if is_chosen and self._fault == LOSE:
            done["lost"] += 1
            return b""
        done["delivered"] += 1
        if is_chosen and self._fault == REPEAT:
            done["duplicated"] += 1
            return line * 2
        if is_chosen and self._fault in (CUT, ALTER, FORGE):
            done["corrupt"] += 1
            return _corrupt(self._fault, line)
        if self._fault == SWAP and is_chosen:
            guest.held[sender] = line
            return b""
        if self._fault == DIVIDE and is_odd and is_chosen and not guest.held:
            guest.held[""] = line
            return b""
        held = guest.held.pop(sender if self._fault == SWAP else "", b"")
        done["diverged" if self._fault == DIVIDE else "reordered"] += bool(held)
        return line + held


def _is_chosen(line: bytes) -> bool:
    stamp = _STAMP.search(line.decode(errors="replace"))
    return stamp is not None and int(stamp[1], 16) % EVERY == FIRST


def _corrupt(fault: str, line: bytes) -> bytes:
    if fault == CUT:
        return line[: -_CUT_BYTES - len(b"\r\n")] + b"\r\n"
    if fault == ALTER:
        return line.replace(b"all work", b"all play")
    return line.replace(b":f", b":g", 1)  # what nicknames of a run begin with


def _name(guest: Guest) -> str:
    return guest.nick


def _send(guest: Guest, data: bytes) -> None:
    with suppress(OSError):
        guest.sock.sendall(data)


def _say(**words: Any) -> None:
    print(json.dumps(words), flush=True)


def main() -> int:
    with suppress(OSError, AttributeError):  # Linux; elsewhere the end of standard input has to do
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the load test, which ends this
    server = FaultyServer()
    _say(port=server.listener.getsockname()[1])
    server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
