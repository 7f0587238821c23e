"""One user's talk with a server: the way in, and what must be answered once it is in. Sans-IO: bytes in, bytes out.

The same for all who talk to a server: users, guests, victims, and the probe that asks it what it is.
"""

from collections import deque

from loadtest.wires.wire import Step, Wire


class Session:
    """`begin` gives what is to be sent first, `take` what is to be sent for what came; both raise Refused."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._steps: deque[Step] = deque()
        self._rest = b""

    @property
    def steps_left(self) -> int:
        """Of those that were begun; 0 once the server has answered to all."""
        return len(self._steps)

    def begin(self, *steps: Step) -> bytes:
        """Take these steps, one after the other. `wire.register()` and `wire.enter(room)` are the way into a room."""
        self._steps.extend(steps)
        return self._go()

    def take(self, data: bytes) -> bytes:
        """Whole messages, as a `Connection` cuts them."""
        wire, out = self.wire, b""
        if self._steps:
            for message in wire.answers(data):
                if not self._steps:
                    break
                out += self._go(message)
        elif any(word in data for word in wire.urgent):
            for message in wire.messages(data):
                if any(word in message for word in wire.urgent):
                    out += wire.heed(message)
        return out

    def receive(self, data: bytes) -> bytes:
        """As `take`, for bytes as they are read: what is no whole message yet is kept."""
        data = self._rest + data
        end = self.wire.whole(data)
        self._rest = data[end:]
        return self.take(data[:end]) if end else b""

    def _go(self, message: bytes | None = None) -> bytes:
        """On with the step under way, and to the next ones while they need no answer."""
        out = b""
        while self._steps:
            try:
                return out + (next(self._steps[0]) if message is None else self._steps[0].send(message))
            except StopIteration as done:
                self._steps.popleft()
                out += done.value or b""
                message = None
        return out
