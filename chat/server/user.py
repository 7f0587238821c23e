"""One client's standing with the server: who it is, what it negotiated, where it is. No socket."""

from typing import TYPE_CHECKING

from chat.events import Event, Person
from chat.server.inbox import Inbox
from chat.server.posts import NOTHING, Copy, Direct, Hangup, Recast, Seat
from chat.wires.irc import fit
from chat.wires.message import build
from chat.wires.numerics import Numeric
from chat.wires.wire import Dialect

if TYPE_CHECKING:
    from chat.server.room import Room

UNNAMED = "*"  # stands in numerics for a nickname not yet there, or a name that cannot be repeated


class User:
    """Changed by its own worker's thread; `person`, `rooms`, `away` and `closing` only under the hub's lock.

    Everything it is sent goes through its worker's inbox, so that an answer never overtakes an event.
    """

    __slots__ = (
        "_answers",
        "away",
        "capabilities",
        "closing",
        "dialect",
        "hears_itself",
        "inbox",
        "invisible",
        "knows_302",
        "negotiating",
        "password",
        "person",
        "realname",
        "registered",
        "rooms",
        "seat",
        "server_name",
        "signed_on",
        "spoke",
    )

    def __init__(self, seat: Seat, host: str, server_name: str, now: float) -> None:
        self.seat = seat
        self.inbox: Inbox = seat.inbox
        self.dialect: Dialect = seat.dialect
        self.server_name = server_name
        self.person = Person("", "", host)
        self.realname = ""
        self.password: str | None = None
        self.registered = False
        self.negotiating = False  # CAP holds registration back until CAP END
        self.knows_302 = False  # has said CAP LS 302
        self.closing = False
        self.capabilities: frozenset[str] = frozenset()
        self.hears_itself = self.dialect.hears_itself
        self.invisible = False
        self.away: str | None = None
        self.rooms: dict[Room, None] = {}
        self.signed_on = now  # seconds since the epoch, as is `spoke`
        self.spoke = now
        self._answers: list[Copy] | None = None

    @property
    def nick(self) -> str:
        return self.person.nick

    @property
    def speaks_irc(self) -> bool:
        return self.dialect.framed

    def send(self, *sends: bytes) -> None:
        """Bytes for this client alone, in order with what its rooms show it."""
        copy = Copy(sends)
        if self._answers is not None:
            self._answers.append(copy)
        self.send_copy(copy)

    def reserve(self) -> Copy:
        """A place among what this client is sent; the command that asks for it fills it before it ends."""
        copy = Copy()
        if self._answers is not None:
            self._answers.append(copy)
        self.send_copy(copy)
        return copy

    def send_copy(self, copy: Copy) -> None:
        """As `send`, for bytes that may still get their label."""
        self.inbox.post(Direct(self.seat, copy))

    def reply(self, verb: str, *params: str) -> None:
        """A line from the server; nothing on a wire that has no such lines."""
        if self.speaks_irc:
            self.send(fit(build(verb, *params, source=self.server_name)))

    def numeric(self, numeric: Numeric, *params: str, text: str | None = None) -> None:
        """A numbered answer: its parameters, then its usual words unless `text` gives others.

        A parameter may be what the client sent: where it cannot stand in the middle of a line, `*` stands for it.
        """
        if self.speaks_irc:
            words = numeric.text if text is None else text
            middle = "".join(f" {param}" if _is_middle(param) else f" {UNNAMED}" for param in params)
            ending = f" :{words}" if words or text is not None else ""
            line = f":{self.server_name} {numeric.code} {self.nick or UNNAMED}{middle}{ending}\r\n"
            self.send(fit(line.encode()))

    def show(self, event: Event) -> None:
        """An event for this client alone, as a private message is."""
        sends = self.dialect.encode(event)
        if sends:
            self.inbox.post(Direct(self.seat, Copy(sends)))

    def show_own(self, event: Event, hears: bool) -> None:
        """This client's own event, where no room brings it back."""
        if hears:
            self.send(*self.dialect.encode(event))

    def own_copy(self, event: Event, hears: bool) -> Copy | None:
        """What this client gets of its own event in a room: nothing, a labelled copy, or (None) what all get."""
        if not hears:
            return NOTHING
        if self._answers is None:
            return None
        copy = Copy(self.dialect.encode(event))
        self._answers.append(copy)
        return copy

    def recast(self, capabilities: frozenset[str], dialect: Dialect) -> None:
        """Other capabilities from here on."""
        self.capabilities = capabilities
        self.hears_itself = "echo-message" in capabilities
        if dialect is not self.dialect:
            self.dialect = dialect
            self.inbox.post(Recast(self.seat, dialect))

    def hang_up(self, reason: str) -> None:
        """Close the connection once everything sent so far has gone out."""
        self.inbox.post(Hangup(self.seat, reason))

    @property
    def labels(self) -> bool:
        """The command that runs has asked for a label on each line of its answer."""
        return self._answers is not None

    def begin_answers(self) -> None:
        """From here to `end_answers` each answer is kept in hand: the client asked for a label on them."""
        self._answers = []

    def end_answers(self) -> list[Copy]:
        answers, self._answers = self._answers or [], None
        return [answer for answer in answers if answer.sends]


def _is_middle(param: str) -> bool:
    """The text may stand in a line before the last parameter."""
    return bool(param) and param[0] != ":" and " " not in param
