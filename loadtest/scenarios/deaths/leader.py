"""What scenarios in which something happens to some of the users have in common: victims, observers, one act.

The first `--victims` users never speak; a process of its own holds them, so that anything can be done to them. All
others are observers, and what the accounts count on.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from chat.errors import SetupError
from loadtest.core.histogram import Histogram
from loadtest.core.result import messages_in, told
from loadtest.core.statement import Statement
from loadtest.run.messages import Death
from loadtest.run.role import Role, Worker
from loadtest.run.run import Run
from loadtest.run.scenario import OneRoom
from loadtest.run.settings import AroundSettings, Settings, check_share, checked, number, option, share_of
from loadtest.run.window import Speaker, Window
from loadtest.scenarios.deaths.worker import Victims


@dataclass(slots=True)
class Disconnect:
    """All times count from the moment when the victims were meant to die."""

    how: str  # of WAYS
    victims: int
    observers: int  # the others
    deadline_us: int  # by when the server was to find the victims gone and tell the others
    dead_after_us: int = 0  # when the last victim was: the generator's own delay
    informed: Histogram = field(default_factory=Histogram)  # one sample an observer: told of the last victim
    notices: Histogram = field(default_factory=Histogram)  # one sample for each observer and victim
    ghosts: int = 0  # victims that the server listed as members afterwards
    false_deaths: int = 0  # users who were reported gone and were not
    reasons: dict[str, int] = field(default_factory=dict)  # that the others were given, with the number of victims
    after_us: dict[int, int] = field(default_factory=dict)  # victim: when the first of the others was told
    phases: dict[str, Histogram] = field(default_factory=dict)  # the others' fan-out latency before, during, after

    def take(self, victims: Iterable[int], whole: Statement) -> None:
        """What the processes' observers noted."""
        dead = set(victims)
        if (notices := whole.notices) is None:
            return
        self.informed.merge(notices.informed)
        self.notices.merge(notices.notices)
        reported = notices.reported
        self.false_deaths = len(set(whole.here) & reported.keys() - dead)
        for user in dead & reported.keys():
            us, reason = reported[user]
            self.after_us[user] = us
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def missed(self, max_ratio: float | None = None) -> list[str]:
        """What was not as it should be, one line each."""
        lines = []
        if self.informed.count < self.observers:
            told = f"{self.informed.count:,} of {self.observers:,} observers were told of all {self.victims:,} victims"
            lines.append(f"{self.how}: {told}")
        elif self.informed.longest > self.deadline_us:
            late, limit = self.informed.longest / 1e6, self.deadline_us / 1e6
            lines.append(f"{self.how}: the last observer was told after {late:,.3f} s, the limit is {limit:,g} s")
        return lines + self.felt(max_ratio)

    def felt_in(self, phase: str) -> dict[str, int | None]:
        """The observers' own messages, each to all others of them."""
        times = self.phases[phase]
        return told(times, messages_in(times, self.observers - 1))

    def felt(self, max_ratio: float | None = None) -> list[str]:
        """What the others should not have felt, one line each."""
        lines = []
        if self.false_deaths:
            lines.append(f"{self.how}: {self.false_deaths:,} who live were reported gone")
        before, during = (self.phases.get(name, Histogram()).percentile(99) for name in ("before", "during"))
        if max_ratio is not None and before and during > before * max_ratio:
            ratio = f"{during / before:,.2f} times its earlier {before / 1000:,.3f} ms"
            lines.append(f"{self.how}: the others' fan-out p99 rose to {ratio}, the limit is {max_ratio:g} times")
        return lines


_EFFECT_S = 5.0  # of the time after a death that count as its effect, even where all know of it at once


@dataclass(frozen=True)
class DeathSettings(AroundSettings):
    """Who dies, and what the others may feel."""

    victims: str = option(
        "10%",
        checked(check_share),
        "how many of the users die, or stop reading, as a number or a share",
        on_page=True,
    )
    max_p99_ratio: float | None = option(
        None, number(float, 1), "fail when it raises the others' fan-out p99 to more than this many times"
    )


