"""Whether the loop runs, and how long somebody else's call waits for it: asked twice a second."""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable

INTERVAL = 0.5  # s between two beats
STUCK_AFTER = 5.0  # s without an answer; a pass takes some 5 ms
# s; the bounds of the lag. Innocent people are to hear each other within 0.1 s.
LAG_BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

Post = Callable[[Callable[[], None]], None]


class Heartbeat:
    """Any thread may call `start`, `stop` and `silence`, and read the counts."""

    def __init__(
        self,
        post: Post,
        answered: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        interval: float = INTERVAL,
    ) -> None:
        """`post` has the loop call something. `answered` is called by the heartbeat's thread after an answer."""
        self.lags = [0] * (len(LAG_BOUNDS) + 1)  # answers, by how long they took
        self.lagged = 0.0  # s that they took together
        self._post = post
        self._answered = answered
        self._clock = clock
        self._interval = interval
        self._asked: float | None = None  # when a question was posted that has no answer yet
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def silence(self) -> float:
        """For how many seconds the loop has owed an answer; 0 when it owes none."""
        asked = self._asked
        return 0.0 if asked is None else self._clock() - asked

    @property
    def is_stuck(self) -> bool:
        return self.silence() > STUCK_AFTER

    def beat(self) -> None:
        """Ask the loop, unless it owes an answer."""
        if self._asked is None:
            self._asked = self._clock()
            self._post(self._answer)

    def _answer(self) -> None:
        """The loop's thread."""
        assert self._asked is not None
        lag = self._clock() - self._asked
        self.lags[bisect_left(LAG_BOUNDS, lag)] += 1
        self.lagged += lag
        self._asked = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.beat()
            self._stopping.wait(self._interval)
            if self._asked is None:
                self._answered()
