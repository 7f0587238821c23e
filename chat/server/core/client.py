"""One connection as rooms and commands see it: its capabilities, its user, its answers. No socket."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from chat.server.core.accounts import Account
from chat.server.core.reply import Reply
from chat.server.core.room import User
from chat.server.core.state import Failure, Refusal
from chat.server.core.stream import Stream
from chat.wires.irc import fit
from chat.wires.message import build
from chat.wires.numerics import Numeric
from chat.wires.wire import Dialect

UNNAMED = "*"  # in numerics, for a missing nickname or a parameter that cannot be repeated

NO_CAPABILITIES: frozenset[str] = frozenset()  # one for all: an empty one takes 216 bytes


class Outlet(Protocol):
    """The fan-out, as a client uses it."""

    def answer(self, client: "Client", sends: Sequence[bytes]) -> None: ...

    def change_dialect(self, client: "Client", dialect: Dialect) -> None: ...


class Client:
    """Touched by the loop's thread alone. `Connection` adds the socket."""

    __slots__ = (
        "_fan_out",
        "account",
        "audiences",
        "capabilities",
        "cost",
        "cursor",
        "dialect",
        "echoes",
        "exchange",
        "fingerprint",
        "host",
        "knows_302",
        "left",
        "monitored",
        "negotiating",
        "password",
        "pending",
        "realname",
        "reply",
        "secure",
        "server_name",
        "stream",
        "user",
        "user_name",
        "wanted",
    )

    def __init__(self, host: str, dialect: Dialect, fan_out: Outlet, server_name: str) -> None:
        self.host = host
        self.dialect = dialect
        self.server_name = server_name
        self.echoes = dialect.echoes
        self.capabilities = NO_CAPABILITIES
        self.user: User | None = None  # once registered
        self.left: str | None = None  # why its user has quit, or will when its waiting request is done
        self.wanted = ""  # the nickname to register with; it is not reserved
        self.user_name = ""
        self.realname = ""
        self.password: str | None = None
        self.account: Account | None = None  # the one to register with; afterwards the user's counts
        self.monitored: dict[str, str] | None = None  # nicknames by their folded forms (MONITOR)
        self.exchange: Any = None  # of SASL, while one is going on
        self.secure = False  # it came by TLS
        self.fingerprint = ""  # of its certificate: SHA-256 in lower-case hexadecimal; empty for none
        self.negotiating = False  # CAP holds registration back until CAP END
        self.knows_302 = False  # has sent CAP LS 302
        self.reply: Reply | None = None  # of the running or waiting command, if that has a label
        self.pending = 0  # how many things that command waits for: requests on their way to the log, a long answer
        self.cursor: Iterator[bytes] | None = None  # the rest of its long answer
        self.cost = 0.0  # tokens that the command takes beyond the first
        self.audiences: list[Any] = []  # the fan-out's audiences that it is in; a list takes half of a dict's memory
        self.stream: Stream | None = None  # its own part of this pass, beside its rooms' events
        self._fan_out = fan_out

    @property
    def nick(self) -> str:
        return self.user.person.nick if self.user is not None else self.wanted

    # Answers

    def send(self, *sends: bytes) -> None:
        """Send bytes to this client alone, at their place among the events that it gets."""
        self._fan_out.answer(self, sends)

    def line(self, verb: str, *params: str) -> None:
        """Send a line from the server; nothing on a wire that has no such lines."""
        if self.dialect.numerics:
            self.send(fit(build(verb, *params, source=self.server_name)))

    def numeric(self, numeric: Numeric, *params: str, text: str | None = None) -> None:
        """Send a numeric: its parameters, then its usual text unless `text` gives another.

        A parameter may come from the client. If it cannot stand in the middle of a line, `*` takes its place.
        """
        if self.dialect.numerics:
            self.send(self.numeric_line(numeric, *params, text=text))

    def refuse(self, refusal: Refusal) -> None:
        if isinstance(refusal, Failure):
            context = [param if is_middle(param) else UNNAMED for param in refusal.context]
            self.line("FAIL", refusal.verb, refusal.code, *context, refusal.reason)
        else:
            self.numeric(refusal.numeric, *refusal.params, text=refusal.text)

    def numeric_line(self, numeric: Numeric, *params: str, text: str | None = None) -> bytes:
        words = numeric.text if text is None else text
        middle = "".join(f" {param}" if is_middle(param) else f" {UNNAMED}" for param in params)
        ending = f" :{words}" if words or text is not None else ""
        return fit(f":{self.server_name} {numeric.code} {self.nick or UNNAMED}{middle}{ending}\r\n".encode())

    def set_capabilities(self, capabilities: frozenset[str], dialect: Dialect) -> None:
        """Change the capabilities from here on."""
        self.capabilities = capabilities
        self.echoes = "echo-message" in capabilities
        if dialect is not self.dialect:
            self._fan_out.change_dialect(self, dialect)

    # A connection implements these

    def count_speech(self, to: str, size: int) -> None:
        """Have what others are told cost more where it is more than one address may put into a room or on a person."""

    @property
    def is_private(self) -> bool:
        """Nobody on the way can read what it sends: it comes by TLS, or from this machine."""
        return self.secure or self.host.startswith("127.") or self.host in ("::1", "0::1")

    def newcomer_wait(self) -> float:
        """Seconds until its address may bring one more user; 0 counts one."""
        return 0.0

    def is_exempt(self) -> bool:
        """The operator exempts its address from limits of numbers."""
        return False

    def hang_up(self, reason: str) -> None:
        """Run no further command, and close once everything sent so far has gone out."""
        raise NotImplementedError

    def resume(self) -> None:
        """The command that waited is done: run the next."""
        raise NotImplementedError


def is_middle(param: str) -> bool:
    """The text may stand in a line before the last parameter."""
    return bool(param) and param[0] != ":" and " " not in param
