"""What a client of an unframed wire believes of the lobby, from notices and words.

Notices may be held back and merged into one that says how many they were. So a contradiction is a suspicion until the
client is at rest: a merged notice that comes later explains it.
"""

import re

from chat.server.core.state import State
from chat.wires.names import fold
from tests.attacks.beliefs import Excerpt

_NAME = r"([A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]*)"
# By wire: who came, who went, who is called what now, how many notices are merged, whose words.
_FORMS = {
    "relay": (
        rf"\* {_NAME} joined",
        rf"\* {_NAME} left",
        rf"\* {_NAME} is now {_NAME}",
        r"\* and \d+ more",
        rf"{_NAME}: ",
    ),
    "joined": (rf"joined:{_NAME}", rf"{_NAME} has left", rf"{_NAME} is now {_NAME}", r"and \d+ more", rf"{_NAME}: "),
    "tilde": (
        rf"SERVER~{_NAME} joined the chat app",
        rf"SERVER~{_NAME} left the chat app",
        rf"SERVER~{_NAME} is now {_NAME}",
        r"SERVER~and \d+ more",
        rf"{_NAME}~",
    ),
    "nick": (
        rf"{_NAME} connected to the server!\n",
        rf"{_NAME} has left the chat.\n",
        rf"{_NAME} is now {_NAME}\n",
        r"and \d+ more",
        rf"{_NAME}: ",
    ),
}


class UnframedBelief(Excerpt):
    """`receive` takes one send; `compare` holds the belief against the state."""

    def __init__(self, name: str, scheme: str) -> None:
        super().__init__(name)
        self.there: dict[str, bool] = {}  # by folded nickname; who is not in it is not known
        self.heard: list[str] = []
        self._joined, self._left, self._renamed, self._merged, self._said = map(re.compile, _FORMS[scheme])
        self._suspicions: list[str] = []

    def receive(self, data: bytes) -> None:
        text = data.decode()
        self.note(repr(text))
        if self._merged.match(text):
            self.there.clear()
            self._suspicions.clear()
        elif found := self._joined.fullmatch(text):
            self._is_there(found[1], False)
            self.there[fold(found[1])] = True
        elif found := self._left.fullmatch(text):
            self._is_there(found[1], True)
            self.there[fold(found[1])] = False
        elif found := self._renamed.fullmatch(text):
            self._is_there(found[1], True)
            if fold(found[1]) != fold(found[2]):
                self._is_there(found[2], False)
            self.there[fold(found[1])] = False
            self.there[fold(found[2])] = True
        elif (found := self._said.match(text)) and is_of_the_lobby(text[found.end() :]) and found[1] != "SERVER":
            self._is_there(found[1], True)
            self.there[fold(found[1])] = True

    def _is_there(self, nick: str, wanted: bool) -> None:
        if self.there.get(fold(nick), wanted) is not wanted:
            self._suspicions.append(f"{nick} is believed {'absent' if wanted else 'there'}")

    def forget(self) -> None:
        self.there.clear()
        self._suspicions.clear()

    def compare(self, state: State, lobby: str, own: str) -> None:
        """Complain of whatever no merged notice has explained, and of all in which the belief is not the state's.

        `own` is the client's name, whose coming it is not shown.
        """
        self.note("at rest:")
        room = state.find_room(lobby)
        members = {fold(member.nick) for member in room.members} if room is not None else set()
        wrong = [nick for nick, there in self.there.items() if (nick in members) is not there and nick != fold(own)]
        if wrong:
            self._suspicions.append(f"{wrong} are believed {[self.there[nick] for nick in wrong]}")
        for suspicion in self._suspicions:
            self.complain(suspicion)
        self._suspicions.clear()


def is_of_the_lobby(words: str) -> bool:
    """Not words to this client alone; of long ones only the first part is marked, so no later part counts."""
    return not words.startswith(("(private)", "xx"))
