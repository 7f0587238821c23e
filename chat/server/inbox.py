"""What waits for one worker, in order.

A worker learns everything through its inbox: new connections, a room's events, single answers. That one queue is what
keeps a room's order, and an answer behind the events that came before it.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol


class Post(Protocol):
    """Something for a worker to do."""


class Inbox:
    """Any thread posts and notifies; only the owner calls `take`, `sleep` and `awake`.

    Posting makes no system call, so it may be done under the hub's lock; `notify`, which may, is called after the
    lock is released. The wake-up is written only to a worker that sleeps: a busy one looks before it sleeps.
    """

    __slots__ = ("_limit", "_posts", "_sleeping", "_wake")

    def __init__(self, limit: int, wake: Callable[[], None]) -> None:
        self._limit = limit
        self._wake = wake
        self._posts: deque[Post] = deque()
        self._sleeping = False

    def __len__(self) -> int:
        return len(self._posts)

    @property
    def full(self) -> bool:
        """Senders are to wait. Posts are still taken: events that happened may not be lost."""
        return len(self._posts) >= self._limit

    def post(self, post: Post) -> None:
        self._posts.append(post)

    def notify(self) -> None:
        """Wake the owner when it sleeps and something waits."""
        if self._sleeping and self._posts:
            self._sleeping = False
            self._wake()

    def sleep(self) -> bool:
        """The owner is about to wait; False when something has arrived already."""
        self._sleeping = True
        if self._posts:
            self._sleeping = False
            return False
        return True

    def awake(self) -> None:
        self._sleeping = False

    def take(self) -> list[Post]:
        """What waits, oldest first, no more than the limit."""
        posts = self._posts
        return [posts.popleft() for _ in range(min(len(posts), self._limit))]
