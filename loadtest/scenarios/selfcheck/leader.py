"""The instrument checks itself, in some ten seconds: does it find what a server with known faults does?

It brings that server (see server.py), which counts what it does to the deliveries of each phase: nothing, delay them,
lose, repeat, swap, leak, cut or alter some, show them to one user in another order. Counts must be found exactly. The
delay must be found within the histogram's 1 % and what this run's own noise explains: the server notes when it begins
and ends to write, and nothing can arrive before or much after, however long the machine makes it wait. In a last phase
the generator itself stands still: that must be found, and must not show in the latencies.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import gevent

from chat.errors import SetupError
from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures
from loadtest.report.blocks import NONE, Block, Section, ms, register_section
from loadtest.run.messages import Opening
from loadtest.run.part import Part
from loadtest.run.role import Role, Worker
from loadtest.run.run import Run
from loadtest.run.scenario import OneRoom
from loadtest.run.settings import Settings
from loadtest.scenarios.selfcheck import server

_PROGRAM = "loadtest.scenarios.selfcheck.server"
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Done:
    """What the server did to the deliveries of one phase.

    Each was written at some moment between its sample in `written` and the one in `sent`, both after the intended time:
    the machine may make the server wait between the two.
    """

    counts: Mapping[str, int]
    written: Histogram
    sent: Histogram
    behind_us: int = 0  # the longest that a delivery was written after its time


class Faulty:
    """One such server. Its answers come at once; used by one greenlet at a time."""

    def __init__(self) -> None:
        """Raises SetupError when it does not start."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", _PROGRAM],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"irc://127.0.0.1:{self._hear()['port']}"

    def begin(self, fault: str) -> None:
        """From now on it has this fault, and counts from nothing."""
        self._ask(fault=fault)

    def done(self) -> Done:
        """Since `begin`."""
        answer = self._ask()
        written, sent = (Histogram.unpack(answer.pop(name)) for name in ("written", "sent"))
        return Done(answer, written, sent, answer.pop("behind_us"))

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


_PHASE_S, _SETTLE_S, _GRACE_S, _LINGER_S = 1.0, 0.2, 1.0, 0.5  # a dozen phases are over in 22 s
_COUNTS = server.COUNTS
_STALL = "stall"
_STALL_AT_S, _STALL_S = 0.42, 0.15  # long beside what a machine does to a process by chance
_LONGER_US = 1_000_000  # than was made: then the machine did something else
_BEHIND_US = round(_LINGER_S * 1e6)  # of the server: what is written later may come when nobody listens any longer
_BETWEEN_LOOKS_US = 10_000  # of the generator at itself: so much of a stall may go by before it is one
_SPEAKERS = 2  # that one order holds for all cannot be seen of fewer
_OUTSIDE = 6  # of so many users, one is in another room
_HISTOGRAM = 0.01  # the widest bucket
_NOISE_US = 5_000  # between the end of writing and arrival, with much to spare; by reading, a stall adds 50,000


@dataclass(frozen=True, slots=True)
class Check:
    """What the server did in one phase, and what the instrument found of it; times are in microseconds."""

    phase: str
    what: str
    made: int
    found: int
    margin: int = 0  # how much more may be found

    @property
    def holds(self) -> bool:
        least = self.made * (1 - _HISTOGRAM) if self.margin else self.made
        return least <= self.found <= self.made + self.margin

    @property
    def words(self) -> str:
        if self.what.endswith("_us"):
            what = self.what.removesuffix("_us")
            return f"{self.phase}: found a {what} of {self.found / 1000:,.3f} ms, made was {self.made / 1000:,.3f} ms"
        return f"{self.phase}: found {self.found:,} {self.what}, made were {self.made:,}"


class Stalling(Role):
    """An ordinary one, whose process can be made to do nothing: is that noticed?"""

    def opened(self, part: Part, opening: Opening) -> None:
        if stall := opening.more.get("stall"):
            delay_s = (opening.start_ns - time.monotonic_ns()) / 1e9 + stall["after_s"]
            gevent.spawn_later(delay_s, _stand_still, stall["for_s"])


