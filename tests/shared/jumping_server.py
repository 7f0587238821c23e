"""`fanfare serve` whose wall clock jumps an hour on at SIGRTMIN, and an hour back at the next signal."""

import signal
import sys
import time

AHEAD, BACK = signal.Signals.SIGRTMIN, signal.Signals.SIGRTMAX
JUMPING = (sys.executable, "-m", "tests.shared.jumping_server", "serve")
HOUR = 3600.0

_real = time.time
_offset = 0.0


def _jump(number: int, frame: object) -> None:
    global _offset
    _offset += HOUR if number == AHEAD else -HOUR


if __name__ == "__main__":
    time.time = lambda: _real() + _offset  # before anybody takes it from there
    for number in (AHEAD, BACK):
        signal.signal(number, _jump)

    from chat.cli import main

    sys.exit(main())
