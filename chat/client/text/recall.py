"""What was sent from the message box, to be had again with Up and Down. Pure."""

from collections import deque

REMEMBERED = 200  # messages; more than anybody pages through


class Recall:
    """Going up leads to ever older ones; below the newest waits what was being written when one went up."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._sent: deque[str] = deque(maxlen=limit)
        self._back = 0  # how far up one is; 0 is the draft
        self._draft = ""

    def add(self, text: str) -> None:
        """It was sent. The next Up leads to it."""
        if text and not (self._sent and self._sent[-1] == text):
            self._sent.append(text)
        self._back = 0
        self._draft = ""

    def up(self, now: str) -> str | None:
        """What to show in the box, which holds `now`; None at the top."""
        return self._go(1, now)

    def down(self, now: str) -> str | None:
        """What to show in the box; None at the bottom."""
        return self._go(-1, now)

    def _go(self, step: int, now: str) -> str | None:
        back = self._back + step
        if not 0 <= back <= len(self._sent):
            return None
        if self._back == 0:
            self._draft = now
        self._back = back
        return self._sent[-back] if back else self._draft
