"""The state of the chat: every user and every room, a function of the log. Changed by `apply` alone."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from chat.errors import FanfareError
from chat.server.core.accounts import Accounts
from chat.server.core.ranks import OPERATORS
from chat.server.core.room import Room, User
from chat.server.core.server_bans import Ban, ServerBans
from chat.wires.names import fold, look_alikes
from chat.wires.numerics import (
    ERR_CHANOPRIVSNEEDED,
    ERR_NOSUCHCHANNEL,
    ERR_NOSUCHNICK,
    ERR_NOTONCHANNEL,
    ERR_UNKNOWNERROR,
    ERR_USERNOTINCHANNEL,
    ERR_YOUREBANNEDCREEP,
    Numeric,
)


class Refusal(FanfareError):
    """A rule does not allow a request. IRC's answer is `numeric` with `params` and its usual text, or `text`."""

    def __init__(self, numeric: Numeric, *params: str, text: str | None = None) -> None:
        super().__init__(numeric.text)
        self.numeric = numeric
        self.params = params
        self.text = text


class Failure(Refusal):
    """A refusal that clients get as a standard reply: `FAIL verb code context… :text` (IRCv3 standard-replies)."""

    def __init__(self, verb: str, code: str, *context: str, text: str) -> None:
        super().__init__(ERR_UNKNOWNERROR, verb, text=text)
        self.verb = verb
        self.code = code
        self.context = context
        self.reason = text


class BannedRefusal(Refusal):
    """A server ban fits who wants to come in or to log in."""

    def __init__(self, ban: Ban) -> None:
        super().__init__(ERR_YOUREBANNEDCREEP, text=f"{ERR_YOUREBANNEDCREEP.text} ({ban.reason})")
        self.ban = ban


