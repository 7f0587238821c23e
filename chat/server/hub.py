"""Who is here and which rooms there are, and the rules for changing either. No sockets, no bytes.

Methods are called by workers for the user whose command they run. Each takes the lock, changes the state, and
publishes what happened; refusals are raised before anything has changed.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count

from chat.errors import FanfareError
from chat.events import Away, Event, Join, Kick, Kind, Leave, Mode, NewRealname, Quit, Rename, Say, Topic
from chat.server.posts import NOTHING, Arrival, Copy, Departure, Remark, Spread
from chat.server.roll import Roll
from chat.server.room import Room
from chat.server.user import User
from chat.settings import Settings
from chat.wires.irc import LINE_BYTES
from chat.wires.names import NICK_LENGTH, USER_LENGTH, fold, is_nickname, is_room_name
from chat.wires.numerics import (
    ERR_BADCHANMASK,
    ERR_CANNOTSENDTOCHAN,
    ERR_CHANOPRIVSNEEDED,
    ERR_ERRONEUSNICKNAME,
    ERR_NICKNAMEINUSE,
    ERR_NOSUCHCHANNEL,
    ERR_NOSUCHNICK,
    ERR_NOTONCHANNEL,
    ERR_TOOMANYCHANNELS,
    ERR_USERNOTINCHANNEL,
    RPL_NAMREPLY,
    Numeric,
)

RESERVED = frozenset({"server"})  # speaks for the server on the tilde wire


class Refusal(FanfareError):
    """A rule does not allow what a user asked; `numeric` and `params` are IRC's answer to it."""

    def __init__(self, numeric: Numeric, *params: str) -> None:
        super().__init__(numeric.text)
        self.numeric = numeric
        self.params = params


