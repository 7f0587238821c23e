"""An innocent pair on a still server under attack: how many passes a word takes, and how much work is in one.

Counts stand for times: a pass of a few thousand calls takes milliseconds. The pair speaks faster than people do, and
has an address of its own; what an attacker's neighbours may still say is tested at people's rates.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from types import FrameType

from bench.still import StillServer, StillSocket
from chat.server.core.client import Client
from chat.settings import Settings
from chat.wires.irc import IrcDialect
from chat.wires.message import Message
from tests.asking import ask_as
from tests.attacks.transports import Carried, CarryingServer

DEFAULTS = Settings(helpers=0)
CLIENTS = {sock.send.__code__.co_filename for sock in (StillSocket, Carried)}
MOST_CALLS = 40_000  # of functions, ours and the interpreter's, in one pass; some 5 ms
MORE_CALLS = {"irc": 1.0, "ircs": 1.25, "ws": 2.0}  # a record a send and a read; a frame a line
MOST_BYTES = 4_000_000  # made for all clients together in one pass
NEVER = 1_000  # passes
SETTLED = 12.0  # s after which a connection is no newcomer


class Siege:
    """`word` has one of the pair speak, and runs passes until the other has heard it."""

    def __init__(self, server: StillServer, host: str, scheme: str = "irc") -> None:
        self.server = server
        self._more_calls = MORE_CALLS[scheme]
        self.most_calls = 0
        self.most_bytes = 0
        self.most_passes = 0
        self._pair = tuple(server.connect(f"innocent{number}", "#quiet", host=host) for number in (1, 2))
        self._words = 0
        server.advance(SETTLED)

    def go_on(self, passes: int = 1, seconds: float = 0.01) -> None:
        """Run passes, with that much time between them, and note the most that was done in one."""
        for _ in range(passes):
            self._step()
            self.server.now += seconds

    def _step(self) -> None:
        calls = 0

        def note(frame: FrameType, event: str, argument: object) -> None:
            nonlocal calls
            if event in ("c_call", "call") and frame.f_code.co_filename not in CLIENTS:
                calls += 1

        before = {sock: len(sock.heard) for sock in self._socks()}
        sys.setprofile(note)
        try:
            self.server.step()
        finally:
            sys.setprofile(None)
        self.most_calls = max(self.most_calls, calls)
        made = sum(len(data) for sock, heard in before.items() for data in sock.heard[heard:])
        self.most_bytes = max(self.most_bytes, made)

    def _socks(self) -> list[StillSocket]:
        return [connection.sock for connection in self.server.loop.connections]  # type: ignore[misc]

    def word(self) -> None:
        speaker, listener = self._pair
        self._words += 1
        speaker.said += f"PRIVMSG #quiet :word {self._words}\r\n".encode()
        listener.heard.clear()
        word, passes = f"word {self._words}\r\n".encode(), 0
        while word not in b"".join(listener.heard):
            assert passes < NEVER, "a word of the innocent is not heard"
            self.go_on()
            passes += 1
        self.most_passes = max(self.most_passes, passes)

    def hold(self, passes: int = 2, calls: int = MOST_CALLS, made: int = MOST_BYTES) -> None:
        """What must hold everywhere."""
        print(f"passes {self.most_passes}, calls {self.most_calls:,}, bytes {self.most_bytes:,}")
        assert self.most_passes <= passes
        assert self.most_calls <= calls * self._more_calls
        assert self.most_bytes <= made


@contextmanager
def siege(settings: Settings = DEFAULTS, host: str = "10.9.9.8", scheme: str = "irc") -> Iterator[Siege]:
    """`scheme` is of all who speak IRC, the innocent pair among them."""
    with closing(CarryingServer(scheme, settings)) as server:
        yield Siege(server, host, scheme)


def ghosts(server: StillServer, count: int, *rooms: str) -> None:
    """Users who are on another node: they are in the rooms, and take nothing."""
    node = server.node
    nobody = Client("10.0.0.1", IrcDialect.of(()), node.fan_out, node.name)
    first = len(node.state.users)
    for number in range(first, first + count):
        mask = f"ghost{number}!~ghost@10.0.{number >> 8}.{number & 255}"
        ask_as(node, nobody, Message("USER", ["~ghost", "0", "*", "somebody with a real name"], mask))
        for room in rooms:
            ask_as(node, nobody, Message("JOIN", [room], mask))
    server.settle(at_least=1)


def members(server: StillServer, count: int, *rooms: str, name: str = "member") -> list[StillSocket]:
    """Registered clients, each with an address of its own."""
    socks = []
    for number in range(count):
        sock = server.visit(f"10.1.{number >> 8}.{number & 255}")
        lines = [f"NICK {name}{number}", f"USER {name} 0 * :{name}", *(f"JOIN {room}" for room in rooms)]
        sock.said = "".join(f"{line}\r\n" for line in lines).encode()
        socks.append(sock)
    server.settle()
    for sock in socks:
        sock.heard.clear()
    return socks


def attackers(server: StillServer, count: int, *rooms: str) -> list[StillSocket]:
    """As `members`, all with one address, and no newcomers any longer."""
    socks = [server.connect(f"bad{number}", *rooms) for number in range(count)]
    server.advance(SETTLED)
    return socks


def say(socks: Iterable[StillSocket], data: bytes) -> None:
    for sock in socks:
        sock.said += data
