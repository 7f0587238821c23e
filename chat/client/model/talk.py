"""One talk as it is shown: a room, a person, or the server's own words. Pure state, no Tk."""

import zlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import count

from chat.client.irc.news import Member
from chat.client.irc.reading import RANKS
from chat.client.text.clean import clean
from chat.wires.names import fold

_COLOURED = 2_000  # people whose colour is known; after that, those who are gone are forgotten


class Members:
    """The members of one room, found by their nickname in any spelling that means the same."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}  # by the folded nickname
        self._colours: dict[str, int] = {}  # of those who were ever asked about

    def __contains__(self, nick: str) -> bool:
        return fold(nick) in self._members

    def __len__(self) -> int:
        return len(self._members)

    def listed(self) -> list[Member]:
        """Everybody, the highest rank first, then in the order of the alphabet."""
        return [self._members[key] for key in sorted(self._members, key=self._place)]

    def nicks(self) -> list[str]:
        """Everybody's nickname, in the order of the alphabet."""
        return [self._members[key].nick for key in sorted(self._members)]

    def enter(self, *members: Member) -> None:
        """Add these, or give those who are here already their new ranks. Who is away stays so."""
        for member in members:
            key = fold(member.nick)
            known = self._members.get(key)
            away = member.away or (known.away if known else False)
            self._members[key] = Member(clean(member.nick), _in_order(member.ranks), away)

    def leave(self, nick: str) -> None:
        self._members.pop(fold(nick), None)

    def rename(self, old: str, new: str) -> None:
        member = self._members.pop(fold(old), None)
        if member:
            self._members[fold(new)] = replace(member, nick=clean(new))
            if fold(old) in self._colours:
                self._colours[fold(new)] = self._colours.pop(fold(old))

    def set_away(self, nick: str, away: bool) -> bool:
        """Whether that is new of somebody who is here."""
        member = self._members.get(fold(nick))
        if member is None or member.away == away:
            return False
        self._members[fold(nick)] = replace(member, away=away)
        return True

    def set_rank(self, nick: str, rank: str, given: bool) -> bool:
        """Give a rank or take it; whether somebody who is here has other ranks now."""
        member = self._members.get(fold(nick))
        if member is None or (rank in member.ranks) == given:
            return False
        ranks = [*member.ranks, rank] if given else (sign for sign in member.ranks if sign != rank)
        self._members[fold(nick)] = replace(member, ranks=_in_order(ranks))
        return True

    def colour(self, nick: str, colours: int) -> int:
        """Which of so many colours is this person's: as few members as can be have the same, and each keeps theirs."""
        key = fold(nick)
        wanted = zlib.crc32(key.encode("utf-8", "replace")) % colours
        if key not in self._members:
            return self._colours.get(key, wanted) % colours
        if key not in self._colours:
            if len(self._colours) > _COLOURED:
                self._colours = {known: colour for known, colour in self._colours.items() if known in self._members}
            used = Counter(colour for known, colour in self._colours.items() if known in self._members)
            places = ((wanted + step) % colours for step in range(colours))
            self._colours[key] = min(places, key=lambda place: used[place])
        return self._colours[key] % colours

    def empty(self) -> None:
        self._members.clear()

    def _place(self, key: str) -> tuple[int, str]:
        rank = self._members[key].rank
        return RANKS.find(rank) if rank else len(RANKS), key


def _in_order(ranks: Iterable[str]) -> str:
    return "".join(sorted((rank for rank in set(ranks) if rank in RANKS), key=RANKS.find))


SCROLLBACK = 5_000  # lines; a busy evening, and some 10 MB in a Tk text widget


class LineKind(Enum):
    """What a line of the transcript is; the window gives each its own look."""

    SAY = "say"
    ACTION = "action"  # /me
    NOTICE = "notice"  # what programs say
    EVENT = "event"  # joins, leaves, renames
    SERVER = "server"
    HINT = "hint"  # this program's own words
    TROUBLE = "trouble"


class Delivery(Enum):
    """How far an outgoing line has come. All others are SENT."""

    SENT = "sent"
    PENDING = "pending"  # on its way: the server has not yet said that it has it
    UNSENT = "unsent"  # it never left this program, or the server refused it
    PERHAPS = "perhaps"  # it was on its way when the connection ended: nobody knows whether it arrived


class Moved(Enum):
    """Somebody else's join, leave or change of name."""

    JOINED = "joined"
    LEFT = "left"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Move:
    """What a happening was, for chat.client.ui.transcript.rows. Both names are clean."""

    nick: str
    how: Moved
    to: str = ""  # the new name


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the transcript. `text` is clean and `nick` says whose words it is, if anybody's."""

    at: float  # seconds since the epoch
    kind: LineKind
    text: str
    nick: str = ""
    mine: bool = False
    private: bool = False  # to us alone
    mention: bool = False  # somebody names us
    delivery: Delivery = Delivery.SENT
    move: Move | None = field(default=None, compare=False)  # this and others like it may be shown as one
    raw: str = field(default="", compare=False)  # with its formatting codes, where it has any
    msgid: str = field(default="", compare=False)  # the server's own name for it, where it gives one
    reply: str = ""  # the line that this one answers, as `ben: hello`
    reactions: tuple[tuple[str, tuple[str, ...]], ...] = ()  # signs, each with who gave it
    id: int = field(default=0, compare=False)  # a connection's lines have growing ones; one that changes keeps its own

    @property
    def words(self) -> bool:
        """Somebody's words, as unread ones are counted."""
        return self.kind in (LineKind.SAY, LineKind.ACTION, LineKind.NOTICE)

    @property
    def calls(self) -> bool:
        """It names the person, or is for them alone. What programs say calls nobody."""
        return not self.mine and (self.mention or (self.private and self.kind is not LineKind.NOTICE))


