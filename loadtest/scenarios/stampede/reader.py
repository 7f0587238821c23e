"""Reading a room's history back to a run's first words: IRCv3 `draft/chathistory`, over a member's own connection.

Source: https://ircv3.net/specs/extensions/chathistory
"""

import re

import gevent
from gevent.event import AsyncResult

from chat.errors import FanfareError, WireError
from chat.wires.message import build, parse
from loadtest.core.reasons import printable
from loadtest.core.receiver import Moment
from loadtest.core.stamps import Stamps
from loadtest.run.role import Member
from loadtest.scenarios.stampede.history import Words

HISTORY = "draft/chathistory"
CAPABILITIES = ("batch", HISTORY, "message-tags", "server-time")
# Lines that may be of an answer, and which batch they are in. An answer comes amid the JOINs of all who come back: the
# line end in front and the groups that give nothing back (`++`) pass each of these in 0.3 µs. Searching for the words
# from the line's start took 15, and held the generator up by 25 ms for each 64 KiB that it read.
_ANSWERS = re.compile(
    rb"\n(@(?:[^; \n]*+;)*?batch=([^; \n]*+)[^\r\n]*|(?:@[^ \n]*+ ++)?+(?::[^ \n]*+ ++)?+(?:BATCH|FAIL|421) [^\r\n]*)"
)
_WORDS = (b"batch=", b"BATCH ", b"CHATHISTORY")  # one is in each line of an answer; most reads have none
_PAGE = 100  # what is asked for at a time; a server may give fewer


class NoHistory(FanfareError):
    """The server does not give it; the text says why."""


class _Page:
    """The lines of one answer. `over` is set to them, oldest first, or to why there are none."""

    def __init__(self) -> None:
        self.over = AsyncResult()
        self._batch = b""
        self._lines: list[bytes] = []

    def take(self, data: bytes) -> None:
        for line, batch in _ANSWERS.findall(b"\n" + data):
            if batch and batch == self._batch:
                self._lines.append(line)
            else:
                self._command(line)

    def _command(self, data: bytes) -> None:
        """One that may begin or end the answer."""
        try:
            line = parse(data.decode(errors="replace"))
        except WireError:
            return  # nothing to a user
        match line.verb:
            case "BATCH" if line.params[0][:1] == "+" and line.params[1:2] == ["chathistory"]:
                self._batch = line.params[0][1:].encode()
            case "BATCH" if self._batch and line.params[0].encode() == b"-" + self._batch:
                self.over.set(self._lines)
            case "FAIL" | "421" if "CHATHISTORY" in line.params:
                self.over.set_exception(NoHistory(printable(" ".join(line.params))))


def read_back(member: Member, stamps: Stamps, patience: float) -> list[Words]:
    """All words of these stamps that the room's history has, oldest first. Raises NoHistory.

    The member's ledger must be off: what it reads here nobody has just said.
    """
    found: list[Words] = []
    before = ""
    while True:
        lines = _ask(member, before, patience)
        words = [(one.sender, one.number) for one in stamps.find(b"\n".join(lines))]
        if not words:
            return found
        found = words + found
        before = parse(lines[0].decode(errors="replace")).tag("msgid") or ""
        if not before:
            raise NoHistory("the server's history has no msgid")


def _ask(member: Member, before: str, patience: float) -> list[bytes]:
    connection = member.connection
    if connection is None or not connection.is_open:
        raise NoHistory(member.gone_why or "no connection")
    page, listening = _Page(), connection.on_lines

    def overhear(data: bytes, at: Moment) -> None:
        if any(word in data for word in _WORDS):
            page.take(data)
        if b"PING" in data or b"ERROR" in data:
            listening(data, at)

    connection.on_lines = overhear
    room = member.receiver.room
    try:
        which = ("BEFORE", room, f"msgid={before}") if before else ("LATEST", room, "*")
        connection.send(build("CHATHISTORY", *which, str(_PAGE)))
        with gevent.Timeout(patience, NoHistory(f"no answer within {patience:g} s")):
            lines: list[bytes] = page.over.get()
            return lines
    finally:
        connection.on_lines = listening
