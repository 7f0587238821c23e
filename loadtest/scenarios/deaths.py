"""What scenarios in which something happens to some of the users have in common: victims, observers, one act.

The first `--victims` users never speak; a process of its own holds them, so that anything can be done to them. All
others are observers, and what the accounts count on.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from chat.errors import SetupError
from loadtest.accounting.disconnects import Disconnect
from loadtest.accounting.histogram import Histogram
from loadtest.scenarios.scenario import OneRoom, Speaker
from loadtest.settings.share import share_of

if TYPE_CHECKING:
    from loadtest.lead.stage import Stage
    from loadtest.lead.window import Window
    from loadtest.settings.options import Settings

_EFFECT_S = 5.0  # of the time after a death that count as its effect, even where all know of it at once


class Deaths(OneRoom):
    role = "victims"

    def __init__(self, settings: "Settings", users: int) -> None:
        super().__init__(settings, users)
        self.disconnects: list[Disconnect] = []  # of the course under way
        self._numbers = itertools.count(1)  # of the acts of a run, whose courses may follow one another

    @property
    def victims(self) -> int:
        """How many of the users die each time."""
        return share_of(self.settings.victims, self.users)

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

    def act(self, stage: "Stage", how: str, deadline_s: float, receive_bytes: int = 0) -> Disconnect:
        """One window: `--before`, the death, the time until the deadline, `--after`; then who is listed. Raises Over.

        The victims have new names in each act: those of the last may still haunt the server.
        """
        settings, number = stage.settings, next(self._numbers)
        victims = [number * self.users + user for user in range(self.victims)]
        lasts_s = settings.before + deadline_s + settings.after
        stage.step = how
        held = {"act": number, "how": how, "linger_s": lasts_s, "receive_bytes": receive_bytes}
        stage.ask("hold", 2 * settings.patience, **held)
        window = stage.window(
            lasts_s,
            death=lambda window: {"how": how, "victims": victims, "at_ns": self._moment(window)},
        )
        stage.mark(self._moment(window), how)
        disconnect = Disconnect(how, len(victims), window.users, round(deadline_s * 1e6))
        self.disconnects.append(disconnect)
        stage.figures.disconnects.append(disconnect)
        statements = stage.play(window)
        disconnect.take(victims, statements)
        disconnect.dead_after_us = max((part["role"].get("dead_after_us", 0) for part in statements), default=0)
        disconnect.phases = self._phases(window, disconnect)
        self._judge_generator(stage, window, disconnect)
        disconnect.ghosts = self._count_listed(stage, victims)
        stage.ask("bury")
        return disconnect

    def measures(self) -> dict[str, float | None]:
        asked = [disconnect for disconnect in self.disconnects if disconnect.phases]  # not stopped on the way
        return {"ghosts": float(sum(disconnect.ghosts for disconnect in asked)) if asked else None}

    def _moment(self, window: "Window") -> int:
        """When they die: at the beginning of a slice, so that before and after do not mix."""
        slices = max(1, round(self.settings.before * 1e9 / window.slice_ns))
        return window.start_ns + slices * window.slice_ns

    def _phases(self, window: "Window", disconnect: Disconnect) -> dict[str, Histogram]:
        death_ns = self._moment(window)
        over_ns = death_ns + round(max(_EFFECT_S * 1e9, disconnect.informed.longest * 1e3))
        slices = window.slices
        return {
            "before": slices.between(window.start_ns, death_ns),
            "during": slices.between(death_ns, over_ns),
            "after": slices.between(over_ns, window.end_ns),
        }

    def _judge_generator(self, stage: "Stage", window: "Window", disconnect: Disconnect) -> None:
        """It must not read late just then: between a death and the last notice of it, which may be a second of many."""
        death_ns = self._moment(window)
        last_ns = death_ns + max(1, disconnect.informed.longest * 1_000)
        lag_ms = window.lags.between(death_ns, last_ns).percentile(99) / 1000
        if lag_ms > (limit := self.settings.max_loop_lag_ms):
            stage.note_fault(
                f"{disconnect.how}: the generator read late between the death and its last notice: loop lag p99 "
                f"{lag_ms:,.3f} ms, the limit is {limit:,g} ms"
            )

    def _count_listed(self, stage: "Stage", victims: Sequence[int]) -> int:
        """How many of the victims the server still lists as members."""
        listed: set[int] = set()
        for answer in stage.ask("names", 2 * stage.settings.patience):
            listed.update(*answer["rooms"].values())
        return len(listed.intersection(victims))
