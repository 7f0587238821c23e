"""The talks of one connection, which of them is shown, and what is unread in the others. Pure state, no Tk."""

import re
from collections.abc import Iterator
from itertools import count

from chat.client.changes import Appended, Change, Opened, TalksChanged
from chat.client.talk import Line, Talk, TalkKind
from chat.client.text import clean
from chat.wires.names import fold

TALKS = 200  # talks that others may open by writing to us; beyond it their words go to the server's talk


class Talks:
    """In the order in which they were opened, the server's own words first."""

    def __init__(self, server: str, room: str) -> None:
        self._ids = count(1)
        self.server = Talk(server, TalkKind.SERVER, self._ids)
        self._by_name: dict[str, Talk] = {}  # rooms and persons, by their folded name
        self.current = self.server
        self.current = self.add(room, TalkKind.ROOM)

    def __iter__(self) -> Iterator[Talk]:
        yield self.server
        yield from self._by_name.values()

    def __len__(self) -> int:
        return 1 + len(self._by_name)

    def find(self, name: str) -> Talk | None:
        """The room or person of this name, in any spelling that means the same."""
        return self._by_name.get(fold(name))

    def rooms(self) -> list[Talk]:
        return [talk for talk in self._by_name.values() if talk.kind is TalkKind.ROOM]

    def add(self, name: str, kind: TalkKind) -> Talk:
        """The talk of this name: the one there is, or a new one."""
        return self._by_name.setdefault(fold(name), Talk(clean(name), kind, self._ids))

    def show(self, talk: Talk) -> list[Change]:
        """Make it the one that is shown; nothing in it is unread then."""
        was_unread = talk.read()
        if talk is self.current:
            return [TalksChanged()] if was_unread else []
        self.current = talk
        return [Opened(talk), TalksChanged()]

    def close(self, talk: Talk) -> list[Change]:
        """Forget this room or person, and show the talk before it if it was shown. The server's talk stays."""
        if talk is self.server:
            return []
        everything = list(self)
        before = everything[everything.index(talk) - 1]
        del self._by_name[fold(talk.name)]
        return [TalksChanged(), *(self.show(before) if talk is self.current else [])]

    def rename(self, talk: Talk, name: str) -> Talk:
        """Somebody has another name: their talk keeps its place. A talk that has the name already is given instead."""
        there = self.find(name)
        if there and there is not talk:
            return there
        talks = {fold(name) if one is talk else key: one for key, one in self._by_name.items()}
        self._by_name = talks
        talk.name = clean(name)
        return talk

    def append(self, talk: Talk, line: Line) -> list[Change]:
        """Add a line; it is unread when another talk is shown."""
        line, pushed_out = talk.append(line)
        if line.mine or not line.words or talk is self.current:
            return [Appended(talk, line, pushed_out)]
        talk.unread += 1
        talk.mentions += line.mention
        return [Appended(talk, line, pushed_out), TalksChanged()]


def mentions(text: str, nick: str) -> bool:
    """Whether the nickname stands in the text as a word of its own, in small or capital letters."""
    if fold(nick) not in fold(text):
        return False
    word = rf"(?<![\w\[\]\\`^{{|}}-]){re.escape(nick)}(?![\w\[\]\\`^{{|}}-])"
    return re.search(word, text, re.IGNORECASE) is not None
