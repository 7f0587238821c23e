"""The server as a process: its signals, its output and its exit status."""

import gc
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from signal import Signals
from typing import TYPE_CHECKING

from chat.errors import SetupError
from chat.server.ops import signals, systemd
from chat.server.ops.logs import logging_to_standard_error
from chat.server.ops.writer import LineWriter
from chat.settings import Address, Settings

if TYPE_CHECKING:
    from chat.server.server import Server

STANDARD_OUTPUT = 1
OUTPUT_TIMEOUT = 1.0  # s for standard output to take the listeners' lines at the end
# A pass of a thousand messages makes some 15,000 objects and frees them all by reference counts. With the usual 700 the
# cyclic collector looks through them 20 times a pass, and through every connection now and then (bench/experiments).
GC_THRESHOLDS = (100_000, 20, 100)
SUCCESS, FAILURE = 0, 1

log = logging.getLogger(__name__)


def run(load: Callable[[], Settings]) -> int:
    """Serve until a signal or a fault; returns the exit status. Raises SetupError when the server cannot start."""
    process = _Process()
    with signals.handled(process.actions):
        from chat.server.server import Server  # it takes a tenth of a second, in which a signal may come

        _open_standard_descriptors()
        with logging_to_standard_error() as handler:
            settings = load()
            handler.use(settings.log_format)
            return process.serve(Server(settings, load))


class _Process:
    """The main thread calls `serve`, the signals' thread the actions."""

    def __init__(self) -> None:
        self.actions: Mapping[Signals, Callable[[], None]] = {
            Signals.SIGTERM: self._end,
            Signals.SIGINT: self._end,
            Signals.SIGQUIT: self._end_at_once,
            Signals.SIGHUP: self._reload,
            Signals.SIGUSR1: self._log_status,
            Signals.SIGUSR2: _log_stacks,
        }
        self._server: Server | None = None

    def serve(self, server: "Server") -> int:
        self._server = server
        gc.set_threshold(*GC_THRESHOLDS)
        output = LineWriter(STANDARD_OUTPUT, "output", failed=_log_output_error)
        output.start()
        for address in _start(server):
            output.write(f"listening on {address}")
        output.write(server.choice)
        if server.metrics_url:
            output.write(f"metrics on {server.metrics_url}")
        systemd.notify("READY=1")
        if not server.settings.limits_rates:
            log.warning("rate limits are off: anybody who can connect may send as fast as the server reads")
        sound = server.wait()
        systemd.notify("STOPPING=1")
        if sound:
            server.stop()
        else:
            log.error("the server stops: %s", server.failure)
            server.stop("Server is shutting down after an internal error", 0.0)
        output.close(OUTPUT_TIMEOUT)
        return SUCCESS if sound else FAILURE

    def _end(self) -> None:
        """Drain and end; the second time, end the drain."""
        if self._server is None or not self._server.started:
            os._exit(SUCCESS)  # nobody is connected, and a slow look-up or an unwritten pipe may hold the main thread
        self._server.end()

    def _end_at_once(self) -> None:
        self._end()
        self._end()

    def _reload(self) -> None:
        if self._server is not None and self._server.started:
            systemd.notify_reloading()
            self._server.reread()
            systemd.notify("READY=1")

    def _log_status(self) -> None:
        log.info("status: %s", self._server.status() if self._server else "starting")


def _start(server: "Server") -> Sequence[Address]:
    try:
        return server.start()
    except (OSError, RuntimeError) as error:  # there is no descriptor or no thread left
        raise SetupError(f"cannot start: {error}") from None


def _log_stacks() -> None:
    """Log each thread's stack. `faulthandler` would block the signals' thread on a full pipe."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        log.info("stack of %s:\n%s", names.get(ident, ident), "".join(traceback.format_stack(frame)).rstrip())


def _log_output_error(error: OSError) -> None:
    log.warning("standard output takes nothing: %s", error.strerror)


def _open_standard_descriptors() -> None:
    """Open /dev/null for each of the first three that is closed: no client's socket may become standard error."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
