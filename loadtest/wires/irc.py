"""IRC as a load test's user speaks it. Source: https://modern.ircdocs.horse"""

import re

from chat.errors import WireError
from chat.wires.message import Message, build, parse
from loadtest.accounting.reasons import printable
from loadtest.network.handshake import Entry, Registration
from loadtest.wires.wire import LEAVES, NAMES, ROOMS, Said, Step, Wire

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
        return _walk(Registration(self.nick, self.capabilities, self.login))

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
