"""Become a member: register with an IRC server, then join a room. Sans-IO: messages in, bytes to send out.

Works with any server: one without capabilities answers `CAP` with 421 or 451, or not at all, and welcomes the user all
the same. Source: https://modern.ircdocs.horse "Connection Registration",
https://ircv3.net/specs/extensions/capability-negotiation
"""

from collections.abc import Sequence

from chat.errors import FanfareError
from chat.wires.message import Message, build
from loadtest.accounting.reasons import printable

_WELCOME = "001"
_NAMES_END = "366"
_NO_ANSWER_NEEDED = {"421", "451", "422"}  # no such command, not registered yet, no message of the day


class Refused(FanfareError):
    """The server does not want this user: its own words."""


class Registration:
    """Nickname and capabilities, up to the welcome."""

    def __init__(self, nick: str, capabilities: Sequence[str] = ()) -> None:
        self.done = False
        self.granted: set[str] = set()
        self._nick = nick
        self._wanted = capabilities
        self._offered: set[str] = set()

    def opening(self) -> bytes:
        return build("CAP", "LS", "302") + build("NICK", self._nick) + build("USER", self._nick, "0", "*", "load test")

    def feed(self, message: Message) -> bytes:
        """What to answer. Raises Refused."""
        match message.verb:
            case "PING":
                return build("PONG", *message.params[-1:])
            case "CAP" if len(message.params) > 2:
                return self._capabilities(message.params[1].upper(), message.params[2:])
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
            return build("CAP", "REQ", " ".join(wanted)) if wanted else build("CAP", "END")
        if verb == "ACK":
            self.granted |= names
        return build("CAP", "END") if verb in ("ACK", "NAK") else b""


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
