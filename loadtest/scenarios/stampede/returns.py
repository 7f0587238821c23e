"""What came of one restart of the server: who was back when, after which attempts, at what cost. Pure figures.

All times count from the signal that ended the old server.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from loadtest.core.histogram import Histogram
from loadtest.core.reasons import count, own_faults
from loadtest.run.settings import AroundSettings, number, option

TENTH_NS = 100_000_000
_DISK_MS = 50.0  # what `--durability relaxed` promises at a SIGKILL
_COUNTS = ("made", "succeeded", "refused", "timed_out", "unfinished")


@dataclass(frozen=True)
class ReturnSettings(AroundSettings):
    """How users come back."""

    # Without any wait, the attempts would keep the generator busy and not the server.
    backoff: float = option(
        0.5,
        number(float, 0.01),
        "the first attempt to return is made after a random time of up to so many seconds, each "
        "further one of up to twice the time before",
    )
    backoff_most: float = option(10.0, number(float, 0.01), "seconds that such a time never exceeds")
    # A SYN that was dropped is sent again after 1 and 3 s.
    attempt_timeout: float = option(
        5.0, number(float, 0.1), "seconds after which an attempt to connect counts as timed out"
    )
    return_within: float = option(
        60.0,
        number(float, 0.1),
        "fail when not all are back so many seconds after the server, or their node, was told to end",
    )
    max_timed_out: int = option(
        0,
        number(int, 0),
        "fail when more attempts to return time out, in connecting, registering or joining",
    )
    # Long enough for the disk to have several groups of entries.
    under_load: float = option(
        2.0,
        number(float, 0.1),
        "seconds of talk before the server is stopped, or a node drained, which the history must have",
    )


@dataclass(frozen=True)
class StampedeSettings(ReturnSettings):
    """How the server is restarted."""

    server_command: str = option(
        "",
        str,
        "how to start the server; the load test does so, stops it by SIGTERM, and starts it again. Not from "
        "Locust's page, which anybody may reach",
    )
    # A drain of that length is long; what has not ended then hangs.
    stop_within: float = option(30.0, number(float, 0.1), "seconds between SIGTERM and SIGKILL, which is a fail")
    # Some servers tell why they ended.
    server_exit_status: int = option(
        0, number(int, 0, 255), "what the server ends with at SIGTERM when all is well; InspIRCd: 10"
    )
    kill: bool = option(False, bool, "stop the server by SIGKILL, not SIGTERM")
    safe_after: float | None = option(
        None,
        number(float, 0),
        "milliseconds: what was seen for less before a SIGKILL may be missing in the history. 0 for a server "
        f"with --durability strict. Default: {_DISK_MS:g} with --kill, else 0",
    )

    @property
    def safe_after_ms(self) -> float:
        return (_DISK_MS if self.kill else 0.0) if self.safe_after is None else self.safe_after


@dataclass(slots=True)
class Attempts:
    """Every attempt to return, by what became of it."""

    made: int = 0
    succeeded: int = 0
    refused: int = 0  # ECONNREFUSED: nobody listened
    timed_out: int = 0  # no connection, or no answer on it, in time
    unfinished: int = 0  # still under way when the time was over
    reasons: Counter[str] = field(default_factory=Counter)  # of those that failed otherwise

    @property
    def other(self) -> int:
        return self.reasons.total()

    def fail(self, error: Exception | None, reason: str) -> None:
        """One attempt came to nothing."""
        if isinstance(error, ConnectionRefusedError):
            self.refused += 1
        elif isinstance(error, TimeoutError):
            self.timed_out += 1
        else:
            count(self.reasons, reason)

    def figures(self) -> dict[str, int]:
        """Each is counted in one of the others beside `made`."""
        return {**{name: getattr(self, name) for name in _COUNTS}, "other": self.other}

    def plain(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in _COUNTS}, "reasons": dict(self.reasons)}

    def add(self, plain: Mapping[str, Any]) -> None:
        """Take what another's `plain` gave."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + plain[name])
        self.reasons.update(plain["reasons"])


