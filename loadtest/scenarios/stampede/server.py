"""The server under test, where the load test starts it. The leading side; keeper.py is the program that does it."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat.errors import FanfareError, SetupError
from loadtest.net.addresses import resolve
from loadtest.run.control import words_of

START_S = 10.0  # for a server to accept connections, before the first user comes
_END_S = 5.0  # for the keeper to end the server: it gives it 2 s itself
_ROOT = str(Path(__file__).parents[3])


class NoServer(FanfareError):
    """There is no server to stop; the text says what became of it."""


@dataclass(frozen=True, slots=True)
class Look:
    """The server's process at one moment of the monotonic clock."""

    at_ns: int
    reading: dict[str, Any] | None  # of server_process.Reading; None where this system does not tell
    ended: str  # how it ended, and its last line of output; empty while it lives


@dataclass(frozen=True, slots=True)
class Restart:
    """When one server ended and the next one began, on the monotonic clock."""

    signalled_ns: int  # SIGTERM
    ended_ns: int
    status: int  # negative: the signal that ended it
    killed: bool  # it did not end in time
    accepted_ns: int | None  # None: the new one does not accept, and `fault` says why
    fault: str
    look: Look | None  # when it accepted


def split(command: str) -> list[str]:
    """The command's words. Raises SetupError when it is no command, or there is no such program."""
    words = words_of("--server-command", command)
    if not words:
        raise SetupError("--server-command is missing: it says how to start the server, which the scenario restarts")
    return words


class ServerCommand:
    """One command. Any method but `end` waits for what it asks for; used by one greenlet at a time."""

    def __init__(self, command: str, host: str) -> None:
        """Raises SetupError."""
        self._host = host
        self._words = split(command)
        self._family, self._address = resolve(host)
        self._keeper: subprocess.Popen[str] | None = None
        self.pid = 0  # the server's process, once it has been started

    def start(self, seconds: float = START_S) -> None:
        """Start the server, and wait until it accepts connections. Raises SetupError; then nothing is left of it."""
        program = (
            f"import sys; sys.path[0] = {_ROOT!r}; from loadtest.scenarios.stampede.keeper import main; "
            f"main({os.getpid()})"
        )
        self._keeper = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._say(words=self._words, family=int(self._family), address=list(self._address))
        answer = self._ask("start", seconds=seconds)
        if "fault" in answer:
            self.end()
            raise SetupError(f"--server-command, with --host {self._host}: {answer['fault']}")
        self.pid = answer["pid"]

    def restart(self, stop_within: float, seconds: float, kill: bool = False) -> Restart:
        """SIGTERM, after `stop_within` seconds or at once with `kill` SIGKILL, and the same command again.

        It has `seconds` from SIGTERM in all.

        Raises NoServer.
        """
        answer = self._ask("restart", stop_within=stop_within, seconds=seconds, kill=kill)
        if "signalled_ns" not in answer:
            raise NoServer(answer["fault"])
        self.pid = answer.pop("pid", 0)
        look = Look(answer.pop("at_ns"), answer.pop("reading"), answer.pop("ended")) if "at_ns" in answer else None
        return Restart(**answer, look=look)

    def look(self) -> Look:
        answer = self._ask("look")
        return Look(answer.get("at_ns", 0), answer.get("reading"), answer.get("ended", answer.get("fault", "")))

    def end(self) -> None:
        """The server is gone after it, and all that was started for it. Harmless when there is nothing."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        keeper.terminate()
        try:
            keeper.wait(_END_S)
        except subprocess.TimeoutExpired:
            keeper.kill()  # and the kernel kills the server
            keeper.wait()
        for pipe in (keeper.stdin, keeper.stdout):
            with suppress(OSError):
                pipe and pipe.close()

    def _ask(self, what: str, **how: Any) -> dict[str, Any]:
        self._say(do=what, **how)
        keeper = self._keeper
        line = keeper.stdout.readline() if keeper and keeper.stdout else ""
        answer: dict[str, Any] = json.loads(line) if line else {"fault": "its keeper has ended"}
        return answer

    def _say(self, **words: Any) -> None:
        with suppress(OSError):  # it has ended, and there will be no answer
            if self._keeper and self._keeper.stdin:
                self._keeper.stdin.write(json.dumps(words) + "\n")
                self._keeper.stdin.flush()