class Unsafe(Failure):
    """The log cannot take a request now."""

    def __init__(self, verb: str, reason: str) -> None:
        super().__init__(verb, "TEMPORARILY_UNAVAILABLE", text=reason)


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers in the rules; the same on every node that shares a log."""

    rooms_per_user: int
    rooms_per_address: int  # made by users of one address
    rooms_total: int
    accounts_total: int = 100_000
    rooms_remembered: int = 0  # with nobody in them; what is in a log on disk belongs to a room that comes back
    masks_per_room: int = 100  # in all its lists, and as many accounts whose ranks it keeps
    masks_per_address: int = 2_000  # of the rooms that users of one address have made, accounts included
    # What no nickname may be read as: official names, the server's and the network's too.
    reserved: re.Pattern[str] = field(default_factory=look_alikes)


@dataclass(slots=True)
class Departed:
    """A user whose node is gone, as it was: with its rooms, its rank in each, and its account."""

    user: User
    rooms: list[tuple[str, str]]
    account: str
    at: float  # when the log said that the node is gone, in seconds since the epoch


class State:
    """All replicas that apply the same log have the same `dump`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.users: dict[str, User] = {}  # by folded nickname
        self.by_id: dict[int, User] = {}  # the same users
        self.rooms: dict[str, Room] = {}  # by folded name; somebody is in each
        self.remembered: dict[str, Room] = {}  # nobody is in these: name, creation, topic and modes stay; oldest first
        self.rooms_by_host: Counter[str] = Counter()  # how many of them the users of each address made
        self.secret_rooms = 0  # of `rooms`
        self.entries_by_host: Counter[str] = Counter()  # masks and accounts that those rooms keep
        self.entries_remembered = 0  # those of the remembered rooms
        self.accounts = Accounts()
        self.bans = ServerBans()
        self.operators: dict[User, None] = {}  # of the server
        self.wallops: dict[User, None] = {}  # those who want to hear what operators tell everybody
        self.invisible: dict[User, None] = {}
        self.departed: dict[str, list[Departed]] = {}  # by node; nobody sees these until it is back
        self.absent: dict[str, Departed] = {}  # the same, by folded nickname
        self.work = 0.0  # tokens that comparing masks has taken since somebody was charged for it
        self.most_users = 0

    def reserves(self, nick: str) -> bool:
        """Whether the nickname could be taken for the server's, the network's or a service's."""
        return self.limits.reserved.fullmatch(fold(nick)) is not None

    def add_user(self, user: User) -> None:
        nick, key = user.nick, fold(user.nick)
        self.users[nick if key == nick else key] = user  # most keys are the nickname's own object
        if user.id:
            self.by_id[user.id] = user

    def remove_user(self, user: User) -> None:
        del self.users[fold(user.nick)]
        self.by_id.pop(user.id, None)
        for users in (self.operators, self.wallops, self.invisible):
            users.pop(user, None)

    def add_departed(self, one: Departed) -> None:
        self.departed.setdefault(one.user.node, []).append(one)
        self.absent[fold(one.user.nick)] = one

    def pop_departed(self, node: str) -> list[Departed]:
        departed = self.departed.pop(node, [])
        for one in departed:
            self.absent.pop(fold(one.user.nick), None)
        return departed

    def index(self, user: User) -> None:
        """Keep the lists of operators, of who hears them, and of the invisible, as the user's modes are now."""
        for wanted, users in (
            (user.operator, self.operators),
            (user.wallops, self.wallops),
            (user.invisible, self.invisible),
        ):
            if wanted:
                users[user] = None
            else:
                users.pop(user, None)

    def find_user(self, nick: str) -> User | None:
        return self.users.get(fold(nick))

    def get_user(self, nick: str) -> User:
        """As `find_user`; raises Refusal when there is none."""
        user = self.users.get(fold(nick))
        if user is None:
            raise Refusal(ERR_NOSUCHNICK, nick)
        return user

    def find_room(self, name: str) -> Room | None:
        return self.rooms.get(fold(name))

    def get_room(self, name: str, member: User | None = None) -> Room:
        """The room; raises Refusal when there is none or, given `member`, that user is not in it."""
        room = self.rooms.get(fold(name))
        if room is None:
            raise Refusal(ERR_NOSUCHCHANNEL, name)
        if member is not None and member not in room.members:
            if "s" in room.modes:  # as if there were none
                raise Refusal(ERR_NOSUCHCHANNEL, name)
            raise Refusal(ERR_NOTONCHANNEL, room.name)
        return room

    def visible_room(self, name: str, user: User) -> Room | None:
        """The room, unless it is secret and the user is not in it."""
        room = self.rooms.get(fold(name))
        return room if room is not None and ("s" not in room.modes or user in room.members) else None

    def operated_room(self, name: str, user: User) -> Room:
        """The room, of which `user` is an operator; raises Refusal."""
        room = self.get_room(name, user)
        if room.members[user] not in OPERATORS:
            raise Refusal(ERR_CHANOPRIVSNEEDED, room.name)
        return room

    # Rooms that open, are left empty and are forgotten

    def open_room(self, name: str, host: str, at: float) -> Room:
        """A room for the first member, of that host: a remembered one or a new one."""
        room = self.remembered.get(fold(name)) if self.remembered else None
        if room is None:
            room = Room(name, at, host)
        else:
            self.forget(room)
        self.open(room, host)
        return room

    def open(self, room: Room, host: str) -> None:
        """Somebody comes into a room that nobody is in; from now on it counts to that address."""
        room.creator_host = host
        self.rooms[room.key] = room
        self.rooms_by_host[host] += 1
        self.secret_rooms += "s" in room.modes
        if entries := room.entries:
            self.entries_by_host[host] += entries

    def remove_member(self, room: Room, user: User) -> None:
        room.remove(user)
        del user.rooms[room]
        if not room.members:
            self.remember(room)

    def remember(self, room: Room) -> None:
        """The last member has left: keep what the room is called, about and allows until somebody comes back."""
        del self.rooms[room.key]
        self.secret_rooms -= "s" in room.modes
        _count(self.rooms_by_host, room.creator_host, -1)
        entries = room.entries
        if entries:
            _count(self.entries_by_host, room.creator_host, -entries)
        if self.limits.rooms_remembered:
            self.remembered[room.key] = room
            self.entries_remembered += entries
            while (
                len(self.remembered) > self.limits.rooms_remembered
                or self.entries_remembered > self.limits.rooms_remembered
            ):
                self.forget(next(iter(self.remembered.values())))

    def forget(self, room: Room) -> None:
        """A remembered room is none any longer."""
        del self.remembered[room.key]
        self.entries_remembered -= room.entries

    def has_place(self, room: Room, entries: int) -> bool:
        """One more mask, or account, may be kept by a room that has so many of them."""
        limits = self.limits
        return entries < limits.masks_per_room and self.entries_by_host[room.creator_host] < limits.masks_per_address

    def count_entries(self, room: Room, more: int) -> None:
        """A room that somebody is in keeps `more` masks and accounts than before."""
        _count(self.entries_by_host, room.creator_host, more)

    def member(self, room: Room, nick: str) -> User:
        """The member of that nickname; raises Refusal."""
        whom = self.get_user(nick)
        if whom not in room.members:
            raise Refusal(ERR_USERNOTINCHANNEL, nick, room.name)
        return whom

    def dump(self) -> str:
        """The whole state as text, equal for equal states: JSON, one user or room a line."""
        lines = [json.dumps(account.values()) for account in self.accounts.by_name.values()]
        lines += [json.dumps(ban.values()) for ban in self.bans]
        lines += [
            json.dumps({**_values(user), "account": user.account, "rooms": [room.name for room in user.rooms]})
            for _, user in sorted(self.users.items())
        ]
        lines += [
            json.dumps({**_values(one.user), "account": one.account, "departed": one.rooms, "at": one.at})
            for _, departed in sorted(self.departed.items())
            for one in departed
        ]
        lines += [
            json.dumps(
                {
                    "room": room.name,
                    "created": room.created,
                    "creator_host": room.creator_host,
                    "modes": "".join(sorted(room.modes)),
                    "keyword": room.keyword,
                    "limit": room.limit,
                    "lists": {letter: list(masks) for letter, masks in sorted(room.lists.items())},
                    "ranks": room.ranks,
                    "topic": room.topic,
                    "topic_by": room.topic_by,
                    "members": [[member.nick, rank] for member, rank in room.members.items()],
                }
            )
            for room in (*(room for _, room in sorted(self.rooms.items())), *self.remembered.values())
        ]
        return "".join(f"{line}\n" for line in lines)


def _values(user: User) -> dict[str, object]:
    return {
        "user": user.mask,
        "id": user.id,
        "address": user.address,
        "realname": user.realname,
        "node": user.node,
        "signed_on": user.signed_on,
        "spoke": user.spoke,
        "has_commands": user.has_commands,
        "invisible": user.invisible,
        "operator": user.operator,
        "wallops": user.wallops,
        "away": user.away,
        "bot": user.person.bot,
        "invited": user.invited,
    }


def _count(counter: Counter[str], key: str, more: int) -> None:
    counter[key] += more
    if not counter[key]:
        del counter[key]
