"""A thread for slow functions, so that the loop and all other connections go on."""

import logging
import threading
from collections.abc import Callable
from functools import partial
from queue import Empty, Full, Queue
from typing import Protocol, TypeVar

WAITING = 500  # tasks; some 20 s of hashing, which is as long as a client waits for its registration
STOP_PATIENCE = 2.0  # s for the task that runs when the server ends

Result = TypeVar("Result")
Post = Callable[[Callable[[], None]], None]

log = logging.getLogger(__name__)


class Hasher(Protocol):
    """The loop's thread only."""

    def start(self, post: Post) -> None:
        """The loop is about to run; `post` has it call something in its thread."""

    def run(self, task: Callable[[], Result], done: Callable[[Result | None], None]) -> bool:
        """Run the task elsewhere and call `done` in the loop's thread with its result, or with None when it has failed.

        False when too many wait already: nothing is called then.
        """

    def close(self) -> None: ...


class AtOnce:
    """Runs tasks where they are asked for: in tests, and in a server that is stepped by hand."""

    def start(self, post: Post) -> None: ...

    def run(self, task: Callable[[], Result], done: Callable[[Result | None], None]) -> bool:
        done(task())
        return True

    def close(self) -> None: ...


class HashingThread:
    def __init__(self, waiting: int = WAITING) -> None:
        self._tasks: Queue[Callable[[], Callable[[], None]] | None] = Queue(waiting)
        self._thread = threading.Thread(target=self._run, name="hashing", daemon=True)
        self._post: Post

    def start(self, post: Post) -> None:
        self._post = post
        self._thread.start()

    def run(self, task: Callable[[], Result], done: Callable[[Result | None], None]) -> bool:
        try:
            self._tasks.put_nowait(partial(_do, task, done))
        except Full:
            return False
        return True

    def close(self) -> None:
        """Tasks that wait are dropped."""
        if self._thread.ident is None:
            return
        while True:
            try:
                self._tasks.get_nowait()
            except Empty:
                break
        self._tasks.put(None)
        self._thread.join(STOP_PATIENCE)

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._post(task())


def _do(task: Callable[[], Result], done: Callable[[Result | None], None]) -> Callable[[], None]:
    try:
        result = task()
    except Exception:  # ours; the thread must not end by it
        log.exception("hashing failed")
        return partial(done, None)
    return partial(done, result)
