"""What one socket has not taken yet. Knows no rooms and no wires."""

from collections.abc import Callable

from chat.errors import SlowReader

JOINED_BYTES = 262_144  # pieces are joined up to this much for one send; a socket rarely takes more at once


class Outbox:
    """References to shared bytes, in order. Its owner's thread only.

    `push` and `flush` together: 1. never block 2. never reorder 3. raise SlowReader when, after the socket was offered
    everything, more than `limit` bytes remain. Framed bytes are joined into few sends; unframed ones go out one by one.
    """

    __slots__ = ("_arrived", "_framed", "_limit", "_pieces", "size")

    def __init__(self, limit: int, framed: bool) -> None:
        self._limit = limit
        self._framed = framed
        self._pieces: list[bytes | memoryview] = []
        self._arrived: list[float] = []  # when, for each piece that a flush has left
        self.size = 0  # bytes

    def __bool__(self) -> bool:
        return bool(self._pieces)

    @property
    def oldest(self) -> float | None:
        """Since when, by the owner's clock, the oldest byte waits that a flush has left; None when none does."""
        return self._arrived[0] if self._arrived else None

    def push(self, data: bytes | memoryview) -> None:
        self._pieces.append(data)
        self.size += len(data)

    def flush(self, send: Callable[[bytes | memoryview], int], now: float) -> bool:
        """Offer everything to `send`; True when nothing is left. Raises SlowReader, and what `send` raises.

        `send` is a non-blocking socket's: it returns how much it took and raises BlockingIOError for nothing.
        """
        try:
            while self._pieces:
                data = self._next()
                taken = send(data)
                self._drop(taken)
                if taken < len(data):
                    break
        except BlockingIOError:
            pass
        if not self._pieces:
            return True
        self._arrived.extend([now] * (len(self._pieces) - len(self._arrived)))
        if self.size > self._limit:
            raise SlowReader(f"{self.size:,} bytes unread, the limit is {self._limit:,}")
        return False

    def _next(self) -> bytes | memoryview:
        pieces = self._pieces
        if len(pieces) == 1 or not self._framed or len(pieces[0]) >= JOINED_BYTES:
            return pieces[0]
        if self.size <= JOINED_BYTES:
            return b"".join(pieces)
        several, size = [], 0
        for piece in pieces:
            if size + len(piece) > JOINED_BYTES:
                break
            several.append(piece)
            size += len(piece)
        return b"".join(several)

    def _drop(self, taken: int) -> None:
        """Forget the first `taken` bytes."""
        self.size -= taken
        if not self.size:
            self._pieces.clear()
            self._arrived.clear()
            return
        whole = 0
        for piece in self._pieces:
            if taken < len(piece):
                break
            taken -= len(piece)
            whole += 1
        del self._pieces[:whole]
        del self._arrived[:whole]
        if taken:
            self._pieces[0] = memoryview(self._pieces[0])[taken:]
