"""Have Tk's thread take news when there is some, a bounded batch at a time. While nothing happens, nothing runs."""

import contextlib
import socket
import time
import tkinter
from collections.abc import Callable

_PAUSE = 40  # ms between two batches; shorter than anybody notices
_POLL = 100  # ms between looks where Tk cannot wait for a socket


class Waker:
    """Any thread may call `wake`; the rest belongs to Tk's.

    `take` is called soon after, and again as long as it says that it found something: at once where it found a `whole`
    batch, so that a flood leaves time for keys and mouse, else after a pause.
    """

    def __init__(self, root: tkinter.Tk, take: Callable[[], int], whole: int) -> None:
        self._root = root
        self._take = take
        self._whole = whole
        self._reader, self._writer = socket.socketpair()
        self._due: str | None = None
        self._polling: str | None = None
        self._taken_at = 0.0  # when the last batch was taken, by the monotonic clock
        for end in (self._reader, self._writer):
            end.setblocking(False)
        try:
            root.createfilehandler(self._reader, tkinter.READABLE, self._woken)
        except (AttributeError, NotImplementedError):  # Windows
            self._poll()

    @property
    def idle(self) -> bool:
        return self._due is None

    def wake(self) -> None:
        """There is news."""
        with contextlib.suppress(OSError):  # full: it is about to wake anyway; closed: the window is gone
            self._writer.send(b"\0")

    def stop(self) -> None:
        """Before the window is gone."""
        for timer in (self._due, self._polling):
            if timer is not None:
                self._root.after_cancel(timer)
        with contextlib.suppress(AttributeError, NotImplementedError, tkinter.TclError):
            self._root.deletefilehandler(self._reader)
        self._reader.close()
        self._writer.close()

    def _poll(self) -> None:
        self._woken()
        self._polling = self._root.after(_POLL, self._poll)

    def _woken(self, *_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)
        if self._due is None:
            since = 1000 * (time.monotonic() - self._taken_at)
            self._due = self._root.after(max(1, round(_PAUSE - since)), self._go)

    def _go(self) -> None:
        self._due = None
        taken = 0
        try:
            taken = self._take()
        finally:  # whatever went wrong with one batch, the next is looked at
            self._taken_at = time.monotonic()
            if taken and self._due is None:
                self._due = self._root.after(1 if taken >= self._whole else _PAUSE, self._go)
