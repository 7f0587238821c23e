"""What an IRC client believes, with the answers to what it asked: each has to fit the events around it.

Built from nothing but the bytes that the client was sent; `compare` holds it against the server's state at rest.
"""

from collections.abc import Callable

from chat.server.core.ranks import ALL_SIGNS
from chat.server.core.room import FLAGS, Room
from chat.server.core.state import State
from chat.wires.message import Message, parse
from chat.wires.names import fold
from tests.attacks.beliefs import EVENTS, Beliefs, RoomBelief
from tests.attacks.rank_beliefs import Rank, all_fit, fits, merged, rank_of, split_signs, surely_operates

UNTAGGED = ("ACCOUNT", "JOIN")  # they change or tell what is believed


class IrcBelief(Beliefs):
    """`receive` takes bytes. `pings` are to be answered by whoever has the belief.

    `whole_answers`: no answer is so long that it comes in portions, between which the state may change.
    """

    def __init__(self, name: str, whole_answers: bool = True) -> None:
        super().__init__(name)
        self._whole_answers = whole_answers
        self._rest = b""
        self._names: dict[str, dict[str, Rank]] = {}  # by room: what NAMES has said of it so far
        self._who: dict[str, Rank] = {}  # what WHO has said so far
        self._lists: dict[tuple[str, str], set[str]] = {}  # by letter and room: what lists have said so far
        self._whois: dict[str, Rank] | None = None  # by room; None: it has found nobody

    def receive(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            self._read(line.decode())

    def _read(self, line: str) -> None:
        self.note(line)
        if self.over:
            self.complain("a line after ERROR")
        message = parse(line)
        if message.tags:
            self.check_tags(message)
        if message.verb.isdecimal():
            self.check_own_name(message)
            answer = _ANSWERS.get(message.verb)
            if answer is not None:
                answer(self, message)
        elif message.verb in EVENTS:
            own_modes = message.verb == "MODE" and message.params[0][0] != "#"  # an answer: it has no tags
            if "!" in message.source and message.verb not in UNTAGGED and not own_modes:
                self.people.tagged(message.nick, message.tag("account"), self.caps)
            EVENTS[message.verb](self, message)
        else:
            self.complain(f"an unknown verb {message.verb}")

    # NAMES, WHO, WHOIS, LIST: who is where

    def _name_reply(self, message: Message) -> None:
        names = self._names.setdefault(fold(message.params[2]), {})
        for word in message.params[3].split():
            signs, name = split_signs(word)
            nick = fold(name.partition("!")[0])
            if nick in names:
                self.complain(f"{nick} is listed twice")
            names[nick] = rank_of(signs, "multi-prefix" in self.caps)

    def _end_of_names(self, message: Message) -> None:
        key = fold(message.params[1])
        names = self._names.pop(key, {})
        room = self.rooms.get(key)
        if room is None:
            return
        if fold(self.nick) not in names:
            self.complain(f"{self.nick} is not listed")
        if room.members is not None and not all_fit(names, room.members):
            self.complain(f"listed are {names}, believed {room.members}")
        known = room.members or {}
        room.members = {nick: merged(known.get(nick), rank) for nick, rank in names.items()}

    def _who_reply(self, message: Message) -> None:
        _, place, _, _, _, nick, flags, _ = message.params
        rank = rank_of(flags.lstrip("HG*").replace("B", ""), "multi-prefix" in self.caps)
        self._who[fold(nick)] = rank
        room = self.rooms.get(fold(place))
        if room is not None and room.members is not None and not fits(room.members.get(fold(nick)), rank):
            self.complain(f"{nick} is listed as {flags}, believed {room.members}")
        self._is_away(nick, flags[0] == "G")

    def _end_of_who(self, message: Message) -> None:
        listed, self._who = self._who, {}
        room = self.rooms.get(fold(message.params[1]))
        if room is not None and self._whole_answers and not all_fit(listed, room.members):
            self.complain(f"listed are {listed}, believed {room.members}")

    def _is_away(self, nick: str, away: bool) -> None:
        key = fold(nick)
        if self.away.get(key, away) is not away:
            self.complain(f"{nick} is listed as {'away' if away else 'here'}")
        if nick == self.nick or ("away-notify" in self.caps and self.shares(nick)):
            self.away[key] = away

    def _userhost(self, message: Message) -> None:
        for word in message.params[1].split():
            nick, _, host = word.partition("=")
            self._is_away(nick, host[0] == "-")

    def _whois_user(self, message: Message) -> None:
        self._whois = {}

    def _whois_rooms(self, message: Message) -> None:
        assert self._whois is not None
        for word in message.params[2].split():
            signs, name = split_signs(word)
            self._whois[fold(name)] = rank_of(signs, "multi-prefix" in self.caps)

    def _end_of_whois(self, message: Message) -> None:
        rooms, self._whois = self._whois, None
        nick = fold(message.params[1])
        for name, room in self.rooms.items():
            if room.members is not None and rooms is not None and not fits(room.members.get(nick), rooms.get(name)):
                self.complain(f"of {name}, {nick} is listed as {rooms.get(name)}, believed {room.members}")

    def _listed_room(self, message: Message) -> None:
        _, name, count, topic = message.params
        room = self.rooms.get(fold(name))
        if room is None or room.members is None:
            return
        if int(count) != len(room.members):
            self.complain(f"{count} members are listed, believed {room.members}")
        if room.topic not in (None, topic):
            self.complain(f"the listed topic is {topic}, believed {room.topic}")

    # Topic and modes

    def _topic_reply(self, message: Message) -> None:
        self._has_topic(message.params[1], message.params[2])

    def _no_topic(self, message: Message) -> None:
        self._has_topic(message.params[1], "")

    def _has_topic(self, name: str, topic: str) -> None:
        room = self.rooms.get(fold(name))
        if room is None:
            self.complain(f"the topic of {name}, where the client is not")
            return
        if room.members is None:
            room.topic = topic
        elif room.topic != topic:
            self.complain(f"the topic is {topic!r}, believed {room.topic!r}")

    def _modes_reply(self, message: Message) -> None:
        room = self.rooms.get(fold(message.params[1]))
        if room is None:
            return
        letters, params = message.params[2], iter(message.params[3:])
        for letter in FLAGS + "kl":
            on = letter in letters
            if room.modes.setdefault(letter, on) is not on:
                self.complain(f"the modes are {letters}, believed {room.modes}")
            if on and letter in "kl" and room.params.setdefault(letter, param := next(params)) != param:
                self.complain(f"{letter} is {param}, believed {room.params}")

    def _listed_mask(self, message: Message) -> None:
        name, mask = message.params[1:3]
        self._lists.setdefault((_LISTS[message.verb], fold(name)), set()).add(fold(mask))

    def _end_of_masks(self, message: Message) -> None:
        name = fold(message.params[1])
        letter = _LISTS[message.verb]
        masks = self._lists.pop((letter, name), set())
        room = self.rooms.get(name)
        if room is None:
            return
        if self._whole_answers:
            for mask, on in [(mask, on) for (its, mask), on in room.masks.items() if its == letter]:
                if (mask in masks) is not on:
                    self.complain(f"{letter} {mask} is {on}, listed are {masks}")
            room.masks.update({(letter, mask): True for mask in masks})

    def _own_modes(self, message: Message) -> None:
        if ("i" in message.params[1]) is not self.invisible:
            self.complain(f"the client's modes are {message.params[1]}")

    def _now_away(self, message: Message) -> None:
        self.away[fold(self.nick)] = True

    def _now_here(self, message: Message) -> None:
        self.away[fold(self.nick)] = False

    # Refusals

    def _no_such_nick(self, message: Message) -> None:
        name = message.params[1]
        if name == self.nick or self.shares(name) or fold(name) in self.rooms:
            self.complain(f"there is no {name}")

    def _not_there(self, message: Message) -> None:
        if fold(message.params[1]) in self.rooms:
            self.complain(f"the client is not in {message.params[1]}")

    def _is_not_there(self, message: Message) -> None:
        nick, name = message.params[1:3]
        room = self.rooms.get(fold(name))
        if room is not None and room.members is not None and fold(nick) in room.members:
            self.complain(f"{nick} is not in {name}")

    def _no_operator(self, message: Message) -> None:
        room = self.rooms.get(fold(message.params[1]))
        if message.params[2].startswith("That is for"):
            return  # an operator is no founder
        if room is not None and room.members is not None and surely_operates(room.members.get(fold(self.nick))):
            self.complain(f"the client is no operator of {message.params[1]}")

    def _cannot_speak(self, message: Message) -> None:
        room = self.rooms.get(fold(message.params[1]))
        if room is not None and room.members is not None:
            rank = room.members.get(fold(self.nick))
            if rank is not None and any(rank.values()):
                self.complain(f"the client cannot speak, and is {rank}")

    def _is_there(self, message: Message) -> None:
        nick, name = message.params[1:3]
        room = self.rooms.get(fold(name))
        if room is not None and room.members is not None and fold(nick) not in room.members:
            self.complain(f"{nick} is in {name}")

    def _nick_in_use(self, message: Message) -> None:
        if self.registered and fold(message.params[1]) == fold(self.nick):
            self.complain("the client's own name is in use")

    # At rest

    def compare(self, state: State) -> None:
        """Complain of everything in which the belief is not the state's."""
        self.note("at rest:")
        user = state.find_user(self.nick)
        if user is None or user.nick != self.nick:
            self.complain(f"{self.nick} is nobody")
            return
        if {room.key for room in user.rooms} != self.rooms.keys():
            self.complain(f"the client is in {list(user.rooms)}, believed {list(self.rooms)}")
        for difference in self.people.differences(state):
            self.complain(difference)
        if user.invisible is not self.invisible:
            self.complain(f"invisible is {user.invisible}")
        for room in user.rooms:
            if room.key in self.rooms:
                self._compare_room(room, self.rooms[room.key])
        for nick, away in self.away.items():
            other = state.find_user(nick)
            if other is None or (other.away is not None) is not away:
                self.complain(f"{nick} is believed {'away' if away else 'here'}")

    def _compare_room(self, room: Room, belief: RoomBelief) -> None:
        members = {fold(member.nick): rank_of(ALL_SIGNS[rank], every=True) for member, rank in room.members.items()}
        if not all_fit(members, belief.members):
            self.complain(f"in {room.name} are {members}, believed {belief.members}")
        if room.topic != belief.topic:
            self.complain(f"the topic of {room.name} is {room.topic!r}, believed {belief.topic!r}")
        there = {*room.modes, *("k" * bool(room.keyword)), *("l" * bool(room.limit))}
        if wrong := {letter for letter, on in belief.modes.items() if (letter in there) is not on}:
            self.complain(f"the modes {wrong} of {room.name} are believed {belief.modes}")
        params = {"k": room.keyword, "l": str(room.limit)}
        if wrong := {letter for letter, param in belief.params.items() if params[letter] != param}:
            self.complain(f"{wrong} of {room.name} are believed {belief.params}")
        for (letter, mask), on in belief.masks.items():
            if (letter in room.lists and mask in room.lists[letter]) is not on:
                self.complain(f"{letter} {mask} of {room.name} is believed {on}")


_LISTS = {"346": "I", "347": "I", "348": "e", "349": "e", "367": "b", "368": "b"}
_ANSWERS: dict[str, Callable[[IrcBelief, Message], None]] = {
    "221": IrcBelief._own_modes,
    "302": IrcBelief._userhost,
    "305": IrcBelief._now_here,
    "306": IrcBelief._now_away,
    "311": IrcBelief._whois_user,
    "315": IrcBelief._end_of_who,
    "318": IrcBelief._end_of_whois,
    "319": IrcBelief._whois_rooms,
    "322": IrcBelief._listed_room,
    "324": IrcBelief._modes_reply,
    "331": IrcBelief._no_topic,
    "332": IrcBelief._topic_reply,
    "352": IrcBelief._who_reply,
    "353": IrcBelief._name_reply,
    "366": IrcBelief._end_of_names,
    "730": lambda belief, message: belief.people.seen(message),
    "731": lambda belief, message: belief.people.seen(message),
    "401": IrcBelief._no_such_nick,
    "403": IrcBelief._not_there,
    "433": IrcBelief._nick_in_use,
    "441": IrcBelief._is_not_there,
    "442": IrcBelief._not_there,
    "404": IrcBelief._cannot_speak,
    "443": IrcBelief._is_there,
    "346": IrcBelief._listed_mask,
    "347": IrcBelief._end_of_masks,
    "348": IrcBelief._listed_mask,
    "349": IrcBelief._end_of_masks,
    "367": IrcBelief._listed_mask,
    "368": IrcBelief._end_of_masks,
    "482": IrcBelief._no_operator,
}
