"""One request of an administrator, as its handler sees it: what was asked, the node, and how to answer. No sockets."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chat.errors import FanfareError
from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.state import Refusal
from chat.wires.irc import IrcWire
from chat.wires.message import Message
from chat.wires.numerics import Numeric

PORTION = 100  # rows made in one call of the loop; some 1 ms

Row = dict[str, Any]  # JSON values that nobody changes later: another thread writes them
Rows = Iterator[Row | None]  # None: something was looked at that is not to be shown


class AdminError(FanfareError):
    """A request cannot be done: one line for the administrator."""


class Place(Protocol):
    """The target of requests: a running server, or the log of one that does not run."""

    @property
    def node(self) -> Node: ...

    def facts(self) -> Row:
        """Facts about the whole."""


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of an answer, made by the loop."""

    rows: tuple[Row, ...]
    last: bool
    error: str = ""  # why there is no answer, or no rest of it


Answer = Callable[[Portion], None]


class Operation:
    """The loop's thread only, but for what it passes to `answer`.

    A handler returns the rows of its answer as an iterator, which is advanced a portion at a time; or it returns None,
    and calls `done` or `fail` then or later.
    """

    def __init__(self, place: Place, verb: str, arguments: Mapping[str, Any], answer: Answer) -> None:
        """`answer` takes one portion for each call of `start` or `advance`."""
        self.place = place
        self.node = place.node
        self.verb = verb
        self._arguments = arguments
        self._answer = answer
        self._rows: Rows | None = None
        self._ended = False

    # What was asked

    def text(self, name: str, default: str | None = None) -> str:
        """An argument. Raises AdminError when it is missing and has no default, or is no text of one line."""
        value = self._arguments.get(name, default)
        if value is None:
            raise AdminError(f"{self.verb} needs {name}")
        if not isinstance(value, str) or not value.isprintable():
            raise AdminError(f"{name} must be a text of one line")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """As `text`, for a number of at least 0."""
        value = self._arguments.get(name, default)
        if value is None:
            raise AdminError(f"{self.verb} needs {name}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise AdminError(f"{name} must be a number, and not below 0")
        return value

    def flag(self, name: str) -> bool:
        return self._arguments.get(name) is True

    # How it is answered

    def done(self, *rows: Row) -> None:
        """The request is done; `rows` are the answer."""
        self._end(Portion(rows, True))

    def fail(self, reason: str) -> None:
        """The request cannot be done."""
        self._end(Portion((), True, reason))

    def ask(self, request: Message, *rows: Row) -> None:
        """Put a request through the log; its entry, or its refusal, ends the operation."""
        client = _Administrator(self)
        self.node.ask(client, request, lambda: self.done(*rows), lambda refusal: self.fail(_explain(refusal)))

    # Carrying it out

    def start(self, handler: Callable[["Operation"], Rows | None]) -> None:
        """Call the handler, and answer with the first portion if it gives rows."""
        try:
            self._rows = handler(self)
        except (AdminError, Refusal) as error:
            self.fail(_explain(error))
        else:
            if self._rows is not None:
                self.advance()

    def advance(self) -> None:
        """Answer with the next portion."""
        rows: list[Row] = []
        assert self._rows is not None
        for _ in range(PORTION):
            try:
                row = next(self._rows)
            except StopIteration:
                self.done(*rows)
                return
            except (AdminError, Refusal) as error:
                self.fail(_explain(error))
                return
            if row is not None:
                rows.append(row)
        self._answer(Portion(tuple(rows), False))

    def _end(self, portion: Portion) -> None:
        if not self._ended:
            self._ended = True
            self._answer(portion)


def _explain(error: AdminError | Refusal) -> str:
    if isinstance(error, AdminError):
        return str(error)
    words = error.numeric.text if error.text is None else error.text
    return f"{': '.join((*error.params, words))}"


class _Administrator(Client):
    """The asking side: a client without a connection, whose refusals end the operation."""

    __slots__ = ("_operation",)

    def __init__(self, operation: Operation) -> None:
        node = operation.node
        super().__init__("", IrcWire().dialect, node.fan_out, node.name)
        self._operation = operation

    def send(self, *sends: bytes) -> None:
        """Nobody reads it."""

    def numeric(self, numeric: Numeric, *params: str, text: str | None = None) -> None:
        self._operation.fail(_explain(Refusal(numeric, *params, text=text)))

    def refuse(self, refusal: Refusal) -> None:
        self._operation.fail(_explain(refusal))

    def count_speech(self, to: str, size: int) -> None:
        """An administrator has no budget."""

    def hang_up(self, reason: str) -> None:
        """There is no connection."""

    def resume(self) -> None:
        """There is no next command."""
