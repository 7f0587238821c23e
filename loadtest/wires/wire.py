"""One user's end of a chat protocol, as far as a load test must know it. Sans-IO: no sockets, no Locust.

Subclass `Wire` for a server that does not speak IRC, and name the class as the `wire` of a `ChatUser`. `say` is all
that must be written; the rest says how a user comes in, what must be answered, and where messages end.
"""

from collections.abc import Generator
from dataclasses import dataclass

from loadtest.network.framing import Framing
from loadtest.network.handshake import Login, Refused

# What a user sends and waits for on the way in: each `yield` sends bytes, which may be none, and gives the next
# message that arrives. The step is done when the generator returns, and has failed when it raises Refused; what it
# returns is sent, and not answered.
Step = Generator[bytes, bytes, bytes | None]

__all__ = ["Refused", "Said", "Step", "Wire"]


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said. `who` and `room` are empty where the wire does not tell."""

    who: str
    room: str
    text: str


WIRES: "dict[str, type[Wire]]" = {}  # by scheme
ROOMS, NAMES, LEAVES = "rooms", "names", "leaves"  # several of them; who is in one; who has gone, and why


class Wire(Framing):
    """A new one for each connection, so it may keep what it has learned. `end` is a line feed: see `Framing`."""

    tls = False  # the connection is secured, and the server's certificate checked
    tells: frozenset[str] = frozenset()  # what a scenario may need to know: see `Scenario.needs`
    scheme = ""  # of --host SCHEME://HOST:PORT
    port = 0  # without one in the URL; 0: there must be one
    urgent: tuple[bytes, ...] = ()  # a message of the room's with one of these in it goes to `heed`

    def __init_subclass__(
        cls, scheme: str | None = None, end: bytes | None = None, port: int | None = None, **more: object
    ) -> None:
        """A class with a scheme is what `--host SCHEME://HOST:PORT` means from then on."""
        super().__init_subclass__(**more)
        for name, value in (("scheme", scheme), ("end", end), ("port", port)):
            if value is not None:
                setattr(cls, name, value)
        if cls.scheme:
            WIRES[cls.scheme] = cls

    def __init__(self, nick: str, capabilities: tuple[str, ...] = ()) -> None:
        """`capabilities` are extensions to ask for, where the protocol has such."""
        self.nick = nick
        self.capabilities = capabilities
        self.login = Login()  # what the server wants to know of its users
        self.last_words = ""  # the server's own reason for ending the connection, if it gave one

    def register(self) -> Step:
        """What follows the TCP connection, until the server knows the user. Here: nothing."""
        yield from ()
        return None

    def enter(self, room: str) -> Step:
        """What it takes to be in a room: from its end on, what others say there is heard. Here: nothing."""
        yield from ()
        return None

    def say(self, room: str, words: str) -> bytes:
        """These words, to be sent to a room. They are one line of text, and begin with a stamp that must stay whole."""
        raise NotImplementedError

    def goodbye(self) -> bytes:
        """What is sent before the user closes the connection. Here: nothing."""
        return b""

    def answers(self, data: bytes) -> list[bytes]:
        """The messages in `data` that a step may want; here all of them. Fewer save time while thousands come in."""
        return self.messages(data)

    def heed(self, message: bytes) -> bytes:
        """What to answer to a message with something urgent in it. May set `last_words`."""
        return b""

    def said(self, message: bytes) -> Said | None:
        """Who said what in a message; None when it is something else."""
        return Said("", "", message.decode(errors="replace"))
