"""Logging to standard error that never blocks the loop, the acceptor or the interpreter's exit."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
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
        self.use("text")
        self._writer = LineWriter(descriptor, "log", self._say_lost)
        self._writer.start()

    def use(self, log_format: str) -> None:
        """Write lines as `text`, or as `json`: an object a line."""
        self.setFormatter(JsonFormatter() if log_format == "json" else logging.Formatter(FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write(self.format(record))
        except Exception:
            text = f"a log record of {record.name}, line {record.lineno}, cannot be formatted"
            self._writer.write(self._own_line(text))

    def close(self) -> None:
        """Waits for a second at most, also when `logging.shutdown` calls it at exit."""
        self._writer.close(EXIT_TIMEOUT)
        super().close()

    def _say_lost(self, count: int) -> str:
        return self._own_line(f"lost {count:,} log lines: standard error did not take them")

    def _own_line(self, text: str) -> str:
        values = {"levelno": logging.WARNING, "levelname": "WARNING", "name": __name__, "msg": text}
        return self.format(logging.makeLogRecord(values))


class JsonFormatter(logging.Formatter):
    """An object a line: `time` (ISO 8601, UTC), `level`, `logger`, `thread`, `message`, and `stack` after a fault."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
        values = {
            "time": f"{at.isoformat(timespec='milliseconds')}Z",
            "level": record.levelname,
            "logger": record.name,
            "thread": record.threadName,
            "message": record.getMessage(),
        }
        if record.exc_info:
            values["stack"] = self.formatException(record.exc_info)
        return json.dumps(values)


@contextmanager
def logging_to_standard_error() -> Iterator[LogHandler]:
    """Log from INFO on, uncaught exceptions of threads and finalisers included, until the end of the block."""
    handler = LogHandler()
    root = logging.getLogger()
    before = root.level, root.handlers[:], threading.excepthook, sys.unraisablehook
    root.setLevel(logging.INFO)
    root.handlers[:] = [handler]
    threading.excepthook = _log_thread_exception
    sys.unraisablehook = _log_unraisable
    try:
        yield handler
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
