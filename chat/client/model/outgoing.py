"""Own words until the server has them. Pure state, no Tk, no sockets.

Words wait here until the server has come by those before them: at most IN_FLIGHT lines are on their way at a time, so
that a paste of any length floods no server, whatever its limits are. A PING after each portion tells how far the server
is. Where it has `echo-message`, the echo says that it has a line, and in which place of the room's order; elsewhere the
PONG does. With `labeled-response`, the label says which line an echo or a refusal is about.

When the connection ends, what still waited is UNSENT, and what was on its way PERHAPS arrived: the person decides
whether to say it again, unless the server's history tells which it was.
"""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from chat.client.model.changes import Appended, Change, LineChanged, LineRemoved
from chat.client.model.talk import Delivery, Line, LineKind, Talk
from chat.client.text.clean import write_action
from chat.wires.message import build, build_tags

IN_FLIGHT = 8  # lines on their way at a time; common servers cut off whoever has 20 lines or 8 KiB waiting there
KEPT = 500  # lines kept to be sent, or sent again; more than that is a file, and stays in the message box

UNDECIDED = (Delivery.UNSENT, Delivery.PERHAPS)


@dataclass(slots=True, eq=False)
class _Own:
    """One line of our own. `token` is of the PING after it, `label` the line's."""

    talk: Talk
    line: Line
    words: str  # as they are sent; the line shows less of them where they hold a password
    answers: str = ""  # the server's id of the line that this one replies to
    token: str = ""
    label: str = ""
    taken: bool = False  # by the network thread


