"""Some users die at the same moment, one way after another: who of the others learns of it, when, what they feel."""

from typing import TYPE_CHECKING

from loadtest.judge.requirements import DEFAULT
from loadtest.programs import cut
from loadtest.scenarios.deaths import Deaths
from loadtest.settings.ways import deadline_s
from loadtest.wires.wire import LEAVES, NAMES

if TYPE_CHECKING:
    from loadtest.lead.stage import Stage


class Crash(Deaths):
    name = "crash"
    summary = "some users die at the same moment, in each of several ways; the others watch"
    default_rate = 20.0
    needs = frozenset(
        (
            NAMES,
            LEAVES,
        )
    )
    requirement = f"{DEFAULT},ghosts=0"

    @property
    def ways(self) -> list[str]:
        return self.settings.ways.split(",")

    def check(self) -> None:
        super().check()
        if "silence" in self.ways:
            cut.check()

    def course(self, stage: "Stage") -> None:
        self.disconnects.clear()
        for how in self.ways:
            self.act(stage, how, deadline_s(how, stage.settings))

    def missed(self) -> list[str]:
        limits = self.settings
        return [line for disconnect in self.disconnects for line in disconnect.missed(limits.max_p99_ratio)]
