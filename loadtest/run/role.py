"""What a user does as a member of a scenario, from coming to going; the ordinary one. One object for a process and run.

A scenario makes its role. A subclass changes how users come and what they do when they lose the connection, answers
questions of its scenario's leading side, and states what it counted.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import gevent
from gevent.event import Event

from chat.errors import FanfareError
from chat.wires.message import build
from loadtest.core.receiver import Moment
from loadtest.net.addresses import Sources
from loadtest.run.hosts import Hosts
from loadtest.run.messages import Opening
from loadtest.run.part import Listener, Part
from loadtest.run.settings import Settings

Order = Callable[[dict[str, Any]], dict[str, Any] | None]
_NUMERICS = re.compile(rb"^(?:@\S+ +)?:\S+ +(353|366) ([^\r\n]*)", re.M)


class Gone(FanfareError):
    """The user has nothing more to do; the text says why."""


class Unanswered(FanfareError):
    """The server did not give the list in time."""


class Member(Listener, Protocol):
    """What a role needs of a user; see locust/member.py."""

    number: int
    nick: str
    host: str  # its own, of several
    node: int  # that one's place among them
    label: str  # the name in Locust's table
    gone: Event  # set when the connection has ended; `gone_why` says how
    gone_why: str
    failure: Exception | None  # what the last way in came to grief with
    capabilities: tuple[str, ...]  # IRCv3, asked for where the server offers them
    at_once: bool  # it does not queue to connect: for those who all come back
    connect_patience: float | None

    @property
    def granted(self) -> frozenset[str]: ...  # of these
    @property
    def is_in(self) -> bool: ...
    def at(self, node: int) -> None:
        """The host from the next connection on."""

    def enter(self, room: str) -> bool: ...
    def leave(self, seconds: float = 0.0) -> None: ...


class Worker(Protocol):
    """What a role needs of its process."""

    run_id: str
    rank: int  # of this process among those of the run, from 0
    settings: Settings
    sources: Sources  # where connections of this process come from
    hosts: Hosts
    members: dict[int, Member]  # who are in, and whom the accounts count on
    part: Part | None  # of the window under way

    def nick_of(self, number: int) -> str: ...
    def node_of(self, number: int) -> int: ...
    def refuse(self, reason: str) -> None:
        """A user did not get in, or will not be back: the leader must not wait for it."""

    def report(self, kind: str, ns: int, error: Exception | None = None) -> None:
        """Something took so long: a row of Locust's table."""


class Role:
    """Come, stay, and end the user when the connection ends. Everything here runs in the process's hub thread."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    @property
    def standing(self) -> int:
        """Users who are where the scenario wants them, though they are no members at the moment."""
        return 0

    @property
    def orders(self) -> Mapping[str, Order]:
        """The leader's orders that this role takes, by kind. Each runs in a greenlet of its own and may wait.

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
            self.worker.members[member.number] = member
            if self.worker.part:
                self.worker.part.admit(member)
        else:
            self.worker.refuse(f"lost: {member.gone_why}")

    def stay(self, member: Member) -> None:
        """All happens in the hub and in the sender: this greenlet only keeps the user alive. Raises Gone."""
        member.gone.wait()
        raise Gone(member.gone_why)

    def connected(self, member: Member) -> None:
        """The user's TCP connection stands; registering and joining follow. In its greenlet: it must not wait."""

    def refused(self, member: Member, reason: str) -> None:
        """The user did not get in."""
        self.worker.refuse(reason)

    def lost(self, member: Member, reason: str) -> None:
        """A member's connection ended. In the hub: it must not wait."""
        if self.worker.members.pop(member.number, None):
            self.worker.refuse(f"lost: {reason}")
            if self.worker.part:
                self.worker.part.remove(member, reason)

    def opened(self, part: Part, opening: Opening) -> None:
        """A window begins. Its moments are of this process's clock."""

    def statement(self) -> dict[str, Any]:
        """What this role counted in the window, in plain values, for the scenario."""
        return {}

    def end(self) -> None:
        """The run is over: give back everything. Harmless when there is nothing."""


def names_in(member: Member, nick_head: str, patience: float) -> list[int]:
    """Ask the server who is in a room, by a member that keeps listening meanwhile.

    The numbers of this run's users whom the server lists there. Raises Unanswered.
    """
    connection = member.connection
    if connection is None or not connection.is_open:
        raise Unanswered(f"NAMES: {member.gone_why or 'no connection'}")
    room = member.receiver.room
    name = re.compile(rb"[ :@+%%&~]%b([0-9a-z]+)" % re.escape(nick_head.encode()))
    found: set[int] = set()
    ended = Event()
    listening = connection.on_lines

    def overhear(data: bytes, at: Moment) -> None:
        for verb, rest in _NUMERICS.findall(data) if b" 353 " in data or b" 366 " in data else ():
            if verb == b"353":
                found.update(int(number, 36) for number in name.findall(b":" + rest.rpartition(b" :")[2]))
            else:
                ended.set()
        listening(data, at)

    connection.on_lines = overhear
    try:
        connection.send(build("NAMES", room))
        with gevent.Timeout(patience, Unanswered(f"NAMES {room}: no answer within {patience:g} s")):
            ended.wait()
    finally:
        connection.on_lines = listening
    return sorted(found)


def names_at_all(members: Iterable[Member], nick_head: str, patience: float) -> dict[str, list[int]]:
    """Whom any node lists in each room: one of these members asks, for each room at each node. Raises Unanswered."""
    askers = {(member.receiver.room, member.node): member for member in members}
    listed: dict[str, set[int]] = {}
    for (room, _), asker in askers.items():
        listed.setdefault(room, set()).update(names_in(asker, nick_head, patience))
    return {room: sorted(users) for room, users in listed.items()}
