"""IRC as a load test's user speaks it: register, join a room, talk. Sans-IO.

Works with any server: one without capabilities answers `CAP` with 421 or 451, or not at all, and welcomes the user all
the same. Source: https://modern.ircdocs.horse, https://ircv3.net/specs/extensions/capability-negotiation
"""

import base64
import re
from collections.abc import Sequence

from chat.errors import WireError
from chat.wires.message import Message, build, parse
from loadtest.core.reasons import printable
from loadtest.wires.wire import LEAVES, NAMES, ROOMS, Login, Refused, Said, Step, Wire

_NOBODY = Login()
_WELCOME = "001"
_LOGGED_IN = "903"
_NAMES_END = "366"
# No such command, not registered yet, no message of the day; logged in, and as whom.
_NO_ANSWER_NEEDED = {"421", "451", "422", "900", "903"}


class Registration:
    """Password, nickname, capabilities and account, up to the welcome."""

    def __init__(self, nick: str, capabilities: Sequence[str] = (), login: Login = _NOBODY) -> None:
        self.done = False
        self._login = login
        self.granted: set[str] = set()
        self._nick = nick
        self._wanted = [*capabilities, *(("sasl",) if login.password else ())]
        self._offered: set[str] = set()

    def opening(self) -> bytes:
        password = build("PASS", self._login.server_password) if self._login.server_password else b""
        return (
            password
            + build("CAP", "LS", "302")
            + build("NICK", self._nick)
            + build("USER", self._nick, "0", "*", "load test")
        )

    def feed(self, message: Message) -> bytes:
        """What to answer. Raises Refused."""
        match message.verb:
            case "PING":
                return build("PONG", *message.params[-1:])
            case "CAP" if len(message.params) > 2:
                return self._capabilities(message.params[1].upper(), message.params[2:])
            case "AUTHENTICATE":
                return build("AUTHENTICATE", self._credentials())
            case _ if message.verb == _LOGGED_IN:
                return build("CAP", "END")
            case _ if message.verb == _WELCOME:
                self.done = True
        _check(message)
        return b""

    def _capabilities(self, verb: str, params: list[str]) -> bytes:
        names = {word.partition("=")[0] for word in params[-1].split()}
        if verb == "LS":
            self._offered |= names
            if params[0] == "*" and len(params) > 1:
                return b""  # more of the list follows
            wanted = [name for name in self._wanted if name in self._offered]
            if self._login.password and "sasl" not in wanted:
                raise Refused("the server offers no login (SASL)")
            return build("CAP", "REQ", " ".join(wanted)) if wanted else build("CAP", "END")
        if verb == "ACK":
            self.granted |= names
            if "sasl" in names:
                return build("AUTHENTICATE", "PLAIN")
        return build("CAP", "END") if verb in ("ACK", "NAK") else b""

    def _credentials(self) -> str:
        """Source: RFC 4616, in the base64 of https://ircv3.net/specs/extensions/sasl-3.1"""
        login = self._login
        account = login.account or self._nick
        return base64.b64encode(f"{account}\0{account}\0{login.password}".encode()).decode()


class Entry:
    """Joining one room, up to the end of its list of names."""

    def __init__(self, room: str) -> None:
        self.done = False
        self._room = room

    def opening(self) -> bytes:
        return build("JOIN", self._room)

    def feed(self, message: Message) -> bytes:
        """What to answer. Raises Refused."""
        if message.verb == "PING":
            return build("PONG", *message.params[-1:])
        if message.verb == _NAMES_END and len(message.params) > 1:
            self.done = message.params[1].lower() == self._room.lower()
        _check(message)
        return b""


def _check(message: Message) -> None:
    """Numerics from 400 are errors, as is the server's last word; one about an older command is not ours."""
    number = int(message.verb) if message.verb.isdigit() else 0
    if message.verb == "ERROR" or (number >= 400 and message.verb not in _NO_ANSWER_NEEDED):
        words = f"{message.verb} {' '.join(message.params[1:] if number else message.params)}"
        raise Refused(printable(words))


# What a step of the way in may want: everything else, the list of names and who else comes above all, is not even
# parsed. With 1,000 who come at once, parsing it all was half of the generator's work. The line end in front and the
# groups that give nothing back (`++`) make it 6 times as fast as `^`.
_ANSWERS = re.compile(
    rb"\n((?:@[^ \n]*+ ++)?+(?::[^ \n]*+ ++)?+"
    rb"(?:PING|ERROR|CAP|AUTHENTICATE|001|366|903|[4-9][0-9][0-9]) [^\r\n]*)"
)


class IrcWire(Wire):
    tells = frozenset((ROOMS, NAMES, LEAVES))
    scheme = "irc"
    port = 6667
    urgent = (b"PING", b"ERROR")

    def register(self) -> Step:
        registration = Registration(self.nick, self.capabilities, self.login)
        yield from _walk(registration)
        self.granted = frozenset(registration.granted)
        return None

    def enter(self, room: str) -> Step:
        return _walk(Entry(room))

    def say(self, room: str, words: str) -> bytes:
        return build("PRIVMSG", room, words)

    def goodbye(self) -> bytes:
        return build("QUIT", "done")

    def answers(self, data: bytes) -> list[bytes]:
        return _ANSWERS.findall(b"\n" + data)

    def heed(self, message: bytes) -> bytes:
        line = _message(message)
        if line.verb == "ERROR":
            self.last_words = printable(" ".join(line.params))
        return build("PONG", *line.params[-1:]) if line.verb == "PING" else b""

    def said(self, message: bytes) -> Said | None:
        line = _message(message)
        return Said(line.nick, *line.params) if line.verb == "PRIVMSG" and len(line.params) == 2 else None


class IrcsWire(IrcWire, scheme="ircs", port=6697):
    """IRC over TLS. Victims and guests are not: the scenarios with these take plain connections."""

    tls = True
    tells = frozenset((ROOMS,))


class WsWire(IrcWire, scheme="ws", port=8067):
    """IRC in WebSocket messages; the path of the URL is that of the request. No victims and guests, as over TLS."""

    web = True
    tells = frozenset((ROOMS,))


class WssWire(WsWire, scheme="wss", port=8097):
    tls = True


def _walk(step: Registration | Entry) -> Step:
    line = yield step.opening()
    while True:
        answer = step.feed(_message(line))
        if step.done:
            return None
        line = yield answer


def _message(line: bytes) -> Message:
    """A line that is no message is nothing to a user."""
    try:
        return parse(line.removesuffix(b"\r").decode(errors="replace"))
    except WireError:
        return Message("")
