"""The instrument checks itself, in some ten seconds: does it find what a server with known faults does?

It brings that server (see faulty_server.py), which counts what it does to the deliveries of each phase: nothing, delay
them, lose, repeat, swap, leak, cut or alter some, show them to one user in another order. Counts must be found exactly.
The delay must be found within the histogram's 1 % and what this run's own noise explains: the server notes when it
writes, and nothing can arrive before. In a last phase the generator itself stands still: that must be found, and must
not show in the latencies.
"""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from chat.errors import SetupError
from loadtest.programs import faulty_server
from loadtest.programs.faulty import Done, Faulty
from loadtest.scenarios.scenario import OneRoom

if TYPE_CHECKING:
    from loadtest.judge.verdict import Figures
    from loadtest.lead.stage import Stage
    from loadtest.settings.options import Settings

_PHASE_S, _SETTLE_S, _GRACE_S, _LINGER_S = 1.0, 0.2, 1.0, 0.5  # a dozen phases are over in 22 s
_COUNTS = faulty_server.COUNTS
_STALL = "stall"
_STALL_AT_S, _STALL_S = 0.42, 0.15  # long beside what a machine does to a process by chance
_BUSY_US = (
    20_000  # between writing and arrival, where the server had to wait for a core; by reading, a stall adds 50,000
)
_BETWEEN_LOOKS_US = 10_000  # of the generator at itself: so much of a stall may go by before it is one
_SPEAKERS = 2  # that one order holds for all cannot be seen of fewer
_OUTSIDE = 6  # of so many users, one is in another room
_HISTOGRAM = 0.01  # the widest bucket
_NOISE_US = 5_000  # between writing and arrival, on an idle machine, with much to spare


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


class SelfCheck(OneRoom):
    name = "selfcheck"
    summary = "the instrument checks itself against a server of its own with known faults; needs no --host"
    default_rate = 10.0
    brings_server = True
    once = True
    warms_up = True  # there is nothing to warm: each phase is short, and exact
    usual_users: ClassVar[int] = 13  # ten deliveries a message, and two users whom it is not due to

    def __init__(self, settings: "Settings", users: int) -> None:
        super().__init__(replace(settings, announcers=max(_SPEAKERS, settings.announcers)), users)
        self._server: Faulty | None = None
        self.checks: list[Check] = []

    def check(self) -> None:
        if self.users < _SPEAKERS + 2:
            raise SetupError(
                f"selfcheck needs {_SPEAKERS + 2} users or more, got {self.users}: use --users {self.usual_users}"
            )
        self.check_announcers(self.users - self._outside - 1)

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

    def course(self, stage: "Stage") -> None:
        assert self._server
        self.checks.clear()
        stage.settings = replace(stage.settings, settle=_SETTLE_S, grace=_GRACE_S, linger=_LINGER_S)
        for fault in faulty_server.FAULTS:
            self._server.begin(fault)
            stage.step = f"the server's fault: {fault}"
            if fault == faulty_server.NONE:  # only what came of an honest server is the run's
                figures = stage.figures
                stage.play(stage.window(_PHASE_S))
            else:
                with stage.apart() as figures:
                    stage.play(stage.window(_PHASE_S))
                stage.figures.take_health(figures)
            self.checks += compare(fault, self._server.done(), figures)
        self._stand_still(stage)

    def _stand_still(self, stage: "Stage") -> None:
        """The generator's loop does nothing for a while, which is no reason to call the run invalid."""
        assert self._server
        self._server.begin(faulty_server.NONE)
        stage.step = "the generator stands still"
        with stage.apart() as figures:
            stage.play(stage.window(_PHASE_S, stall={"after_s": _STALL_AT_S, "for_s": _STALL_S}))
        self.checks += compare(_STALL, self._server.done(), figures)

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
            if (c.phase, c.what) == (faulty_server.DELAY, "p50_us")
        ]
        return f"the instrument found {', '.join(found)}" if found else ""


def compare(fault: str, done: Done, figures: "Figures") -> list[Check]:
    """Hold what was found in a phase against what was done."""
    made_us = done.written.percentile(50)
    noise_us = _NOISE_US + figures.loop_lag.percentile(99) + figures.doubt.percentile(99)
    margin_us = round(2 * _HISTOGRAM * made_us) + noise_us
    checks = [Check(fault, what, done.counts[what], getattr(figures, what)) for what in _COUNTS]
    if fault == _STALL:
        sure_us = round(2 * _HISTOGRAM * done.written.percentile(90)) + _BUSY_US + figures.doubt.percentile(99)
        checks += [
            Check(fault, "stall_us", round(_STALL_S * 1e6) - _BETWEEN_LOOKS_US, figures.stood_still_us, round(1e6)),
            Check(fault, "p90_us", done.written.percentile(90), figures.fanout.percentile(90), sure_us),
        ]
    if fault in (faulty_server.NONE, faulty_server.DELAY):
        checks.append(Check(fault, "p50_us", made_us, figures.fanout.percentile(50), margin_us))
    return checks


def _plain(check: Check) -> dict[str, Any]:
    return {**asdict(check), "holds": check.holds}
