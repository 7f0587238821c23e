"""A user as all nodes know it. No socket and no capabilities: those are `Client`'s."""

from typing import TYPE_CHECKING

from chat.events import Person

if TYPE_CHECKING:
    from chat.server.core.room import Room


class User:
    """Changed by `apply` alone."""

    __slots__ = (
        "address",
        "away",
        "has_commands",
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

    def __init__(self, person: Person, realname: str, node: str, at: float, has_commands: bool) -> None:
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
