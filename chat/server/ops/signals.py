"""Signals, taken one at a time by a thread of their own.

A Python signal handler interrupts the main thread, which may hold a lock that the handler needs. Here every thread
blocks the signals, and one waits for them with `sigwait`: its actions are ordinary code that may take locks. A signal
that comes before that thread has started waits in the kernel.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

log = logging.getLogger(__name__)
Actions = Mapping[signal.Signals, Callable[[], None]]


@contextmanager
def handled(actions: Actions) -> Iterator[None]:
    """Within the block, run a signal's action when it comes. Entered by the main thread before it starts others.

    After the block the process is about to exit, and the signals stay blocked, so that a late one does not change the
    exit status. After an exception they are restored.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, actions)
    thread = _SignalThread(actions)
    thread.start()
    try:
        yield
    except BaseException:
        thread.stop()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise


class _SignalThread(threading.Thread):
    def __init__(self, actions: Actions) -> None:
        super().__init__(name="signals", daemon=True)
        self._actions = actions
        self._stopping = False

    def stop(self) -> None:
        self._stopping = True
        assert self.ident is not None
        signal.pthread_kill(self.ident, next(iter(self._actions)))  # ends its wait
        self.join()

    def run(self) -> None:
        while True:
            number = signal.Signals(signal.sigwait(self._actions))
            if self._stopping:
                return
            try:
                self._actions[number]()
            except Exception:
                log.exception("%s could not be handled", number.name)
