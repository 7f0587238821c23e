"""Logging to standard error that never blocks the loop, the acceptor or the interpreter's exit."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chat.server.ops.writer import LineWriter

STANDARD_ERROR = 2
EXIT_TIMEOUT = 1.0  # s for the last lines when the process ends
FORMAT = "%(asctime)s %(levelname)s %(message)s"

log = logging.getLogger(__name__)


class LogHandler(logging.Handler):
    """Formats a record in the thread that logs it, and leaves it to a writer."""

    def __init__(self, descriptor: int = STANDARD_ERROR) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(FORMAT))
        self._writer = LineWriter(descriptor, "log", self._say_lost)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write(self.format(record))
        except Exception:
            self._writer.write(f"a log record of {record.name}, line {record.lineno}, cannot be formatted")

    def close(self) -> None:
        """Waits for a second at most, also when `logging.shutdown` calls it at exit."""
        self._writer.close(EXIT_TIMEOUT)
        super().close()

    def _say_lost(self, count: int) -> str:
        text = "lost {:,} log lines: standard error did not take them"
        values = {"levelno": logging.WARNING, "levelname": "WARNING", "msg": text.format(count)}
        return self.format(logging.makeLogRecord(values))


@contextmanager
def logging_to_standard_error() -> Iterator[None]:
    """Log from INFO on, uncaught exceptions of threads and finalisers included, until the end of the block."""
    handler = LogHandler()
    root = logging.getLogger()
    before = root.level, root.handlers[:], threading.excepthook, sys.unraisablehook
    root.setLevel(logging.INFO)
    root.handlers[:] = [handler]
    threading.excepthook = _log_thread_exception
    sys.unraisablehook = _log_unraisable
    try:
        yield
    finally:
        level, root.handlers[:], threading.excepthook, sys.unraisablehook = before
        root.setLevel(level)
        handler.close()


def _log_thread_exception(caught: threading.ExceptHookArgs) -> None:
    name = caught.thread.name if caught.thread else "a thread"
    if caught.exc_value is not None:
        log.error("%s ended by a fault", name, exc_info=caught.exc_value)


def _log_unraisable(caught: Any) -> None:
    log.error("%s %r", caught.err_msg or "exception ignored in", caught.object, exc_info=caught.exc_value)
