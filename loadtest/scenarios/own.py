"""A scenario in a locustfile: one class, whose `course` says what happens. All else is there already.

    from loadtest import Scenario

    class Lecture(Scenario):
        \"\"\"Talk, silence, talk.\"\"\"

        def course(self, run):
            run.window(10)
            run.pause(5)
            run.window(10)

All users are in one room, `--announcers` of them speak; `room_of` and `speakers` may say otherwise.
"""

from typing import TYPE_CHECKING

from loadtest.scenarios.scenario import OneRoom

if TYPE_CHECKING:
    from loadtest.lead.stage import Stage


class Run:
    """What a course is made of. Each waits until it is over."""

    def __init__(self, stage: "Stage") -> None:
        self._stage = stage

    def window(self, seconds: float) -> None:
        """The senders speak for so long; every delivery is accounted for."""
        self._stage.play(self._stage.window(seconds))

    def pause(self, seconds: float) -> None:
        """Nobody speaks."""
        self._stage.step = "a pause"
        self._stage.pause(seconds)
        self._stage.step = ""


class OwnScenario(OneRoom):
    def lead(self, stage: "Stage") -> None:
        self.course(Run(stage))  # type: ignore[arg-type]  # a course of one's own is given the run
