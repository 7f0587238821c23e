"""What events make an IRC client believe: who is in which room, under which name and rank; topics, modes, absence.

A belief is checked as each line comes: a line that contradicts what the lines before it said is a fault of the server.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from chat.wires.message import Message, parse_tags
from chat.wires.names import fold
from tests.attacks.account_beliefs import AccountBelief
from tests.attacks.rank_beliefs import Rank, may_operate, rank_of, surely_has_none, surely_operates

SIGNS = "~@+"
TAGS = {"time": "server-time", "label": "labeled-response", "batch": "batch", "account": "account-tag"}
EXCERPT = 12  # lines before a contradiction that are shown with it


@dataclass
class RoomBelief:
    """`None` stands for what the client has not been told."""

    members: dict[str, Rank] | None = None  # by folded nickname
    topic: str | None = None
    modes: dict[str, bool] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)  # of the modes k and l
    masks: dict[tuple[str, str], bool] = field(default_factory=dict)  # by letter and mask: whether it is on that list


class Excerpt:
    """The last lines of a stream, and the contradictions found in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.contradictions: list[str] = []
        self._lines: deque[str] = deque(maxlen=EXCERPT)

    def note(self, line: str) -> None:
        self._lines.append(line)

    def complain(self, what: str) -> None:
        lines = "".join(f"\n    {line}" for line in self._lines)
        self.contradictions.append(f"{self.name}: {what}{lines}")