class TalkKind(Enum):
    """The kinds of talks."""

    SERVER = "server"
    ROOM = "room"
    PERSON = "person"


class Talk:
    """The transcript of one talk, and in a room its topic and members.

    `draft` is what stands in the message box while another talk is shown: the window keeps it here.
    """

    def __init__(self, name: str, kind: TalkKind, ids: Iterator[int] | None = None) -> None:
        self.name = name
        self.kind = kind
        self.key = ""  # that this room wants of who joins
        self.topic = ""
        self.topic_before = ""  # what it was when we were here last
        self.topic_by = ""  # who set it, and when, in seconds since the epoch
        self.topic_at = 0.0
        self.away: str | None = None  # why this person is away
        self.members = Members()
        self.lines: deque[Line] = deque(maxlen=SCROLLBACK)
        self.unread = 0  # words that came while nobody looked
        self.calls = 0  # those of them that call the person
        self.first_unread = 0  # id of the line before which "new" stands; 0 for none
        self.was_away = False  # what is new was said while we were not connected
        self.position = 0  # id of the line at the top, where somebody has scrolled back; 0 for the end
        self.draft = ""
        self.reply_to: Line | None = None  # what the draft answers
        self.typing: dict[str, float] = {}  # who is typing, and until when, in seconds since the epoch
        self.joined = False  # we are in this room
        self.reason = ""  # why we are not in this room; empty while that is still open
        self._ids = ids or count(1)

    def __repr__(self) -> str:
        return f"Talk({self.name!r}, {self.kind.name}, lines={len(self.lines)})"

    def append(self, line: Line) -> tuple[Line, int]:
        """Add to the transcript: the line with its id, and how many of the oldest lines that pushed out."""
        pushed_out = 1 if len(self.lines) == SCROLLBACK else 0
        line = replace(line, id=next(self._ids))
        self.lines.append(line)
        return line, pushed_out

    def change(self, line: Line) -> bool:
        """Put this line in the place of the one with its id; False when the transcript no longer has it."""
        place = self._place(line)
        if place is None:
            return False
        self.lines[place] = line
        return True

    def remove(self, line: Line) -> bool:
        """Take the line with this id away; False when it is not there."""
        place = self._place(line)
        if place is None:
            return False
        del self.lines[place]
        return True

    def after(self, line: Line) -> Iterator[Line]:
        """The lines that came after this one, the last first."""
        for later in reversed(self.lines):
            if later.id <= line.id:
                return
            yield later

    def insert(self, place: int, lines: Sequence[Line]) -> dict[int, int]:
        """Put these before the line in this place. All after them have other ids now: old ones to new ones.

        Of more than the scrollback holds, the oldest are left out.
        """
        after = [self.lines.pop() for _ in range(len(self.lines) - place)][::-1]
        self.lines.extend(replace(line, id=next(self._ids)) for line in lines)
        moved = {line.id: next(self._ids) for line in after}
        self.lines.extend(replace(line, id=moved[line.id]) for line in after)
        self.first_unread = moved.get(self.first_unread, self.first_unread)
        self.position = moved.get(self.position, self.position)
        return moved

    def enter(self) -> None:
        """We are in the room; the list of members follows."""
        self.members.empty()
        self.topic, self.topic_before = "", self.topic or self.topic_before  # the server tells it, if there is one
        self.joined = True
        self.reason = ""

    def leave(self, reason: str = "") -> None:
        """We are not in the room."""
        self.members.empty()
        self.joined = False
        self.reason = reason

    def came(self, line: Line) -> None:
        """A line came while nobody looked."""
        if not self.unread:
            self.first_unread = line.id
            self.was_away = False
        self.unread += 1
        self.calls += line.calls

    def missed(self, lines: Sequence[Line], unread: bool) -> None:
        """These words were said while we were away; that stands before them."""
        self.first_unread = lines[0].id
        self.was_away = True
        if unread:
            self.unread += len(lines)
            self.calls += sum(line.calls for line in lines)

    def read(self) -> bool:
        """Nothing is unread now; whether anything was. Where it began stays marked."""
        was = self.unread > 0
        self.unread = self.calls = 0
        return was

    def _place(self, wanted: Line) -> int | None:
        place = len(self.lines)
        for line in reversed(self.lines):  # own lines change soon after they came
            place -= 1
            if line.id <= wanted.id:
                return place if line.id == wanted.id else None
        return None
