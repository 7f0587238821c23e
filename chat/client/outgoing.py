"""Own words until the server has them: pending, then sent or unsent. Pure state, no Tk, no sockets.

Where the server has `echo-message`, the echo says that it has a line, and in which place of the room's order. Elsewhere
a PING goes after the words, and its PONG says that the server came by them. What is pending when the connection ends
may have arrived or not: it is called unsent, and the person decides whether to say it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from chat.client.changes import Appended, Change, LineChanged, LineRemoved
from chat.client.talk import Line, State, Talk

UNSENT = 500  # lines kept to be sent again; more than that is a file, and stays in the message box


@dataclass(slots=True)
class _Waiting:
    talk: Talk
    line: Line
    token: str = ""  # of the PING after it


@dataclass(slots=True)
class Outgoing:
    """Own lines of every talk that are not SENT yet."""

    _pending: list[_Waiting] = field(default_factory=list)  # in the order in which they went out
    _unsent: dict[int, _Waiting] = field(default_factory=dict)  # by the line's id
    _tokens: int = 0

    @property
    def left(self) -> int:
        """How many lines more can be kept to be sent again."""
        return UNSENT - len(self._unsent)

    def unsent(self, talk: Talk) -> list[Line]:
        """What of this talk can be sent again, the oldest first."""
        return [waiting.line for waiting in self._unsent.values() if waiting.talk is talk]

    def add(self, talk: Talk, line: Line) -> Iterator[Change]:
        """A line of our own was written, PENDING or UNSENT."""
        line, pushed_out = talk.append(line)
        if line.state is State.PENDING:
            self._pending.append(_Waiting(talk, line))
        elif line.state is State.UNSENT:
            self._unsent[line.id] = _Waiting(talk, line)
        yield Appended(talk, line, pushed_out)

    def token(self) -> str:
        """What to send as a PING after all that was added; empty when nothing waits for one."""
        asked = [waiting for waiting in self._pending if not waiting.token]
        if not asked:
            return ""
        self._tokens += 1
        for waiting in asked:
            waiting.token = f"said-{self._tokens}"
        return asked[0].token

    def answered(self, token: str) -> Iterator[Change]:
        """The PONG came: the server has all that went before this PING."""
        last = max((place for place, waiting in enumerate(self._pending) if waiting.token == token), default=-1)
        done, self._pending = self._pending[: last + 1], self._pending[last + 1 :]
        for waiting in done:
            yield from _settle(waiting, replace(waiting.line, state=State.SENT))

    def echoed(self, talk: Talk, echo: Line) -> Iterator[Change]:
        """Our own words came back: this is their place in the room's order.

        The server may have changed them, so without an equal one the oldest pending line is the one that is meant.
        """
        here = [waiting for waiting in self._pending if waiting.talk is talk]
        same = (w for w in here if (w.line.look, w.line.text) == (echo.look, echo.text))
        waiting = next(same, here[0] if here else None)
        if waiting is None:
            line, pushed_out = talk.append(echo)
            yield Appended(talk, line, pushed_out)
            return
        self._pending.remove(waiting)
        settled = replace(echo, id=waiting.line.id)
        if all(later.state is State.PENDING for later in talk.after(waiting.line)) and talk.change(settled):
            yield LineChanged(talk, settled)
            return
        if talk.remove(waiting.line):
            yield LineRemoved(talk, waiting.line)
        line, pushed_out = talk.append(echo)
        yield Appended(talk, line, pushed_out)

    def refused(self, talk: Talk) -> Iterator[Change]:
        """The server did not pass on what we said there first."""
        waiting = next((waiting for waiting in self._pending if waiting.talk is talk), None)
        if waiting:
            yield from self._give_up([waiting])

    def lost(self) -> Iterator[Change]:
        """The connection is over."""
        yield from self._give_up(list(self._pending))

    def take_back(self, lines: list[Line]) -> Iterator[Change]:
        """These never went out."""
        ids = {line.id for line in lines}
        yield from self._give_up([waiting for waiting in self._pending if waiting.line.id in ids])

    def find(self, line: Line) -> Talk | None:
        """The talk of an unsent line; None when it is not one."""
        waiting = self._unsent.get(line.id)
        return waiting.talk if waiting else None

    def forget(self, line: Line) -> None:
        """This unsent line is sent again, or not wanted any more."""
        self._unsent.pop(line.id, None)

    def forget_talk(self, talk: Talk) -> None:
        self._pending = [waiting for waiting in self._pending if waiting.talk is not talk]
        self._unsent = {key: waiting for key, waiting in self._unsent.items() if waiting.talk is not talk}

    def _give_up(self, given_up: list[_Waiting]) -> Iterator[Change]:
        for waiting in given_up:
            self._pending.remove(waiting)
            line = replace(waiting.line, state=State.UNSENT)
            for change in _settle(waiting, line):
                line = change.line
                yield change
            self._unsent[line.id] = _Waiting(waiting.talk, line)


def _settle(waiting: _Waiting, line: Line) -> Iterator[Appended | LineChanged]:
    """Show the line as it is now; one that the scrollback has pushed out comes back at the end."""
    if waiting.talk.change(line):
        yield LineChanged(waiting.talk, line)
    elif line.state is State.UNSENT:
        line, pushed_out = waiting.talk.append(line)
        yield Appended(waiting.talk, line, pushed_out)
