"""What a user does as a member of a scenario, from coming to going; the ordinary one. One object for a process and run.

A scenario names its role. A subclass changes how users come and what they do when they lose the connection, takes
orders of its own from the conductor, and states what it counted.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from locust.exception import StopUser

from loadtest.network.connection import Connection
from loadtest.network.sources import Sources
from loadtest.scenarios import Scenario
from loadtest.settings.options import Settings
from loadtest.users import ChatUser
from loadtest.worker.part import Part

Order = Callable[[dict[str, Any]], dict[str, Any] | None]


class Member(ChatUser):
    """A user whose room and words the scenario decides."""

    abstract = True
    number = -1
    role: "Role"

    def leave(self, seconds: float = 0.0) -> None:
        """Goes at once: members do not come back by their own will."""
        super().leave(seconds)

    @property
    def is_in(self) -> bool:
        return isinstance(self.connection, Connection) and self.connection.is_open


class Company(Protocol):
    """What a role needs of its process's crew."""

    run: str
    rank: int  # of this process among those of the run, from 0
    settings: Settings
    sources: Sources  # where connections of this process come from
    scenario: Scenario
    members: dict[int, Member]  # who are in, and whom the accounts count on
    part: Part | None  # of the window under way

    def nick_of(self, number: int) -> str: ...
    def turn_away(self, reason: str) -> None:
        """A user did not get in, or will not be back: the conductor must not wait for it."""


class Role:
    """Come, stay, and end the user when the connection ends. Everything here runs in the process's hub thread."""

    def __init__(self, crew: Company) -> None:
        self.crew = crew

    @property
    def standing(self) -> int:
        """Users who are where the scenario wants them, though they are no members at the moment."""
        return 0

    @property
    def orders(self) -> Mapping[str, Order]:
        """The conductor's orders that this role takes, by kind. Each runs in a greenlet of its own and may wait.

        What one gives back is the answer. A FanfareError is the answer too: the run cannot go on.
        """
        return {}

    def come(self, member: Member) -> None:
        """The user starts, in its own greenlet."""
        if member.enter(member.receiver.room):
            self.admit(member)

    def admit(self, member: Member) -> None:
        """The user is in, unless the connection ended right then."""
        if member.is_in:
            self.crew.members[member.number] = member
            if self.crew.part:
                self.crew.part.admit(member)
        else:
            self.crew.turn_away(f"lost: {member.gone_why}")

    def stay(self, member: Member) -> None:
        """All happens in the hub and in the pacer: this greenlet only keeps the user alive."""
        member.gone.wait()
        raise StopUser(member.gone_why)

    def connected(self, member: Member) -> None:
        """The user's TCP connection stands; registering and joining follow. In its greenlet: it must not wait."""

    def refused(self, member: Member, reason: str) -> None:
        """The user did not get in."""
        self.crew.turn_away(reason)

    def lost(self, member: Member, reason: str) -> None:
        """A member's connection ended. In the hub: it must not wait."""
        if self.crew.members.pop(member.number, None):
            self.crew.turn_away(f"lost: {reason}")
            if self.crew.part:
                self.crew.part.part_with(member, reason)

    def opened(self, part: Part, orders: dict[str, Any]) -> None:
        """A window begins; `orders` is what the conductor sent for it."""

    def statement(self) -> dict[str, Any]:
        """What this role counted in the window, in plain values, for the scenario."""
        return {}

    def end(self) -> None:
        """The run is over: give back everything. Harmless when there is nothing."""