class Watched(OneRoom):
    """Windows in which something happens to some, and the others watch."""

    settings: AroundSettings
    settings_type: ClassVar[type[Settings]] = AroundSettings

    def __init__(self, settings: AroundSettings, users: int) -> None:
        super().__init__(settings, users)
        self.disconnects: list[Disconnect] = []  # of the course under way

    def part(self) -> dict[str, Any]:
        return {"disconnects": [plain(each) for each in self.disconnects]}

    def measures(self) -> dict[str, float | None]:
        asked = [disconnect for disconnect in self.disconnects if disconnect.phases]  # not stopped on the way
        return {"ghosts": float(sum(disconnect.ghosts for disconnect in asked)) if asked else None}

    def watch(
        self, run: Run, how: str, victims: list[int], deadline_s: float, lasts_s: float, node: int = -1
    ) -> Disconnect:
        """One window; with `node`, the victims are its users, and among those who are in. Raises Over."""
        window = run.open_window(lasts_s, death=lambda window: Death(how, victims, self.moment(window), node))
        run.mark(self.moment(window), how)
        observers = window.users - (len(victims) if node >= 0 else 0)
        disconnect = Disconnect(how, len(victims), observers, round(deadline_s * 1e6))
        self.disconnects.append(disconnect)
        whole = self.happen(run, window, how)
        disconnect.take(victims, whole)
        disconnect.dead_after_us = max((each.get("dead_after_us", 0) for each in whole.role), default=0)
        disconnect.phases = self._phases(window, disconnect)
        self._judge_generator(run, window, disconnect)
        return disconnect

    def happen(self, run: Run, window: Window, how: str) -> Statement:
        """What the leader does in the window."""
        return run.play(window)

    def moment(self, window: Window) -> int:
        """When it happens: at the beginning of a slice, so that before and after do not mix."""
        slices = max(1, round(self.settings.before * 1e9 / window.slice_ns))
        return window.start_ns + slices * window.slice_ns

    def _phases(self, window: Window, disconnect: Disconnect) -> dict[str, Histogram]:
        death_ns = self.moment(window)
        over_ns = death_ns + round(max(_EFFECT_S * 1e9, disconnect.informed.longest * 1e3))
        slices = window.others if window.others.each() else window.slices
        return {
            "before": slices.between(window.start_ns, death_ns),
            "during": slices.between(death_ns, over_ns),
            "after": slices.between(over_ns, window.end_ns),
        }

    def _judge_generator(self, run: Run, window: Window, disconnect: Disconnect) -> None:
        """It must not read late just then: between a death and the last notice of it, which may be a second of many."""
        death_ns = self.moment(window)
        last_ns = death_ns + max(1, disconnect.informed.longest * 1_000)
        lag_ms = window.lags.between(death_ns, last_ns).percentile(99) / 1000
        if lag_ms > (limit := self.settings.max_loop_lag_ms):
            run.note_fault(
                f"{disconnect.how}: the generator read late between the death and its last notice: loop lag p99 "
                f"{lag_ms:,.3f} ms, the limit is {limit:,g} ms"
            )

    def count_listed(self, run: Run, users: Sequence[int]) -> int:
        """How many of these any node still lists as members."""
        listed: set[int] = set()
        for answer in run.ask("names", 2 * run.settings.patience):
            listed.update(*answer["rooms"].values())
        return len(listed.intersection(users))


class Deaths(Watched):
    settings: DeathSettings
    settings_type: ClassVar[type[Settings]] = DeathSettings

    def __init__(self, settings: DeathSettings, users: int) -> None:
        super().__init__(settings, users)
        self._numbers = itertools.count(1)  # of the acts of a run, whose courses may follow one another

    @property
    def victims(self) -> int:
        """How many of the users die each time."""
        return share_of(self.settings.victims, self.users)

    def role(self, worker: Worker) -> Role:
        return Victims(worker, self)

    def is_victim(self, user: int) -> bool:
        return user < self.victims

    def check(self) -> None:
        observers = self.users - self.victims
        if observers < 2:
            raise SetupError(f"--victims {self.settings.victims} of {self.users:,} users leaves fewer than 2 observers")
        self.check_announcers(observers, "observers")

    def speakers(self, members: Mapping[str, Sequence[int]]) -> list[Speaker]:
        observers = {room: [user for user in users if not self.is_victim(user)] for room, users in members.items()}
        return super().speakers(observers)

    def act(self, run: Run, how: str, deadline_s: float, receive_bytes: int = 0) -> Disconnect:
        """One window: `--before`, the death, the time until the deadline, `--after`; then who is listed. Raises Over.

        The victims have new names in each act: those of the last may still haunt the server.
        """
        settings, number = self.settings, next(self._numbers)
        victims = [number * self.users + user for user in range(self.victims)]
        lasts_s = settings.before + deadline_s + settings.after
        run.step = how
        held = {"act": number, "how": how, "linger_s": lasts_s, "receive_bytes": receive_bytes}
        run.ask("hold", 2 * settings.patience, **held)
        disconnect = self.watch(run, how, victims, deadline_s, lasts_s)
        disconnect.ghosts = self.count_listed(run, victims)
        run.ask("release")
        return disconnect


def plain(one: Disconnect) -> dict[str, Any]:
    """`first_us`, `median_us` and `last_us` are null when no observer was informed."""
    times = one.informed
    return {
        "how": one.how,
        "victims": one.victims,
        "observers": one.observers,
        "informed": times.count,
        "first_us": times.shortest if times.count else None,
        "median_us": times.percentile(50) if times.count else None,
        "last_us": times.longest if times.count else None,
        "ghosts": one.ghosts,
        "false_deaths": one.false_deaths,
        "deadline_us": one.deadline_us,
        "dead_after_us": one.dead_after_us,
        "reasons": one.reasons,
        "notices_us": told(one.notices, one.victims),  # all of one victim share its fate
        "fanout_us": {phase: one.felt_in(phase) for phase in one.phases},
    }
