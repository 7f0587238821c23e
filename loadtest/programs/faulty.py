"""The server with known faults, held by the process that leads; faulty_server.py is the program."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat.errors import SetupError
from loadtest.accounting.histogram import Histogram

_PROGRAM = Path(__file__).parent / "faulty_server.py"
_ROOT = _PROGRAM.parents[2]


@dataclass(frozen=True, slots=True)
class Done:
    """What the server did to the deliveries of one phase; `written` is when it wrote them, after the intended time."""

    counts: Mapping[str, int]
    written: Histogram


class Faulty:
    """One such server. Its answers come at once; used by one greenlet at a time."""

    def __init__(self) -> None:
        """Raises SetupError when it does not start."""
        self._process = subprocess.Popen(
            [sys.executable, str(_PROGRAM)],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"irc://127.0.0.1:{self._hear()['port']}"

    def begin(self, fault: str) -> None:
        """From now on it has this fault, and counts anew."""
        self._ask(fault=fault)

    def done(self) -> Done:
        """Since `begin`."""
        answer = self._ask()
        return Done(answer, Histogram.unpack(answer.pop("written")))

    def end(self) -> None:
        """Harmless when it has ended."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe and pipe.close()

    def _ask(self, **order: str) -> dict[str, Any]:
        with suppress(OSError):  # it has ended, and there will be no answer
            assert self._process.stdin
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self.end()
            raise SetupError("the self-check's own server ended: see what it said last")
        answer: dict[str, Any] = json.loads(line)
        return answer