@dataclass(slots=True)
class Return:
    """Over all processes. Each user is counted in one of `returned`, `still_away` and `kept`."""

    users: int = 0  # who were in before
    still_away: int = 0
    kept: int = 0  # whose connection never ended
    cut_off: Counter[str] = field(default_factory=Counter)  # every connection that ended, by the reason that was given
    lost_again: int = 0  # connections of users who were back, and lost it before all were
    back: Histogram = field(default_factory=Histogram)  # one sample for each user who was back at the end
    tenths: Counter[int] = field(default_factory=Counter)  # how many came back in each tenth of a second
    connect: Histogram = field(default_factory=Histogram)  # how long each TCP connection took that came about
    attempts: Attempts = field(default_factory=Attempts)
    loop_lag: Histogram = field(default_factory=Histogram)  # of the generator, meanwhile
    cpu_percent: float = 0.0  # of its busiest process, from the first connection until 90 % of its users were back
    first_ns: int | None = None  # when a user had the first connection

    @property
    def returned(self) -> int:
        return self.back.count

    @property
    def most_in_1_s(self) -> int:
        """The users who came back in the busiest second: how much of a stampede it was."""
        return max((sum(self.tenths[first + tenth] for tenth in range(10)) for first in list(self.tenths)), default=0)

    def take(self, answers: Sequence[Mapping[str, Any]]) -> None:
        """Add up what the processes state."""
        for answer in answers:
            self.users += answer["users"]
            self.still_away += answer["still_away"]
            self.kept += answer["kept"]
            self.cut_off.update(answer["cut_off"])
            self.lost_again += answer["lost_again"]
            for own, name in ((self.back, "back"), (self.connect, "connect"), (self.loop_lag, "loop_lag")):
                own.merge(Histogram.unpack(answer[name]))
            self.tenths.update(dict(answer["tenths"]))
            self.attempts.add(answer["attempts"])
            self.cpu_percent = max(self.cpu_percent, answer["cpu_percent"])
            moments = [moment for moment in (self.first_ns, answer["first_ns"]) if moment is not None]
            self.first_ns = min(moments, default=None)

    def back_us(self, share: float) -> int | None:
        """When this share of all users was back; None when it never was."""
        wanted = ceil(round(self.users * share, 6))
        if not wanted or self.returned < wanted:
            return None
        return self.back.longest if self.returned == wanted else self.back.percentile(100 * wanted / self.returned)

    def missed(self, within_s: float, max_timed_out: int) -> list[str]:
        """What was not as it should be, one line each."""
        lines = []
        if self.returned < self.users:
            lines.append(f"{self.returned:,} of {self.users:,} users were back {within_s:g} s after the stop")
        elif self.back.longest > within_s * 1e6:
            lines.append(f"the last user was back after {self.back.longest / 1e6:,.3f} s, the limit is {within_s:g} s")
        if self.kept:
            lines.append(f"{self.kept:,} of {self.users:,} users kept the connection: the server did not end it")
        if self.attempts.timed_out > max_timed_out:
            lines.append(
                f"{self.attempts.timed_out:,} of {self.attempts.made:,} attempts to return timed out, "
                f"the limit is {max_timed_out:,}"
            )
        return lines

    def faults(self, max_loop_lag_ms: float, max_cpu_percent: float) -> list[str]:
        """Where the generator, not the server, may have shaped the return."""
        lines = own_faults(self.attempts.reasons)
        lag_ms = self.loop_lag.percentile(99) / 1000
        if lag_ms > max_loop_lag_ms:
            lines.append(
                f"the generator read late during the return: loop lag p99 {lag_ms:,.3f} ms, "
                f"the limit is {max_loop_lag_ms:,g} ms"
            )
        if self.cpu_percent > max_cpu_percent:
            lines.append(
                f"the generator was busy during the return: {self.cpu_percent:.0f} % of a core, the limit is "
                f"{max_cpu_percent:g} %; use more --processes"
            )
        return lines
