"""What the load test needs of Locust beyond its public interface, and works around in it. Nothing else touches that.

Each function says what it relies on; tests/test_seams.py holds it against the installed Locust.
"""

import sys
import time
from typing import Any

import gevent

_LOOK_S = 0.1


def quiet_interrupts() -> None:
    """Ctrl-C ends the process by Locust's own `except KeyboardInterrupt`, and nothing prints a traceback.

    gevent prints what a greenlet raises unless its hub says that it is no error; outside Locust's `try`, Python does.
    """
    hub = type(gevent.get_hub())
    if KeyboardInterrupt not in hub.NOT_ERROR:
        hub.NOT_ERROR = (*hub.NOT_ERROR, KeyboardInterrupt)
    usual = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            usual(kind, error, trace)

    sys.excepthook = hook


def wait_for_workers(environment: Any, status: int) -> None:
    """End with this status, and one line, where `--expect-workers` did not come in time.

    Locust ends with 1 then, as if the server had missed something: so it is told to wait for ever, and we look.
    """
    options, runner = environment.parsed_options, environment.runner
    longest_s, wanted = options.expect_workers_max_wait, options.expect_workers
    if not longest_s:
        return
    options.expect_workers_max_wait = 0

    def look() -> None:
        until = time.monotonic() + longest_s
        while len(runner.clients.ready) < wanted:
            if time.monotonic() >= until:
                here = len(runner.clients.ready)
                sys.stderr.write(f"locust: error: {here} of {wanted} workers came in {longest_s} s\n")
                runner.quit()
                raise SystemExit(status)
            gevent.sleep(_LOOK_S)

    gevent.spawn(look)


def listen_here_only(parser: Any) -> None:
    """Locust's page is for this machine unless `--web-host` says otherwise: it starts any load that it is told to."""
    parser.set_defaults(web_host="127.0.0.1")
