"""Callbacks from other threads, in order: the only way into the loop."""

import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress

Callback = Callable[[], None]


class Mailbox:
    """Any thread may `post`; all else is for the loop's thread.

    The loop polls `wakeup`, which gets a byte only while the loop sleeps: a busy loop checks before it sleeps.
    """

    __slots__ = ("_waker", "callbacks", "sleeping", "wakeup")

    def __init__(self) -> None:
        self.wakeup, self._waker = socket.socketpair()
        self.wakeup.setblocking(False)
        self._waker.setblocking(False)
        self.callbacks: deque[Callback] = deque()  # appended to by `post` alone
        self.sleeping = False  # cleared by the thread that wakes the loop, and by the loop

    def post(self, callback: Callback) -> None:
        """Have the loop call `callback` in its thread."""
        self.callbacks.append(callback)
        if self.sleeping:
            self.sleeping = False
            with suppress(OSError):  # the buffer is full, so it wakes anyway, or the loop has ended
                self._waker.send(b"!")

    def sleep(self) -> bool:
        """Say that the loop is about to wait; False when something has arrived already."""
        self.sleeping = True
        if self.callbacks:
            self.sleeping = False
            return False
        return True

    def clear_wakeup(self) -> None:
        """Read the bytes that woke the loop."""
        with suppress(BlockingIOError):
            while self.wakeup.recv(4096):
                pass

    def take(self, most: int) -> list[Callback]:
        """Take the oldest callbacks, at most `most`."""
        callbacks = self.callbacks
        return [callbacks.popleft() for _ in range(min(len(callbacks), most))]

    def close(self) -> None:
        self.wakeup.close()
        self._waker.close()
