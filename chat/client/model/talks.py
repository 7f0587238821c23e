"""The talks of one network, what is unread in them, and what the person looks at. Pure state, no Tk."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import count

from chat.client.model.changes import Appended, Called, Change, Opened, TalksChanged
from chat.client.model.talk import Line, LineKind, Move, Talk, TalkKind
from chat.client.text.clean import clean
from chat.wires.names import fold

_NICK_SIGNS = r"\w\[\]\\`^{|}-"  # what may stand in a nickname: beside one, a word goes on


class Attention:
    """`talk` is the one that is shown. The person reads it while the window has the `focus`."""

    def __init__(self) -> None:
        self.talk: Talk | None = None
        self.focused = True
        self.highlights: tuple[str, ...] = ()  # the person's own words, beside the nickname

    def on(self, talk: Talk) -> bool:
        """Whether words in this talk are read as they come."""
        return self.focused and talk is self.talk

    def named(self, text: str, nick: str) -> bool:
        """Whether the text names us, or holds one of our words."""
        return mentions(text, nick) or any(mentions(text, word) for word in self.highlights)


def mentions(text: str, word: str) -> bool:
    """Whether this stands in the text as a word of its own, in small or capital letters."""
    if not word or word.casefold() not in text.casefold():
        return False
    pattern = rf"(?<![{_NICK_SIGNS}]){re.escape(word)}(?![{_NICK_SIGNS}])"
    return re.search(pattern, text, re.IGNORECASE) is not None


TALKS = 200  # talks that others may open by writing to us; beyond it their words go to the server's talk

_ids = count(1)  # of lines; one order for the whole window


class Talks:
    """In the order in which they were opened, the server's own words first."""

    def __init__(
        self, server: str, attention: Attention, recall: Callable[[str], Iterable[Line]] = lambda talk: ()
    ) -> None:
        self.attention = attention
        self._recall = recall  # what was said in a talk before this start
        self.server = Talk(server, TalkKind.SERVER, _ids)
        self._by_name: dict[str, Talk] = {}  # rooms and persons, by their folded name
        self._last = self.server  # that was shown

    def __iter__(self) -> Iterator[Talk]:
        yield self.server
        yield from self._by_name.values()

    def __len__(self) -> int:
        return 1 + len(self._by_name)

    def __contains__(self, talk: object) -> bool:
        return any(talk is one for one in self)

    @property
    def current(self) -> Talk:
        """The talk that is shown, or was when this network last had one in sight."""
        shown = self.attention.talk
        if shown is not None and shown in self:
            self._last = shown
        return self._last

    def find(self, name: str) -> Talk | None:
        """The room or person of this name, in any spelling that means the same."""
        return self._by_name.get(fold(name))

    def room(self, name: str) -> Talk | None:
        talk = self.find(name)
        return talk if talk and talk.kind is TalkKind.ROOM else None

    def rooms(self) -> list[Talk]:
        return [talk for talk in self._by_name.values() if talk.kind is TalkKind.ROOM]

    def having(self, nick: str) -> Iterator[Talk]:
        """The rooms that this person is in, and the talk with them."""
        for talk in list(self):
            if nick in talk.members or (talk.kind is TalkKind.PERSON and talk is self.find(nick)):
                yield talk

    def add(self, name: str, kind: TalkKind) -> Talk:
        """The talk of this name: the one there is, or a new one."""
        key = fold(name)
        if key not in self._by_name:
            talk = self._by_name[key] = Talk(clean(name), kind, _ids)
            for line in self._recall(talk.name):
                talk.append(line)
        return self._by_name[key]

    def show(self, talk: Talk) -> list[Change]:
        """Make it the one that is shown; nothing in it is unread then, if the window has the focus."""
        was_unread = self.attention.focused and talk.read()
        before, self.attention.talk = self.attention.talk, talk
        if talk is before:
            return [TalksChanged()] if was_unread else []
        if before is not None and not before.unread:
            before.first_unread = 0  # it was read to its end
        return [Opened(talk), TalksChanged()]

    def close(self, talk: Talk) -> list[Change]:
        """Forget this room or person, and show the talk before it if it was shown. The server's talk stays."""
        if talk is self.server:
            return []
        everything = list(self)
        before = everything[everything.index(talk) - 1]
        was_shown = talk is self.attention.talk
        del self._by_name[fold(talk.name)]
        if talk is self._last:
            self._last = before
        return [TalksChanged(), *(self.show(before) if was_shown else [])]

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
        """Add a line; it is unread unless somebody looks at the talk."""
        line, pushed_out = talk.append(line)
        changes: list[Change] = [Appended(talk, line, pushed_out)]
        if not line.mine and line.words and not self.attention.on(talk):
            talk.came(line)
            changes.append(TalksChanged())
            if line.calls:
                changes.append(Called(talk, line))
        return changes

    def happened(
        self, talk: Talk, text: str, at: float, kind: LineKind = LineKind.EVENT, move: Move | None = None
    ) -> list[Change]:
        """A line that is nobody's words."""
        return self.append(talk, Line(at, kind, clean(text), move=move))
