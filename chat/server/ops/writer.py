"""Lines for a descriptor that may block, as standard error on a full pipe does; a separate thread writes them."""

import os
import select
import threading
from collections import deque
from collections.abc import Callable

LIMIT = 1000  # lines that may wait; usually 100 KB
BLOCK = 65_536  # bytes in one write, or one line


class LineWriter:
    """Any thread may call any method. `write` never blocks: lines over the limit are lost, and their number is written.

    The descriptor is used directly. A Python file object would hold a lock while it blocks, and block the interpreter's
    exit.
    """

    def __init__(
        self,
        descriptor: int,
        name: str,
        lost: Callable[[int], str] = "{} lines lost".format,
        failed: Callable[[OSError], None] = lambda error: None,
    ) -> None:
        """`lost` makes the line for a number of lost lines; `failed` is called in the writer's thread with an error."""
        self._descriptor = descriptor
        self._say_lost = lost
        self._failed = failed
        # Guards the three fields below. Not held across a system call.
        self._changed = threading.Condition()
        self._lines: deque[str] = deque()
        self._lost = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def write(self, line: str) -> None:
        """`line` has no line end."""
        with self._changed:
            if len(self._lines) >= LIMIT or self._closing:
                self._lost += 1
                return
            self._lines.append(line)
            self._changed.notify()

    def close(self, timeout: float) -> bool:
        """Write the waiting lines within `timeout` seconds; False when some could not be written."""
        with self._changed:
            timeout = 0.0 if self._closing else timeout
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            lines, lost = taken
            if lost:
                lines.append(self._say_lost(lost))
            try:
                self._write("".join(f"{line}\n" for line in lines).encode(errors="backslashreplace"))
            except OSError as error:  # nobody reads, or the disk is full; a later write may succeed
                with self._changed:
                    self._lost += len(lines) - bool(lost) + lost
                self._failed(error)

    def _take(self) -> tuple[list[str], int] | None:
        """Wait for lines; returns about a block of them and the number of lost ones. None at the end."""
        with self._changed:
            while not self._lines:
                if self._closing:
                    return None
                self._changed.wait()
            lines, size = [self._lines.popleft()], 0
            while self._lines and (size := size + len(lines[-1])) < BLOCK:
                lines.append(self._lines.popleft())
            lost, self._lost = self._lost, 0
            return lines, lost

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # another process that shares the pipe has made it non-blocking
                select.select([], [self._descriptor], [])