@dataclass(slots=True)
class Outgoing:
    """Own lines of every talk that are not SENT yet."""

    echoes: bool = False  # the server has echo-message
    labels: bool = False  # and labeled-response
    _queue: deque[_Own] = field(default_factory=deque)  # not on their way yet
    _pending: list[_Own] = field(default_factory=list)  # on their way, in their order
    _kept: dict[int, _Own] = field(default_factory=dict)  # UNSENT or PERHAPS, by the line's id
    _in_flight: int = 0  # lines that the server has not come by
    _tokens: int = 0
    _labels: int = 0

    @property
    def room(self) -> int:
        """How many lines more can be kept."""
        return KEPT - len(self._kept) - len(self._queue)

    @property
    def waiting(self) -> int:
        """Lines that are to be sent, and are not on their way yet."""
        return len(self._queue)

    def unsent(self, talk: Talk) -> list[Line]:
        """The lines of this talk that can be sent again, oldest first."""
        return [own.line for own in self._kept.values() if own.talk is talk]

    def uncertain(self, talk: Talk) -> list[Line]:
        """Those of them that may have arrived."""
        return [line for line in self.unsent(talk) if line.delivery is Delivery.PERHAPS]

    def words(self, line: Line) -> str:
        """The bytes for a line that is sent again."""
        return self._kept[line.id].words

    def add(self, talk: Talk, line: Line, words: str, answers: str = "") -> Iterator[Change]:
        """A line of our own was written, PENDING, or UNSENT or PERHAPS sent."""
        line, pushed_out = talk.append(line)
        if line.delivery is Delivery.PENDING:
            self._queue.append(_Own(talk, line, words, answers))
        elif line.delivery in UNDECIDED:
            self._kept[line.id] = _Own(talk, line, words)
        yield Appended(talk, line, pushed_out)

    def release(self) -> list[bytes]:
        """The lines that may go out now."""
        released: list[_Own] = []
        if self._in_flight > IN_FLIGHT // 2:
            return []  # soon more of them can go together
        while self._queue and self._in_flight + len(released) < IN_FLIGHT:
            released.append(self._queue.popleft())
        if not released:
            return []
        self._in_flight += len(released)
        self._pending += released
        data = [self._line(own) for own in released]
        if self._queue or not self.echoes:
            self._tokens += 1
            for own in released:
                own.token = f"said-{self._tokens}"
            data.append(build("PING", released[0].token))
        else:
            self._in_flight -= len(released)  # nothing waits for them
        return data

    def taken(self) -> None:
        """The network thread has all that was released."""
        for own in self._pending:
            own.taken = True

    def not_taken(self) -> Iterator[Change]:
        """The network thread did not take what was released last."""
        yield from self._give_up([own for own in self._pending if not own.taken], Delivery.UNSENT)

    def answered(self, token: str) -> Iterator[Change]:
        """The PONG came: the server has all that went before this PING."""
        last = max((place for place, own in enumerate(self._pending) if own.token == token), default=-1)
        if last < 0:
            return
        before = self._pending[: last + 1]
        self._in_flight = sum(bool(own.token) for own in self._pending[last + 1 :])
        for own in before:
            own.token = ""
        if not self.echoes:
            del self._pending[: last + 1]
            for own in before:
                yield from _settle(own, replace(own.line, delivery=Delivery.SENT))

    def acknowledged(self, label: str) -> Iterator[Change]:
        """The server has done what the line with this label asked for, and echoes nothing."""
        own = self._labelled(label)
        if own:
            self._drop(own)
            yield from _settle(own, replace(own.line, delivery=Delivery.SENT))

    def echoed(self, talk: Talk, echo: Line, label: str = "") -> Iterator[Change]:
        """Our own words came back: this is their place in the room's order.

        The server may have changed them: without a label or an equal line, the oldest pending one is meant.
        """
        here = [own for own in self._pending if own.talk is talk]
        same = (own for own in here if (own.line.kind, own.line.text) == (echo.kind, echo.text))
        own = self._labelled(label) or next(same, here[0] if here else None)
        if own is None:
            line, pushed_out = talk.append(echo)
            yield Appended(talk, line, pushed_out)
            return
        self._drop(own)
        echo = replace(echo, reply=echo.reply or own.line.reply)
        settled = replace(echo, id=own.line.id)
        if all(later.delivery is Delivery.PENDING for later in talk.after(own.line)) and talk.change(settled):
            yield LineChanged(talk, settled)
            return
        if talk.remove(own.line):
            yield LineRemoved(talk, own.line)
        line, pushed_out = talk.append(echo)
        yield Appended(talk, line, pushed_out)

    def refused(self, talk: Talk, label: str = "") -> Iterator[Change]:
        """The server did not pass on the line with this label, or else what we said there first."""
        here = (own for own in self._pending if own.talk is talk)
        own = self._labelled(label) or next(here, None)
        if own:
            yield from self._give_up([own], Delivery.UNSENT)

    def stop(self) -> Iterator[Change]:
        """Send nothing of what still waits."""
        yield from self._give_up(list(self._queue), Delivery.UNSENT)

    def lost(self) -> Iterator[Change]:
        """The connection is over."""
        self._in_flight = 0
        yield from self._give_up([own for own in self._pending if own.taken], Delivery.PERHAPS)
        yield from self._give_up([*self._pending, *self._queue], Delivery.UNSENT)

    def found(self, arrived: Collection[int], missing: Collection[int]) -> Iterator[Change]:
        """The server's history has the lines with the first ids, and has not those with the others."""
        for ids, delivery in ((arrived, Delivery.SENT), (missing, Delivery.UNSENT)):
            for own in [self._kept[number] for number in ids if number in self._kept]:
                line = replace(own.line, delivery=delivery)
                if delivery is Delivery.SENT:
                    del self._kept[own.line.id]
                own.line = line
                yield from _settle(own, line)

    def find(self, line: Line) -> Talk | None:
        """The talk of a line that can be sent again; None when it is not one."""
        own = self._kept.get(line.id)
        return own.talk if own else None

    def forget(self, line: Line) -> None:
        """This line is sent again, or no longer wanted."""
        self._kept.pop(line.id, None)

    def forget_talk(self, talk: Talk) -> int:
        """The talk is closed: how many of its lines are on their way."""
        self._queue = deque(own for own in self._queue if own.talk is not talk)
        self._kept = {key: own for key, own in self._kept.items() if own.talk is not talk}
        on_their_way = [own for own in self._pending if own.talk is talk]
        for own in on_their_way:
            self._drop(own)
        return len(on_their_way)

    def renumbered(self, talk: Talk, moved: dict[int, int]) -> None:
        """The talk's lines have other ids now."""
        for own in (*self._queue, *self._pending, *self._kept.values()):
            if own.talk is talk and own.line.id in moved:
                own.line = replace(own.line, id=moved[own.line.id])
        self._kept = {own.line.id: own for own in self._kept.values()}

    def _line(self, own: _Own) -> bytes:
        tags = [("+draft/reply", own.answers)] if own.answers else []
        if self.labels:
            self._labels += 1
            own.label = f"l{self._labels}"
            tags.append(("label", own.label))
        text = write_action(own.words) if own.line.kind is LineKind.ACTION else own.words
        verb = "NOTICE" if own.line.kind is LineKind.NOTICE else "PRIVMSG"
        return build(verb, own.talk.name, text, tags=build_tags(tags))

    def _labelled(self, label: str) -> _Own | None:
        return next((own for own in self._pending if label and own.label == label), None)

    def _drop(self, own: _Own) -> None:
        self._pending.remove(own)
        self._in_flight -= bool(own.token)

    def _give_up(self, given_up: Sequence[_Own], delivery: Delivery) -> Iterator[Change]:
        for own in given_up:
            if own in self._pending:
                self._drop(own)
            else:
                self._queue.remove(own)
            own.line = replace(own.line, delivery=delivery)
            for change in _settle(own, own.line):
                own.line = change.line
                yield change
            self._kept[own.line.id] = own


def _settle(own: _Own, line: Line) -> Iterator[Appended | LineChanged]:
    """Show the line as it is now; one that the scrollback has pushed out comes back at the end, if it is not sent."""
    if own.talk.change(line):
        yield LineChanged(own.talk, line)
    elif line.delivery in UNDECIDED:
        line, pushed_out = own.talk.append(line)
        yield Appended(own.talk, line, pushed_out)
