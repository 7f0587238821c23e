"""Some users die at the same moment, one way after another: who of the others learns of it, when, what they feel.

The first `--victims` users never speak; a process of its own holds them, so that it can be killed, stopped or cut off.
All others are observers. Each way of dying is one window: `--before` seconds of ordinary traffic, the death, the time
that the server has to notice, `--after` seconds more. Then the server is asked who is in the room.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from chat.errors import SetupError
from loadtest import cut
from loadtest.disconnects import Disconnect
from loadtest.histogram import Histogram
from loadtest.scenarios.scenario import OneRoom, Speaker
from loadtest.share import share_of
from loadtest.ways import deadline_s

if TYPE_CHECKING:
    from loadtest.options import Settings
    from loadtest.stage import Stage
    from loadtest.window import Window

_AT_LEAST_S = 5.0  # of the time after a death that counts as its effect, even where all know of it at once


class Crash(OneRoom):
    name = "crash"
    summary = "some users die at the same moment, in each of several ways; the others watch"
    default_rate = 20.0
    role = "victims"

    def __init__(self, settings: "Settings", users: int) -> None:
        super().__init__(settings, users)
        self._disconnects: list[Disconnect] = []

    @property
    def victims(self) -> int:
        """How many of the users die each time."""
        return share_of(self.settings.victims, self.users)

    @property
    def ways(self) -> list[str]:
        return self.settings.ways.split(",")

    def is_victim(self, user: int) -> bool:
        return user < self.victims

    def check(self) -> None:
        if self.victims < 1:
            raise SetupError(f"--victims {self.settings.victims} of {self.users:,} users is nobody")
        if self.users - self.victims < 2:
            raise SetupError(f"--victims {self.settings.victims} of {self.users:,} users leaves fewer than 2 observers")
        if self.settings.announcers > self.users - self.victims:
            raise SetupError(
                f"--announcers {self.settings.announcers:,} is more than the {self.users - self.victims:,} observers"
            )
        if "silence" in self.ways:
            cut.check()

    def speakers(self, members: Mapping[str, Sequence[int]]) -> list[Speaker]:
        observers = {room: [user for user in users if not self.is_victim(user)] for room, users in members.items()}
        return super().speakers(observers)

    def course(self, stage: "Stage") -> None:
        self._disconnects = stage.figures.disconnects
        for act, how in enumerate(self.ways, 1):
            self._act(stage, act, how)

    def missed(self) -> list[str]:
        limits = self.settings
        return [
            line
            for disconnect in self._disconnects
            for line in disconnect.missed(limits.max_ghosts, limits.max_p99_ratio)
        ]

    def _act(self, stage: "Stage", act: int, how: str) -> None:
        """One death. The victims have new names each time: the last act's may still haunt the server."""
        settings = stage.settings
        victims = [act * self.users + user for user in range(self.victims)]
        deadline = deadline_s(how, settings)
        stage.ask("hold", 2 * settings.patience, act=act, how=how, linger_s=settings.before + deadline + settings.after)
        window = stage.window(
            settings.before + max(deadline, _AT_LEAST_S) + settings.after,
            death=lambda window: {"how": how, "victims": victims, "at_ns": self._moment(window)},
        )
        disconnect = Disconnect(how, len(victims), window.users, round(deadline * 1e6))
        stage.figures.disconnects.append(disconnect)
        statements = stage.play(window)
        disconnect.take(victims, statements)
        disconnect.dead_after_us = max((part["role"].get("dead_after_us", 0) for part in statements), default=0)
        disconnect.phases = self._phases(window, disconnect)
        disconnect.ghosts = self._count_ghosts(stage, victims)
        stage.ask("bury")

    def _moment(self, window: "Window") -> int:
        """When they die: at the beginning of a slice, so that before and after do not mix."""
        slices = max(1, round(self.settings.before * 1e9 / window.slice_ns))
        return window.start_ns + slices * window.slice_ns

    def _phases(self, window: "Window", disconnect: Disconnect) -> dict[str, Histogram]:
        death_ns = self._moment(window)
        over_ns = death_ns + round(max(_AT_LEAST_S * 1e9, disconnect.informed.longest * 1e3))
        slices = window.slices
        return {
            "before": slices.between(window.start_ns, death_ns),
            "during": slices.between(death_ns, over_ns),
            "after": slices.between(over_ns, window.end_ns),
        }

    def _count_ghosts(self, stage: "Stage", victims: Sequence[int]) -> int:
        listed: set[int] = set()
        for answer in stage.ask("names", 2 * stage.settings.patience):
            listed.update(*answer["rooms"].values())
        return len(listed.intersection(victims))
