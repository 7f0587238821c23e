"""What one socket has not taken yet. Knows no rooms and no wires."""

from collections.abc import Callable

from chat.errors import SlowReader

JOINED_BYTES = 262_144  # pieces are joined up to this much for one send; a socket rarely takes more at once


class Outbox:
    """References to shared bytes, in order. Its owner's thread only.

    `push` and `flush` together: 1. never block 2. never reorder 3. raise SlowReader when, after the socket was offered
    everything, more than `limit` bytes remain of what was said, or more than `notice_limit` bytes of notices. Framed
    bytes are joined into few sends; unframed ones go out one by one.
    """

    __slots__ = ("_framed", "_notice_limit", "_notices", "_pieces", "limit", "notices", "oldest", "size")

    def __init__(self, limit: int, notice_limit: int, framed: bool) -> None:
        self.limit = limit
        self._notice_limit = notice_limit
        self._framed = framed
        self._pieces: list[bytes | memoryview] = []
        self._notices: list[int] = []  # bytes of each piece
        self.size = 0  # bytes
        self.notices = 0  # bytes of them that tell who came and went
        self.oldest: float | None = None  # since when, by the owner's clock, nothing was taken of what waits

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def push(self, data: bytes | memoryview, notices: int = 0) -> None:
        """Queue one send, of which `notices` bytes tell who came and went."""
        self._pieces.append(data)
        self._notices.append(notices)
        self.size += len(data)
        self.notices += notices

    def flush(self, send: Callable[[bytes | memoryview], int], now: float) -> bool:
        """Offer everything to `send`; True when nothing is left. Raises SlowReader, and what `send` raises.

        `send` is a non-blocking socket's: it returns how much it took and raises BlockingIOError for nothing.
        """
        before = self.size
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
            self.oldest = None
            return True
        if self.oldest is None or self.size < before:
            self.oldest = now
        said = self.size - self.notices
        if said > self.limit:
            raise SlowReader(f"{said:,} bytes unread, the limit is {self.limit:,}")
        if self.notices > self._notice_limit:
            raise SlowReader(f"{self.notices:,} bytes of notices unread, the limit is {self._notice_limit:,}")
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
            self._notices.clear()
            self.notices = 0
            return
        whole = 0
        for piece in self._pieces:
            if taken < len(piece):
                break
            taken -= len(piece)
            whole += 1
        self.notices -= sum(self._notices[:whole])
        del self._pieces[:whole]
        del self._notices[:whole]
        if taken:
            self._pieces[0] = rest = memoryview(self._pieces[0])[taken:]
            fewer = max(0, self._notices[0] - len(rest))  # which of its bytes have gone is not known
            self._notices[0] -= fewer
            self.notices -= fewer
