"""Rooms and users, which hold each other: a room its members, a user its rooms. Changed by `apply` alone."""

from typing import NamedTuple

from chat.events import Person
from chat.server.core.mask_list import MaskList
from chat.server.core.names_list import NamesList
from chat.server.core.ranks import ALL_SIGNS, HIGHEST_SIGN, OPERATORS
from chat.wires.names import fold

FLAGS = "EimnRst"  # the modes without a parameter


class User:
    """A user as all nodes know it. No socket and no capabilities: those are `Client`'s."""

    __slots__ = (
        "address",
        "away",
        "has_commands",
        "id",
        "invisible",
        "invited",
        "mask",
        "node",
        "operator",
        "person",
        "realname",
        "rooms",
        "signed_on",
        "spoke",
        "wallops",
    )

    def __init__(self, number: int, person: Person, realname: str, node: str, at: float, has_commands: bool) -> None:
        self.id = number  # of the entry that brought it in; no other user ever has the same
        self.person = person
        self.mask = person.mask  # `nick!user@host`; kept because every request carries it
        self.address = person.host  # where it comes from, for masks; others see `person.host`
        self.realname = realname
        self.node = node  # the node that it is connected to
        self.signed_on = at  # seconds since the epoch, as is `spoke`
        self.spoke = at
        self.has_commands = has_commands  # can use an operator's rights; users of unframed wires cannot
        self.operator = ""  # as which operator of the server it has proved itself; empty for none
        self.wallops = False  # wants to hear what operators of the server tell everybody
        self.invisible = False  # listed only to users that share a room
        self.away: str | None = None
        self.rooms: dict[Room, None] = {}
        # By folded name of the room: when that was made, so that no later room of the name is meant.
        self.invited: dict[str, float] = {}

    @property
    def nick(self) -> str:
        return self.person.nick

    @property
    def account(self) -> str:
        """The account that it is logged in to, as registered; empty for none."""
        return self.person.account

    def set_person(self, person: Person) -> None:
        """Change the nickname, or what else others see."""
        self.person = person
        self.mask = person.mask


class Kept(NamedTuple):
    """The rank that an account has whenever it is there."""

    rank: str
    registered: float  # when the account was, so that one made later under the same name has nothing of it


class Room:
    """Its members, its modes, its lists, its topic."""

    __slots__ = (
        "_names",
        "_operators",
        "_with_commands",
        "created",
        "creator_host",
        "guarded",
        "key",
        "keyword",
        "limit",
        "lists",
        "members",
        "modes",
        "name",
        "ranks",
        "restricted",
        "silenced",
        "topic",
        "topic_by",
    )

    def __init__(self, name: str, created: float, creator_host: str) -> None:
        self.name = name
        self.key = fold(name)
        self.created = created  # seconds since the epoch
        self.creator_host = creator_host  # the address whose share of rooms it counts to
        self.members: dict[User, str] = {}  # their ranks; in the order of joining
        # n: no messages from outside; t: topic by operators; E: no history; i: by invitation; m: only the ranked speak;
        # s: outside nobody learns of it; R: for those who are logged in
        self.modes = {"n", "t"}
        self.keyword = ""  # mode k; empty for none
        self.limit = 0  # mode l: the most members; 0 for any number
        self.lists: dict[str, MaskList] = {}  # by letter; those that are not empty
        self.ranks: dict[str, Kept] = {}  # by folded account
        self.topic = ""
        self.topic_by: tuple[str, float] | None = None
        self.guarded = False  # members without a rank may have to be silent
        self.restricted = False  # not everybody may join
        # Whether bans silence a member, as far as that is known; with the name and account for which it is.
        self.silenced: dict[User, tuple[Person, bool]] = {}
        self._with_commands = 0  # members who can use an operator's rights
        self._operators = 0
        self._names: dict[tuple[bool, bool], NamesList] = {}  # with masks, with all signs; made when first asked for

    @property
    def wants_operator(self) -> bool:
        """There is no operator, and no member with commands that could have become one.

        The next member with commands becomes operator.
        """
        return not self._with_commands and not self._operators

    @property
    def entries(self) -> int:
        """How many masks and accounts it keeps."""
        return sum(map(len, self.lists.values())) + len(self.ranks)

    def settle_modes(self) -> None:
        """Modes or lists have changed."""
        self.guarded = "m" in self.modes or "b" in self.lists
        self.restricted = bool(
            self.keyword or self.limit or "b" in self.lists or "i" in self.modes or "R" in self.modes
        )
        self.silenced = {}

    # Members

    def add(self, user: User, rank: str) -> None:
        self.members[user] = rank
        self._with_commands += user.has_commands
        self._operators += rank in OPERATORS
        for (_, every), names in self._names.items():
            names.add(user.person, (ALL_SIGNS if every else HIGHEST_SIGN)[rank])

    def remove(self, user: User) -> None:
        rank = self.members.pop(user)
        if self.silenced:
            self.silenced.pop(user, None)
        self._with_commands -= user.has_commands
        self._operators -= rank in OPERATORS
        for (_, every), names in self._names.items():
            names.remove(user.person, (ALL_SIGNS if every else HIGHEST_SIGN)[rank])
        self._forget_sparse_lists()

    def set_rank(self, user: User, rank: str) -> None:
        before = self.members[user]
        self._operators += (rank in OPERATORS) - (before in OPERATORS)
        for (_, every), names in self._names.items():
            signs = ALL_SIGNS if every else HIGHEST_SIGN
            names.replace(user.person, signs[before], user.person, signs[rank])
        self.members[user] = rank
        self._forget_sparse_lists()

    def rename(self, user: User, before: Person) -> None:
        """A member has changed its name from `before`."""
        rank = self.members[user]
        for (_, every), names in self._names.items():
            sign = (ALL_SIGNS if every else HIGHEST_SIGN)[rank]
            names.replace(before, sign, user.person, sign)
        self._forget_sparse_lists()

    def names(self, masks: bool, every_sign: bool, size: int) -> NamesList:
        """All members in lines of at most `size` bytes, as members see them."""
        names = self._names.get((masks, every_sign))
        if names is None:
            names = self._names[masks, every_sign] = NamesList(masks, size)
            signs = ALL_SIGNS if every_sign else HIGHEST_SIGN
            for member, rank in self.members.items():
                names.add(member.person, signs[rank])
        return names

    def _forget_sparse_lists(self) -> None:
        if any(names.sparse for names in self._names.values()):
            self._names.clear()