class Hub:
    """Any thread may call any method."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.clock = clock  # seconds since the epoch
        self.started = clock()
        # Guards users, rooms and what they hold. Not held across a system call: publishing only appends to inboxes.
        self._lock = threading.Lock()
        self._users: dict[str, User] = {}  # by folded nickname, registered or not
        self._rooms: dict[str, Room] = {}  # by folded name
        self.silent = False  # the server stops: everybody goes, so nobody is told who
        self.registered = 0
        self.most_registered = 0

    # People

    def find_user(self, nick: str) -> User | None:
        """A registered user by nickname."""
        user = self._users.get(fold(nick))
        return user if user is not None and user.registered else None

    def get_user(self, nick: str) -> User:
        """As `find_user`; raises Refusal when there is none."""
        user = self.find_user(nick)
        if user is None:
            raise Refusal(ERR_NOSUCHNICK, nick)
        return user

    def users(self) -> list[User]:
        with self._lock:
            return [user for user in self._users.values() if user.registered]

    def claim(self, user: User, nick: str) -> None:
        """Take a nickname, or change it; the rooms are told. Raises Refusal."""
        if not is_nickname(nick):
            raise Refusal(ERR_ERRONEUSNICKNAME, nick)
        with self._lock:
            self._claim(user, nick)

    def enter(self, user: User, name: str) -> None:
        """Take `name` or, where it is in use, the same with a number; for no name, a guest's. Register."""
        with self._lock:
            self._claim(user, self._free_name(name))
            user.person = replace(user.person, user="~" + (fold(name)[: USER_LENGTH - 1] or "guest"))
            user.realname = name or "guest"
            self._register(user)

    def take_name(self, user: User, name: str) -> None:
        """As `claim`, numbering a name in use."""
        with self._lock:
            self._claim(user, self._free_name(name, user))

    def register(self, user: User) -> None:
        with self._lock:
            self._register(user)

    def _register(self, user: User) -> None:
        user.registered = True
        self.registered += 1
        self.most_registered = max(self.most_registered, self.registered)

    def _claim(self, user: User, nick: str) -> None:
        key = fold(nick)
        holder = self._users.get(key)
        if (holder is not None and holder is not user) or key in RESERVED:
            raise Refusal(ERR_NICKNAMEINUSE, nick)
        if nick == user.nick:
            return
        event = Rename(user.person, nick, self.clock())
        if user.nick:
            del self._users[fold(user.nick)]
        self._users[key] = user
        if user.registered:
            self._spread(user, event, user.own_copy(event, user.speaks_irc))
        before = user.person
        user.person = replace(before, nick=nick)
        for room in user.rooms:
            room.rename(user, before)

    def _free_name(self, name: str, user: User | None = None) -> str:
        def is_free(nick: str) -> bool:
            key = fold(nick)
            return key not in RESERVED and self._users.get(key, user) is user

        if name and is_free(name):
            return name
        for number in count(2 if name else 1):
            nick = f"{(name or 'guest')[: NICK_LENGTH - len(str(number))]}{number}"
            if is_free(nick):
                return nick
        raise AssertionError("numbers do not end")

    def quit(self, user: User, reason: str) -> None:
        """Leave everything. A second call does nothing."""
        with self._lock:
            if user.closing:
                return
            user.closing = True
            if user.nick:
                del self._users[fold(user.nick)]
            if not user.registered:
                return
            self.registered -= 1
            user.registered = False
            rooms = list(user.rooms)
            if not self.silent:
                self._spread(user, Quit(user.person, self.clock(), reason), NOTHING, departs=True)
            for room in rooms:
                self._remove(room, user)

    def set_away(self, user: User, text: str | None) -> None:
        with self._lock:
            if text != user.away:
                user.away = text
                self._spread(user, Away(user.person, text, self.clock()), NOTHING)

    def set_realname(self, user: User, realname: str) -> None:
        with self._lock:
            user.realname = realname
            event = NewRealname(user.person, realname, self.clock())
            self._spread(user, event, user.own_copy(event, True))

    # Rooms

    def rooms(self) -> list[Room]:
        with self._lock:
            return list(self._rooms.values())

    def find_room(self, name: str) -> Room | None:
        return self._rooms.get(fold(name))

    def get_room(self, name: str, member: User | None = None) -> Room:
        """The room; raises Refusal when there is none or, given `member`, that user is not in it."""
        room = self.find_room(name)
        if room is None:
            raise Refusal(ERR_NOSUCHCHANNEL, name)
        if member is not None and member not in room.members:
            raise Refusal(ERR_NOTONCHANNEL, room.name)
        return room

    def members(self, room: Room, viewer: User) -> list[tuple[User, bool]]:
        """Those members whom `viewer` may see, in the order of joining, and whether each is an operator.

        Who is invisible is seen by members alone.
        """
        with self._lock:
            return _visible(room, viewer)

    def call_roll(self, room: Room, viewer: User, masks: bool) -> tuple[list[bytes], Copy]:
        """As `members`, by name in the lines of RPL_NAMREPLY, and a place for the answer.

        What the viewer hears before the answer is in the list, later things are not. Without that somebody could
        leave, by another worker's hand, between the two, and then stand in the viewer's list for ever.
        """
        head = f":{self.settings.name} {RPL_NAMREPLY.code} {'n' * NICK_LENGTH} = {room.name} :"
        size = LINE_BYTES - 2 - len(head.encode())
        with self._lock:
            if viewer in room.members:
                return room.roll(masks, size).lines(), viewer.reserve()
            roll = Roll(masks, size)
            for member, operator in _visible(room, viewer):
                roll.add(member.person, operator)
            return roll.lines(), viewer.reserve()

    def join(self, user: User, name: str) -> Room | None:
        """Enter a room, making it if need be; None when the user is in it already. Raises Refusal."""
        if not is_room_name(name):
            raise Refusal(ERR_BADCHANMASK, name)
        with self._lock:
            room = self._rooms.get(fold(name))
            if room is not None and user in room.members:
                return None
            if len(user.rooms) >= self.settings.max_rooms:
                raise Refusal(ERR_TOOMANYCHANNELS, name)
            if room is None:
                room = self._rooms[fold(name)] = Room(name, self.clock(), self.settings.history)
            room.add(user, operator=not room.members)
            user.rooms[room] = None
            event = Join(user.person, room.name, self.clock())
            copy = user.own_copy(event, user.dialect.sees_own_join)
            room.publish(Arrival(room.name, event, user.seat, copy))
            if user.away is not None:
                room.publish(Remark(room.name, Away(user.person, user.away, event.at), user.seat, NOTHING))
            return room

    def leave(self, user: User, name: str, reason: str) -> None:
        """Raises Refusal."""
        with self._lock:
            room = self.get_room(name, user)
            event = Leave(user.person, room.name, self.clock(), reason)
            room.publish(Departure(room.name, event, user.seat, user.own_copy(event, user.speaks_irc)))
            self._remove(room, user)

    def kick(self, user: User, name: str, nick: str, reason: str) -> User:
        """Remove another member; gives who it was. Raises Refusal."""
        with self._lock:
            room = self._operated(user, name)
            whom = self.find_user(nick)
            if whom is None or whom not in room.members:
                raise Refusal(ERR_USERNOTINCHANNEL, nick, room.name)
            event = Kick(user.person, room.name, whom.person, self.clock(), reason)
            room.publish(Departure(room.name, event, whom.seat, None))
            self._remove(room, whom)
            return whom

    def set_topic(self, user: User, name: str, topic: str) -> None:
        """Raises Refusal."""
        with self._lock:
            room = self.get_room(name, user)
            if "t" in room.modes:
                self._operated(user, name)
            now = self.clock()
            room.topic = topic
            room.topic_by = (user.nick, now) if topic else None
            self._remark(room, user, Topic(user.person, room.name, topic, now))

    def set_modes(self, user: User, name: str, changes: Iterable[tuple[bool, str, str]]) -> list[Refusal]:
        """Apply (set or unset, mode, nickname for `o`), and tell the room what is another now than it was.

        Gives what was refused of it. Raises Refusal when the user may change nothing.
        """
        refused: list[Refusal] = []
        with self._lock:
            room = self._operated(user, name)
            modes = set(room.modes)
            operators: dict[User, bool] = {}  # who was one, of those whom the changes name
            for on, mode, nick in changes:
                if mode == "o":
                    try:
                        whom = self._member(room, nick)
                    except Refusal as refusal:
                        refused.append(refusal)
                    else:
                        operators.setdefault(whom, room.members[whom])
                        room.set_operator(whom, on)
                else:
                    (room.modes.add if on else room.modes.discard)(mode)
            changed = [(mode in room.modes, mode, "") for mode in sorted(modes ^ room.modes)]
            changed += [
                (room.members[who], "o", who.nick) for who, was in operators.items() if room.members[who] != was
            ]
            if changed:
                self._remark(room, user, Mode(user.person, room.name, _spell(changed), self.clock()))
        return refused

    def say(self, user: User, to: str, text: str, kind: Kind = Kind.MESSAGE, tags: str = "") -> User | None:
        """Words to a room, or to a person, who is returned. Raises Refusal."""
        now = self.clock()
        if kind is not Kind.TAGS:
            user.spoke = now
        if to.startswith("#"):
            with self._lock:
                room = self._rooms.get(fold(to))
                if room is None:
                    raise Refusal(ERR_NOSUCHNICK, to)
                event = Say(user.person, room.name, text, now, kind, tags)
                if user in room.members:
                    self._remark(room, user, event, user.hears_itself)
                    return None
                if "n" in room.modes:
                    raise Refusal(ERR_CANNOTSENDTOCHAN, room.name)
                room.publish(Remark(room.name, event, user.seat, None))
            whom = None
        else:
            whom = self.get_user(to)
            event = Say(user.person, whom.nick, text, now, kind, tags)
            whom.show(event)
        user.show_own(event, user.hears_itself)
        return whom

    # Under the lock

    def _operated(self, user: User, name: str) -> Room:
        room = self.get_room(name, user)
        if not room.members[user]:
            raise Refusal(ERR_CHANOPRIVSNEEDED, room.name)
        return room

    def _member(self, room: Room, nick: str) -> User:
        whom = self.get_user(nick)
        if whom not in room.members:
            raise Refusal(ERR_USERNOTINCHANNEL, nick, room.name)
        return whom

    def _remark(self, room: Room, user: User, event: Event, hears: bool = True) -> None:
        room.publish(Remark(room.name, event, user.seat, user.own_copy(event, hears)))

    def _spread(self, user: User, event: Event, copy: Copy | None, departs: bool = False) -> None:
        """Tell everyone who shares a room with the user once, the user as `copy` says."""
        rooms = list(user.rooms)
        if len(rooms) == 1:
            kind = Departure if departs else Remark
            rooms[0].publish(kind(rooms[0].name, event, user.seat, copy))
        elif rooms:
            post = Spread([room.name for room in rooms], event, user.seat, copy, departs)
            inboxes = set().union(*(room.inboxes for room in rooms))
            for room in rooms:
                room.log.append(event)
            for inbox in inboxes:
                inbox.post(post)
        elif copy is not NOTHING:
            user.send_copy(copy or Copy(user.dialect.encode(event)))

    def _remove(self, room: Room, user: User) -> None:
        room.remove(user)
        del user.rooms[room]
        if not room.members:
            del self._rooms[fold(room.name)]


def _visible(room: Room, viewer: User) -> list[tuple[User, bool]]:
    inside = viewer in room.members
    return [(member, operator) for member, operator in room.members.items() if inside or not member.invisible]


def _spell(changes: list[tuple[bool, str, str]]) -> str:
    """[(True, "o", "ana"), (False, "t", "")] as `+o-t ana`."""
    letters, sign = "", None
    for on, mode, _ in changes:
        if on is not sign:
            letters += "+" if on else "-"
            sign = on
        letters += mode
    return " ".join([letters, *(nick for _, _, nick in changes if nick)])
