"""The bytes that one socket has not taken yet. Knows no rooms and no wires."""

from collections.abc import Callable, Sequence

JOINED_BYTES = 262_144  # pieces are joined up to this much for one send; a socket rarely takes more at once

Data = bytes | memoryview


class SendQueue:
    """References to shared bytes, in order. The loop's thread only.

    `push` and `flush` together: 1. never block 2. never reorder 3. never lose a byte. Framed bytes are joined into few
    sends; unframed ones go out one by one. The limits are on `lag`: the bytes that are not answers.
    """

    __slots__ = ("_framed", "_pieces", "answers", "oldest", "size")

    def __init__(self, framed: bool) -> None:
        self._framed = framed
        self._pieces: list[tuple[Data, int]] = []  # each with the number of its bytes that are answers
        self.size = 0  # bytes
        self.answers = 0  # bytes of answers among them
        self.oldest: float | None = None  # time of the last progress; None while the socket takes all it is offered

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def lag(self) -> int:
        return self.size - self.answers

    def push(self, data: Data, answers: int) -> None:
        """Queue one send, with `answers` bytes of answers."""
        self._pieces.append((data, answers))
        self.size += len(data)
        self.answers += answers

    def push_first(self, data: Data, answers: int) -> None:
        """Queue the rest of a send before all others."""
        self._pieces.insert(0, (data, answers))
        self.size += len(data)
        self.answers += answers

    def extend(self, several: Sequence[bytes]) -> None:
        """Queue sends of which the client asked for none."""
        self._pieces += [(data, 0) for data in several]
        self.size += sum(map(len, several))

    def flush(self, send: Callable[[Data], int], now: float, most: int | None = None) -> bool:
        """Offer everything, or `most` pieces, to `send`; True when nothing is left. Raises OSError from `send`.

        `send` is a non-blocking socket's: it returns the number of bytes taken, or raises BlockingIOError.
        """
        before, blocked = self.size, False
        try:
            while self._pieces and most != 0 and not blocked:
                data = self._next()
                taken = send(data)
                self._drop(taken)
                blocked = taken < len(data)
                if most is not None:
                    most -= 1
        except BlockingIOError:
            blocked = True
        if not blocked:
            self.oldest = None
        elif self.oldest is None or self.size < before:
            self.oldest = now
        return not self._pieces

    def _next(self) -> Data:
        pieces = self._pieces
        first = pieces[0][0]
        if len(pieces) == 1 or not self._framed or len(first) >= JOINED_BYTES:
            return first
        several, size = [], 0
        for piece, _ in pieces:
            if size + len(piece) > JOINED_BYTES:
                break
            several.append(piece)
            size += len(piece)
        return b"".join(several)

    def _drop(self, taken: int) -> None:
        """Drop the first `taken` bytes."""
        self.size -= taken
        if not self.size:
            self._pieces.clear()
            self.answers = 0
            return
        whole = 0
        for piece, answers in self._pieces:
            if taken < len(piece):
                break
            taken -= len(piece)
            self.answers -= answers
            whole += 1
        del self._pieces[:whole]
        if taken:
            piece, answers = self._pieces[0]
            rest = memoryview(piece)[taken:]
            left = min(answers, len(rest))  # which of its bytes have been sent is not known
            self._pieces[0] = (rest, left)
            self.answers -= answers - left
