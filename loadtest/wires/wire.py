"""One user's end of a chat protocol, as far as a load test must know it. Sans-IO: no sockets, no Locust.

Subclass `Wire` for a server that does not speak IRC, and name the class as the `wire` of a `ChatUser`. `say` is all
that must be written; the rest says how a user comes in, what must be answered, and where messages end.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass

from chat.errors import FanfareError


class Refused(FanfareError):
    """The server does not want this user: its own words."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a server wants to know before it lets anybody in."""

    server_password: str = ""  # PASS
    account: str = ""  # of SASL PLAIN; the user's own nickname where there is none
    password: str = ""  # of the account; without one there is no SASL


_MESSAGE_BYTES = 1_024  # a stamped message that has not ended within as many bytes was cut on its way
# A stamp that has begun; those of users outside a scenario, whose window is 0, are whole once they have ended.
_BEGUN = re.compile(rb"\{(?:[0-9a-f.]*+\Z|[0-9a-f]++\.(?!0\.)[0-9a-f]++\.)")
_TEXT_END = b"{}"  # of a stamped message
_ENDED = re.compile(rb"(?<=\{\})")


class Framing:
    """How messages are told apart: by an end behind each, which is a line feed unless a subclass says else."""

    end: bytes = b"\n"  # what each message ends with; b"" where nothing does

    def whole(self, data: bytes) -> int:
        """How many bytes, from the beginning, can be read now. What follows waits for the rest of its message.

        Where nothing ends a message, that is all but a stamped one that has begun. A protocol with a length before each
        message has `end = b""`, and this method and `messages` in its own words.
        """
        if self.end:
            at = data.rfind(self.end)
            return at + len(self.end) if at >= 0 else 0
        ended = data.rfind(_TEXT_END) + len(_TEXT_END) if _TEXT_END in data else 0
        tail = data[ended:]
        return ended if len(tail) <= _MESSAGE_BYTES and _BEGUN.search(tail) else len(data)

    def messages(self, data: bytes) -> list[bytes]:
        """The messages in whole bytes, without their ends. Where nothing ends them, a stamp's end has to do."""
        if self.end:
            return data.split(self.end)[:-1]
        return [message for message in _ENDED.split(data) if message]


LINES = Framing()

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
    web = False  # the wire's lines come and go as WebSocket messages
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
        self.granted: frozenset[str] = frozenset()  # of the capabilities, once registered
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