class Beliefs(Excerpt):
    """What events make a client believe. `IrcBelief` adds answers."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.nick = ""
        self.registered = False
        self.over = False  # the server has said ERROR
        self.rooms: dict[str, RoomBelief] = {}
        self.away: dict[str, bool] = {}  # of those who share a room, and oneself
        self.invisible = False
        self.caps: set[str] = set()
        self.heard: list[str] = []  # others' words, in their order
        self.labels: list[str] = []  # that have been answered
        self.pings: list[str] = []
        self.people = AccountBelief(self.complain)
        self._batches: set[str] = set()
        self._last_id = 0
        self._last_pong = 0

    def operated(self) -> list[tuple[str, list[str]]]:
        """The rooms of which the client is an operator, with their members."""
        known = [(name, room.members) for name, room in self.rooms.items() if room.members is not None]
        return [(name, list(members)) for name, members in known if surely_operates(members.get(fold(self.nick)))]

    # Checks that hold for every line

    def check_tags(self, message: Message) -> None:
        tags = parse_tags(message.tags)
        for tag in tags:
            needed = TAGS.get(tag, "message-tags")
            if needed not in self.caps:
                self.complain(f"the tag {tag} without {needed}")
        if "batch" in tags and tags["batch"] not in self._batches:
            self.complain(f"a line of batch {tags['batch']}, which is not open")
        if "label" in tags:
            if tags["label"] in self.labels:
                self.complain(f"label {tags['label']} is answered twice")
            self.labels.append(tags["label"])
        if "msgid" in tags:
            number = int(tags["msgid"], 16)
            if number < self._last_id:
                self.complain("an event after a later one")
            self._last_id = number

    def check_own_name(self, message: Message) -> None:
        if message.verb == "001":
            self.registered, self.nick = True, message.params[0]
        elif message.verb in ("730", "731") and message.params[0] == "*":
            pass  # the same for all who watch
        elif self.registered and message.params[0] != self.nick:
            self.complain(f"a numeric for {message.params[0]}, who is {self.nick}")

    def is_self(self, nick: str) -> bool:
        return nick == self.nick and self.registered

    def shares(self, nick: str) -> bool:
        """The client sees somebody of that nickname in one of its rooms."""
        key = fold(nick)
        return any(room.members is not None and key in room.members for room in self.rooms.values())

    def room(self, name: str) -> tuple[RoomBelief, dict[str, Rank]] | None:
        """A room that the client is in, with its members; an event of any other is a contradiction."""
        room = self.rooms.get(fold(name))
        if room is None:
            self.complain(f"an event of {name}, where the client is not")
            return None
        if room.members is None:
            self.complain(f"an event of {name} before its NAMES")
            return None
        return room, room.members

    def _needs_member(self, members: dict[str, Rank], nick: str, operator: bool = False) -> None:
        if fold(nick) not in members:
            self.complain(f"{nick} is not there")
        elif operator and not may_operate(members[fold(nick)]):
            self.complain(f"{nick} is no operator")

    def _forget_strangers(self) -> None:
        self.people.forget(self.shares)
        self.away = {nick: away for nick, away in self.away.items() if self.shares(nick) or nick == fold(self.nick)}

    # Events

    def _join(self, message: Message) -> None:
        name = message.params[0]
        self.people.joined(message, self.caps)
        if self.is_self(message.nick):
            if fold(name) in self.rooms:
                self.complain("the client joins a room where it is")
            self.rooms[fold(name)] = RoomBelief(topic="")
        elif (found := self.room(name)) is not None:
            _, members = found
            if fold(message.nick) in members:
                self.complain(f"{message.nick} joins, and is there")
            if "away-notify" in self.caps and not self.shares(message.nick):
                self.away[fold(message.nick)] = False  # or an AWAY follows
            members[fold(message.nick)] = rank_of("", True)

    def _part(self, message: Message) -> None:
        self._leave(message.params[0], message.nick)

    def _kick(self, message: Message) -> None:
        room, nick, _ = message.params
        if (found := self.room(room)) is not None:
            self._needs_member(found[1], message.nick, operator=True)
            self._leave(room, nick)

    def _leave(self, name: str, nick: str) -> None:
        if (found := self.room(name)) is None:
            return
        _, members = found
        self._needs_member(members, nick)
        if self.is_self(nick):
            del self.rooms[fold(name)]
        else:
            members.pop(fold(nick), None)
        self._forget_strangers()

    def _quit(self, message: Message) -> None:
        if self.is_self(message.nick):
            self.complain("the client's own QUIT")
        elif not self.shares(message.nick):
            self.complain(f"{message.nick} quits, and shares no room")
        for room in self.rooms.values():
            if room.members is not None:
                room.members.pop(fold(message.nick), None)
        self._forget_strangers()

    def _rename(self, message: Message) -> None:
        before, after = fold(message.nick), fold(message.params[0])
        if not self.is_self(message.nick) and not self.shares(message.nick):
            self.complain(f"{message.nick} is renamed, and shares no room")
        if self.is_self(message.nick):
            self.nick = message.params[0]
        for room in self.rooms.values():
            if room.members is None or before not in room.members:
                continue
            rank = room.members.pop(before)
            if after in room.members:
                self.complain(f"{message.params[0]} is there already")
            room.members[after] = rank
        self.people.renamed(before, after)
        if before in self.away:
            self.away[after] = self.away.pop(before)

    def _say(self, message: Message) -> None:
        to = message.params[0]
        if message.source.startswith("NickServ!"):
            return
        if message.verb == "TAGMSG" and "message-tags" not in self.caps:
            self.complain("a TAGMSG without message-tags")
        if self.is_self(message.nick) and "echo-message" not in self.caps and to != self.nick:
            self.complain("an echo without echo-message")
        if to[0] in SIGNS:
            self._say_to_rank(message, to[0], to[1:])
        elif not to.startswith("#"):
            if to != self.nick and not self.is_self(message.nick):
                self.complain(f"words for {to}, who is {self.nick}")
        elif self.is_self(message.nick) and fold(to) not in self.rooms:
            pass  # the echo of words into a room without +n
        elif (found := self.room(to)) is not None:
            self._may_speak(*found, message.nick)
        if message.verb != "TAGMSG" and not self.is_self(message.nick):
            self.heard.append(message.params[1])

    def _say_to_rank(self, message: Message, sign: str, name: str) -> None:
        if self.is_self(message.nick):
            return
        if (found := self.room(name)) is not None:
            self._may_speak(*found, message.nick)
            rank = found[1].get(fold(self.nick))
            letters = "qov"[: SIGNS.index(sign) + 1]
            if rank is None or all(rank[letter] is False for letter in letters):
                self.complain(f"words for those with {sign}, the client has {rank}")

    def _may_speak(self, room: RoomBelief, members: dict[str, Rank], nick: str) -> None:
        if room.modes.get("n") or room.modes.get("s"):
            self._needs_member(members, nick)
        if room.modes.get("m") and surely_has_none(members.get(fold(nick), rank_of("", True))):
            self.complain(f"{nick} speaks, and has no voice")

    def _invite(self, message: Message) -> None:
        nick, name = message.params
        if not self.is_self(nick):
            if "invite-notify" not in self.caps or self.room(name) is None or self.is_self(message.nick):
                self.complain(f"an invitation for {nick}, who is {self.nick}")
        elif fold(name) in self.rooms:
            self.complain(f"an invitation to {name}, where the client is")

    def _topic(self, message: Message) -> None:
        if (found := self.room(message.params[0])) is not None:
            room, members = found
            self._needs_member(members, message.nick, operator=room.modes.get("t", False))
            room.topic = message.params[1]

    def _mode(self, message: Message) -> None:
        target, letters, *names = message.params
        if not target.startswith("#"):
            if not self.is_self(target):
                self.complain(f"a mode of {target}, who is {self.nick}")
            on = True
            for letter in letters:
                if letter in "+-":
                    on = letter == "+"
                elif letter == "i":
                    self.invisible = on
            return
        if (found := self.room(target)) is None:
            return
        room, members = found
        before = dict(members)
        on = True
        for letter in letters:
            if letter in "+-":
                on = letter == "+"
            else:
                self._change_mode(room, members, letter, on, names)
        if "!" in message.source:  # else the server gives a rank back
            self._needs_member(before, message.nick, operator=True)

    def _change_mode(
        self, room: RoomBelief, members: dict[str, Rank], letter: str, on: bool, params: list[str]
    ) -> None:
        if letter in "qov":
            nick = params.pop(0)
            self._needs_member(members, nick)
            rank = dict(members.get(fold(nick), rank_of("", True)))
            if rank[letter] is on:
                self.complain(f"{letter} of {nick} changes nothing")
            members[fold(nick)] = {**rank, letter: on}
        elif letter in "beI":
            mask = fold(params.pop(0))
            if room.masks.get((letter, mask)) is on:
                self.complain(f"{letter} {mask} changes nothing")
            room.masks[letter, mask] = on
        else:
            param = params.pop(0) if letter == "k" or (letter == "l" and on) else ""
            if room.modes.get(letter) is on and room.params.get(letter, param) == param:
                self.complain(f"mode {letter} changes nothing")
            room.modes[letter] = on
            room.params.pop(letter, None)
            if on and param:
                room.params[letter] = param

    def _set_away(self, message: Message) -> None:
        if "away-notify" not in self.caps:
            self.complain("an AWAY without away-notify")
        if not self.shares(message.nick):
            if not self._watches(message.nick):
                self.complain(f"{message.nick} is away, and shares no room")
            return
        self.away[fold(message.nick)] = bool(message.params)

    def _set_realname(self, message: Message) -> None:
        if "setname" not in self.caps:
            self.complain("a SETNAME without setname")
        if not self.is_self(message.nick) and not self.shares(message.nick) and not self._watches(message.nick):
            self.complain(f"{message.nick} has a new real name, and shares no room")

    def _watches(self, nick: str) -> bool:
        return "extended-monitor" in self.caps and fold(nick) in self.people.present

    def _log_in(self, message: Message) -> None:
        self.people.logged_in(message, self.caps, self.shares(message.nick), self.is_self(message.nick))

    def _mark(self, message: Message) -> None:
        target, marker = message.params
        if marker != "*" and not marker.startswith("timestamp="):
            self.complain(f"{target} is read up to {marker}")

    def _cap(self, message: Message) -> None:
        _, subcommand, *_, words = message.params
        if subcommand == "ACK":
            for word in words.split():
                (self.caps.discard if word[0] == "-" else self.caps.add)(word.removeprefix("-"))
            if "account-notify" in words:
                self.people.accounts.clear()
            if "away-notify" in words:
                self.away = {nick: away for nick, away in self.away.items() if nick == fold(self.nick)}
        elif subcommand == "LIST" and set(words.split()) - {"cap-notify"} != self.caps - {"cap-notify"}:
            self.complain(f"other capabilities than {sorted(self.caps)}")

    def _batch(self, message: Message) -> None:
        sign, number = message.params[0][0], message.params[0][1:]
        if (number in self._batches) is (sign == "+"):
            self.complain("a batch that is open twice, or was not")
        (self._batches.add if sign == "+" else self._batches.discard)(number)

    def _pong(self, message: Message) -> None:
        number = int(message.params[1]) if message.params[1].isdecimal() else self._last_pong
        if number < self._last_pong:
            self.complain("a PONG after a later one")
        self._last_pong = number

    def _ping(self, message: Message) -> None:
        self.pings.append(message.params[0])

    def _ack(self, message: Message) -> None:
        """Says nothing that could be believed."""

    def _error(self, message: Message) -> None:
        self.over = True


EVENTS: dict[str, Callable[[Beliefs, Message], None]] = {
    "JOIN": Beliefs._join,
    "PART": Beliefs._part,
    "KICK": Beliefs._kick,
    "INVITE": Beliefs._invite,
    "QUIT": Beliefs._quit,
    "NICK": Beliefs._rename,
    "PRIVMSG": Beliefs._say,
    "NOTICE": Beliefs._say,
    "TAGMSG": Beliefs._say,
    "TOPIC": Beliefs._topic,
    "MODE": Beliefs._mode,
    "AWAY": Beliefs._set_away,
    "SETNAME": Beliefs._set_realname,
    "ACCOUNT": Beliefs._log_in,
    "MARKREAD": Beliefs._mark,
    "REGISTER": Beliefs._ack,
    "AUTHENTICATE": Beliefs._ack,
    "CAP": Beliefs._cap,
    "BATCH": Beliefs._batch,
    "PONG": Beliefs._pong,
    "PING": Beliefs._ping,
    "ERROR": Beliefs._error,
    "ACK": Beliefs._ack,
    "FAIL": Beliefs._ack,
}