def _stand_still(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


class SelfCheck(OneRoom):
    name = "selfcheck"
    summary = "the instrument checks itself against a server of its own with known faults; needs no --host"
    default_rate = 10.0
    brings_server = True
    once = True
    warms_up = True  # there is nothing to warm: each phase is short, and exact
    usual_users: ClassVar[int] = 13  # ten deliveries a message, and two users whom it is not due to

    def __init__(self, settings: Settings, users: int) -> None:
        super().__init__(replace(settings, announcers=max(_SPEAKERS, settings.announcers)), users)
        self._server: Faulty | None = None
        self.checks: list[Check] = []

    def check(self) -> None:
        if self.users < _SPEAKERS + 2:
            raise SetupError(
                f"selfcheck needs {_SPEAKERS + 2} users or more, got {self.users}: use --users {self.usual_users}"
            )
        self.check_announcers(self.users - self._outside - 1)

    def role(self, worker: Worker) -> Role:
        return Stalling(worker)

    @property
    def _outside(self) -> int:
        return max(1, self.users // _OUTSIDE)

    def room_of(self, user: int) -> str:
        return self.settings.room if user < self.users - self._outside else f"{self.settings.room}-2"

    def prepare(self, host: str) -> None:
        self._server = Faulty()
        self.server_url = self._server.url

    def clear_up(self) -> None:
        if self._server:
            self._server.end()

    def course(self, run: Run) -> None:
        assert self._server
        self.checks.clear()
        run.settings = replace(run.settings, settle=_SETTLE_S, grace=_GRACE_S, linger=_LINGER_S)
        for fault in server.FAULTS:
            self._server.begin(fault)
            run.step = f"the server's fault: {fault}"
            if fault == server.NONE:  # only what came of an honest server is the run's
                figures = run.figures
                run.window(_PHASE_S)
            else:
                with run.apart() as figures:
                    run.window(_PHASE_S)
                run.figures.take_health(figures)
            self._compare(run, fault, figures)
        self._stand_still(run)

    def _compare(self, run: Run, fault: str, figures: Figures) -> None:
        assert self._server
        done = self._server.done()
        self.checks += compare(fault, done, figures)
        if done.behind_us > _BEHIND_US:
            run.note_fault(
                f"the self-check's own server was {done.behind_us / 1000:,.0f} ms behind, the limit is "
                f"{_BEHIND_US / 1000:,.0f} ms: the machine has too much else to do"
            )

    def _stand_still(self, run: Run) -> None:
        """The generator's loop does nothing for a while, which is no reason to call the run invalid."""
        assert self._server
        self._server.begin(server.NONE)
        run.step = "the generator stands still"
        with run.apart() as figures:
            run.play(run.open_window(_PHASE_S, stall={"after_s": _STALL_AT_S, "for_s": _STALL_S}))
        self._compare(run, _STALL, figures)
        if (longer_us := figures.stood_still_us - round(_STALL_S * 1e6)) > _LONGER_US:
            run.note_fault(
                f"the generator stood still for {longer_us / 1000:,.0f} ms more than it was made to: the machine has "
                "too much else to do"
            )

    def part(self) -> dict[str, Any]:
        checks = [_plain(check) for check in self.checks]
        return {"selfcheck": {"words": self._words(), "checks": checks} if checks else None}

    def missed(self) -> list[str]:
        return [f"the instrument is wrong: {check.words}" for check in self.checks if not check.holds]

    def _words(self) -> str:
        """What it found, of what was there to find."""
        found = [f"{c.found:,} of {c.made:,} {c.what}" for c in self.checks if c.made and c.what in _COUNTS[1:]]
        found += [
            f"a delay of {c.found / 1000:,.1f} ms where {c.made / 1000:,.1f} were made"
            for c in self.checks
            if (c.phase, c.what) == (server.DELAY, "p50_us")
        ]
        return f"the instrument found {', '.join(found)}" if found else ""


def compare(fault: str, done: Done, figures: "Figures") -> list[Check]:
    """Hold what was found in a phase against what was done."""
    made_us, late_us = done.written.percentile(50), done.written.percentile(90)
    noise_us = _NOISE_US + figures.doubt.percentile(99)
    checks = [Check(fault, what, done.counts[what], getattr(figures, what)) for what in _COUNTS]
    if fault == _STALL:
        checks += [
            Check(fault, "stall_us", round(_STALL_S * 1e6) - _BETWEEN_LOOKS_US, figures.stood_still_us, _LONGER_US),
            Check(fault, "p90_us", late_us, figures.fanout.percentile(90), _margin_us(done, 90) + noise_us),
        ]
    if fault in (server.NONE, server.DELAY):
        found_us = figures.fanout.percentile(50)
        checks.append(Check(fault, "p50_us", made_us, found_us, _margin_us(done, 50) + noise_us))
    return checks


def _margin_us(done: Done, percent: float) -> int:
    """From the moment before writing to the one after, as exactly as histograms tell."""
    end_us = done.sent.percentile(percent)
    return end_us - done.written.percentile(percent) + round(2 * _HISTOGRAM * end_us)


def _plain(check: Check) -> dict[str, Any]:
    return {**asdict(check), "holds": check.holds}


_KNOWN = (
    "A server with known faults counts what it does in each phase; the instrument should find just that. A time may be "
    "found later by as much as the histogram and this run's own noise explain."
)


@register_section("selfcheck")
def section(selfcheck: Mapping[str, Any]) -> Section:
    phases: dict[str, dict[str, str]] = {}
    for check in selfcheck["checks"]:
        is_time = check["what"].endswith("_us")
        found, made = (ms(check[key]) if is_time else f"{check[key]:,}" for key in ("found", "made"))
        phases.setdefault(check["phase"], {})[check["what"]] = f"{found} of {made}"
    whats = list(next(iter(phases.values()), {}))
    rows = tuple((phase, *(cells.get(what, NONE) for what in whats)) for phase, cells in phases.items())
    head = ("fault: found of made", *(what.replace("_us", ", ms") for what in whats))
    return Section("Self-check", (Block(head, rows, note=_KNOWN),))
