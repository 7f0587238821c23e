"""Users who are to die. A process of their own holds their sockets (see program.py); this one starts it and ends it.

`hold` starts the process and answers when all of its users are in; the window's orders say when and how they die;
`release` ends the process. The other users of this process are ordinary members, who watch.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any, Protocol

import gevent

from chat.errors import FanfareError
from loadtest.core.reasons import advice
from loadtest.net.addresses import resolve
from loadtest.run.messages import Opening
from loadtest.run.part import Part
from loadtest.run.role import Member, Order, Role, Worker
from loadtest.run.sender import Alarm
from loadtest.scenarios.deaths.cut import Cut

_PROGRAM = "loadtest.scenarios.deaths.program"
_ROOT = Path(__file__).parents[3]


class Unheld(FanfareError):
    """The victims could not be brought in; the text says why."""


class Deadly(Protocol):
    """What is needed of the scenario."""

    users: int

    def is_victim(self, user: int) -> bool: ...
    def room_of(self, user: int) -> str: ...


class Victims(Role):
    def __init__(self, worker: Worker, scenario: Deadly) -> None:
        super().__init__(worker)
        self._scenario = scenario
        self._hosts: dict[int, str] = {}  # of this process's users who are to die, in every act
        self._process: subprocess.Popen[str] | None = None
        self._ports: list[int] = []
        self._cut = Cut()
        self._linger_s = 0.0
        self._dead_after_us = 0
        self._dying: Any = None

    @property
    def standing(self) -> int:
        return len(self._hosts)

    @property
    def orders(self) -> Mapping[str, Order]:
        return {"hold": self._hold, "release": self._release}

    def come(self, member: Member) -> None:
        if self._scenario.is_victim(member.number):
            self._hosts[member.number] = member.host
        else:
            super().come(member)

    def stay(self, member: Member) -> None:
        if not self._scenario.is_victim(member.number):
            super().stay(member)
        gevent.sleep(float("inf"))

    def opened(self, part: Part, opening: Opening) -> None:
        if opening.death and self._process:
            self._dying = gevent.spawn(self._die, opening.death.how, opening.death.at_ns)

    def statement(self) -> dict[str, Any]:
        return {"dead_after_us": self._dead_after_us}

    def end(self) -> None:
        if self._dying:
            self._dying.kill(block=False)
        self._release({})
        self._hosts.clear()

    def _hold(self, orders: dict[str, Any]) -> dict[str, Any]:
        """Raises Unheld."""
        self._release({})
        self._dead_after_us = 0
        if not self._hosts:
            return {}
        self._linger_s = orders["linger_s"]
        if orders["how"] == "silence":
            self._cut.prepare()
        users = self._scenario.users
        self._process = subprocess.Popen(
            [sys.executable, "-m", _PROGRAM],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        settings = self.worker.settings
        self._say(
            sources=list(self.worker.sources.addresses),
            room=self._scenario.room_of(0),
            victims=[
                [self.worker.nick_of(orders["act"] * users + number), *resolve(host)]
                for number, host in self._hosts.items()
            ],
            receive_bytes=orders["receive_bytes"],
            connecting=settings.connecting,
            patience=settings.patience,
            login=list(astuple(settings.login())),
        )
        answer = self._hear()
        if "fault" in answer:
            hint = advice(answer["fault"])
            raise Unheld(f"the victims did not get in: {answer['fault']}" + (hint and f"; {hint}"))
        self._ports = answer["ports"]
        return {}

    def _die(self, how: str, at_ns: int) -> None:
        process = self._process
        assert process
        if how in ("kill", "stop", "silence"):
            alarm = Alarm(first=True)
            try:
                alarm.wait_until(at_ns)
            finally:
                alarm.close()
            if how == "silence":
                self._cut.fall(self._ports, self._linger_s + 60)
            else:
                process.send_signal(signal.SIGKILL if how == "kill" else signal.SIGSTOP)
            self._dead_after_us = (time.monotonic_ns() - at_ns) // 1000
        else:
            self._say(how=how, at_ns=at_ns)
            self._dead_after_us = (self._hear().get("dead_ns", at_ns) - at_ns) // 1000

    def _release(self, orders: dict[str, Any]) -> dict[str, Any]:
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    pipe and pipe.close()
        self._cut.lift()
        return {}

    def _say(self, **words: Any) -> None:
        assert self._process
        assert self._process.stdin
        with suppress(BrokenPipeError):  # it has ended, and its last words say why
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._process
        assert self._process.stdout
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"fault": "their process ended"}
        return answer
