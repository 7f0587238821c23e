"""What the window shows, as pure state: takes news, says what changed. No Tk, no sockets, no threads.

What each kind of news does stands in chat.client.membership (who is where), chat.client.speech (who says what) and
chat.client.link (whether there is a connection).
"""

import math
import time
from collections.abc import Callable, Iterable

from chat.client import link, membership, speech
from chat.client.changes import Appended, Change, LineRemoved, StageChanged, TalksChanged
from chat.client.news import News
from chat.client.outgoing import Outgoing
from chat.client.problem import Problem
from chat.client.reconnect import Reconnect
from chat.client.stage import Stage
from chat.client.talk import Line, Look, Move, State, Talk, TalkKind
from chat.client.talks import Talks
from chat.client.target import other_names
from chat.client.text import clean, room_for_text, split, write_action
from chat.wires.message import build
from chat.wires.names import fold

_LONGEST_ADDRESS = "!" + "u" * 10 + "@" + "h" * 63  # what a server may put behind a nickname, until ours is known


class Model:
    """All that one window knows of its connection. For one thread."""

    def __init__(
        self,
        nick: str,
        room: str,
        server: str,
        clock: Callable[[], float] = time.time,
        reconnect: Reconnect | None = None,
    ) -> None:
        self.nick = nick
        self.mask = ""  # nick!user@host as the others see us; empty until the server told it
        self.server = server
        self.talks = Talks(server, room)
        self.stage = Stage.CONNECTING
        self.reason = ""  # why the stage is NAMELESS or LOST
        self.problem: Problem | None = None  # what kind of end that was: the form asks for a password, say
        self.suggestion = ""  # another name to try, while the stage is NAMELESS
        self.reconnect = reconnect or Reconnect()
        self.wanted = nick  # the name that we ask for; a server may have given us another
        self.was_welcomed = False  # by any connection so far
        self.away = False
        self.capabilities: frozenset[str] = frozenset()
        self.outgoing = Outgoing()
        self.clock = clock

    @property
    def current(self) -> Talk:
        """The talk that is shown."""
        return self.talks.current

    @property
    def connected(self) -> bool:
        return self.stage is Stage.ONLINE

    @property
    def outside(self) -> str:
        """Why we are not in the room that is shown; empty when we are, or may yet be."""
        return self.current.reason if self.connected and not self.current.joined else ""

    @property
    def status(self) -> str:
        """One line for the foot of the window."""
        if self.stage is Stage.LOST:
            left = self.reconnect.left
            return "Not connected" if left is None else f"Not connected · next attempt in {math.ceil(left)} s"
        if self.stage is not Stage.ONLINE:
            return f"Connecting to {self.server} …" if self.stage is Stage.CONNECTING else self.reason
        talk = self.current
        if talk.kind is not TalkKind.ROOM or talk.joined:
            return f"{self.server} · you are {self.nick}{', away' if self.away else ''}"
        if not talk.reason:
            return f"Joining {talk.name} …"
        return f"{self.server} · you are {self.nick}, not in {talk.name}"

    @property
    def longest_mask(self) -> str:
        """What the others may see in front of our words."""
        return self.mask or self.nick + _LONGEST_ADDRESS

    @property
    def due(self) -> bool:
        """Whether it is time to try once more, by `begin_again` and a new session."""
        return self.stage is Stage.LOST and self.reconnect.left == 0

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that a new session is to join, each with its key if it has one."""
        return tuple(f"{talk.name} {talk.key}".strip() for talk in self.talks.rooms() if not talk.reason)

    @property
    def instead(self) -> tuple[str, ...]:
        """The names that a new session may take when ours is in use, as it is by our own ghost after a cut.

        The first time the person is asked instead: nobody knows them by that name yet.
        """
        return other_names(self.wanted) if self.was_welcomed else ()

    def take(self, news: News) -> list[Change]:
        """Let it have happened."""
        if type(news) in membership.HANDLERS and not self.connected:
            return []  # a server that has not taken us in has no rooms for us
        handle = _HANDLERS.get(type(news))
        return list(handle(self, news)) if handle else []

    def begin_again(self, nick: str = "") -> list[Change]:
        """A new connection begins, under this name if one is given; the transcripts stay."""
        self.wanted = self.nick = clean(nick) or self.wanted
        self.reconnect.stop()
        return [*link.cut_off(self), self.enter_stage(Stage.CONNECTING), TalksChanged()]

    def open(self, talk: Talk) -> list[Change]:
        """Show this talk."""
        return self.talks.show(talk)

    def say(self, text: str, action: bool = False, talk: Talk | None = None) -> tuple[list[bytes], list[Change]]:
        """What to send for a line that the person wrote, and what to show for it.

        Words that reach nobody now stand there as UNSENT, to be sent again by `resend`. After the last words of one
        go, `confirm` has the bytes that make the server say that it has them.
        """
        talk = talk or self.current
        state = State.PENDING if self.reaches(talk) else State.UNSENT
        pieces = split(text, room_for_text(self.longest_mask, talk.name) - len(write_action("") if action else ""))
        look = Look.ACTION if action else Look.SAY
        changes: list[Change] = []
        for piece in pieces:
            changes += self.outgoing.add(talk, Line(self.clock(), look, piece, self.nick, mine=True, state=state))
        if state is State.UNSENT:
            return [], changes
        words = [write_action(piece) if action else piece for piece in pieces]
        return [build("PRIVMSG", talk.name, piece) for piece in words], changes

    def confirm(self) -> list[bytes]:
        """What to send after own words, where they do not come back by themselves."""
        token = "" if "echo-message" in self.capabilities else self.outgoing.token()
        return [build("PING", token)] if token else []

    def resend(self, *lines: Line) -> tuple[list[bytes], list[Change]]:
        """Say these UNSENT lines once more, at the end of their talks: what to send, and what to show."""
        send: list[bytes] = []
        changes: list[Change] = []
        for line in lines:
            talk = self.outgoing.find(line)
            if talk is None or not self.reaches(talk):
                continue
            self.outgoing.forget(line)
            if talk.remove(line):
                changes.append(LineRemoved(talk, line))
            words, shown = self.say(line.text, line.look is Look.ACTION, talk)
            send += words
            changes += shown
        return [*send, *self.confirm()], changes

    def take_back(self, shown: Iterable[Change]) -> list[Change]:
        """The session did not take what was to be sent for these changes: the words in them are UNSENT."""
        return list(self.outgoing.take_back([change.line for change in shown if isinstance(change, Appended)]))

    def reaches(self, talk: Talk) -> bool:
        """Whether words to this talk would come to somebody now."""
        return self.connected and (talk.joined or talk.kind is TalkKind.PERSON)

    def join(self, name: str = "", key: str = "") -> tuple[list[bytes], list[Change]]:
        """Ask to be let into a room, or once more into the one that is shown: what to send, and what changes by it.

        Without a connection the room is joined as soon as there is one.
        """
        talk = self.talks.add(name, TalkKind.ROOM) if name else self.current
        talk.reason = ""
        talk.key = key or talk.key
        send = [build("JOIN", talk.name, *talk.key.split())] if self.connected and not talk.joined else []
        return send, [*self.talks.show(talk), TalksChanged(), StageChanged()]

    def talk_with(self, nick: str) -> list[Change]:
        """Have a talk with this person, without showing it yet."""
        self.talks.add(nick, TalkKind.PERSON)
        return [TalksChanged()]

    def close(self, talk: Talk) -> tuple[list[bytes], list[Change]]:
        """Leave the talk and forget it: what to send, and what changes by it. The server's talk stays."""
        if talk is self.talks.server:
            return [], []
        self.outgoing.forget_talk(talk)
        send = [build("PART", talk.name)] if talk.joined and self.connected else []
        return send, self.talks.close(talk)

    def hint(self, text: str) -> list[Change]:
        """This program's own words to the person, where they look."""
        return self.append(self.current, Line(self.clock(), Look.HINT, text))

    def trouble(self, text: str) -> list[Change]:
        return self.append(self.current, Line(self.clock(), Look.TROUBLE, text))

    def append(self, talk: Talk, line: Line) -> list[Change]:
        return self.talks.append(talk, line)

    def happened(
        self, talk: Talk, text: str, at: float, look: Look = Look.HAPPENING, move: Move | None = None
    ) -> list[Change]:
        """A line that is nobody's words."""
        return self.append(talk, Line(at, look, clean(text), move=move))

    def enter_stage(self, stage: Stage, reason: str = "") -> Change:
        self.stage = stage
        self.problem = None
        self.suggestion = ""
        self.reason = clean(reason)
        return StageChanged()

    def is_me(self, nick: str) -> bool:
        return fold(nick) == fold(self.nick)


_HANDLERS: dict[type, Callable[..., Iterable[Change]]] = link.HANDLERS | membership.HANDLERS | speech.HANDLERS
