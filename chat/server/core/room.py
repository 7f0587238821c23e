"""One room: its members, its modes, its topic. Changed by `apply` alone."""

from chat.events import Person
from chat.server.core.names_list import NamesList
from chat.server.core.user import User
from chat.wires.names import fold


class Room:
    __slots__ = (
        "_names",
        "_operators",
        "_with_commands",
        "created",
        "creator_host",
        "key",
        "members",
        "modes",
        "name",
        "topic",
        "topic_by",
    )

    def __init__(self, name: str, created: float, creator_host: str) -> None:
        self.name = name
        self.key = fold(name)
        self.created = created  # seconds since the epoch
        self.creator_host = creator_host  # the address whose share of rooms it counts to
        self.members: dict[User, bool] = {}  # True for an operator; in the order of joining
        self.modes = {"n", "t"}  # n: no messages from outside; t: topic by operators only; E: no history
        self.topic = ""
        self.topic_by: tuple[str, float] | None = None
        self._with_commands = 0  # members who can use an operator's rights
        self._operators = 0
        self._names: dict[bool, NamesList] = {}  # with masks and without; made when first asked for

    @property
    def wants_operator(self) -> bool:
        """There is no operator, and no member with commands that could have become one.

        The next member with commands becomes operator.
        """
        return not self._with_commands and not self._operators

    def add(self, user: User, operator: bool) -> None:
        self.members[user] = operator
        self._with_commands += user.has_commands
        self._operators += operator
        for names in self._names.values():
            names.add(user.person, operator)

    def remove(self, user: User) -> None:
        operator = self.members.pop(user)
        self._with_commands -= user.has_commands
        self._operators -= operator
        for names in self._names.values():
            names.remove(user.person, operator)
        self._forget_sparse_lists()

    def set_operator(self, user: User, operator: bool) -> None:
        before = self.members[user]
        self._operators += operator - before
        for names in self._names.values():
            names.replace(user.person, before, user.person, operator)
        self.members[user] = operator
        self._forget_sparse_lists()

    def rename(self, user: User, before: Person) -> None:
        """A member has changed its name from `before`."""
        operator = self.members[user]
        for names in self._names.values():
            names.replace(before, operator, user.person, operator)
        self._forget_sparse_lists()

    def names(self, masks: bool, size: int) -> NamesList:
        """All members in lines of at most `size` bytes, as members see them."""
        names = self._names.get(masks)
        if names is None:
            names = self._names[masks] = NamesList(masks, size)
            for member, operator in self.members.items():
                names.add(member.person, operator)
        return names

    def _forget_sparse_lists(self) -> None:
        if any(names.sparse for names in self._names.values()):
            self._names.clear()
