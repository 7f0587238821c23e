"""Look at a run from the process that leads it: keeps what the processes tell, and says what the run is doing."""

import time
from typing import TYPE_CHECKING, Any

from loadtest.judge.measures import measures
from loadtest.judge.verdict import Figures, Verdict
from loadtest.lead.processes import Processes
from loadtest.page.live import Live, Situation, judge_so_far, look
from loadtest.settings.options import Settings

if TYPE_CHECKING:
    from loadtest.lead.stage import Stage
    from loadtest.scenarios import Scenario


class Lookout:
    """One conductor's."""

    def __init__(self, settings: Settings, scenario: "Scenario", processes: Processes) -> None:
        self.last: Verdict | None = None  # of the last course that is over
        self.is_over = False
        self._settings = settings
        self._scenario = scenario
        self._processes = processes
        self._live = Live()

    def hear(self, name: str, status: dict[str, Any]) -> None:
        self._live.take(name, status, time.monotonic())

    def look(self, stage: "Stage", asked_users: int) -> dict[str, Any]:
        """Plain values, as `live.look` gives them."""
        now_ns = time.monotonic_ns()
        complete = stage.complete_so_far
        figures = stage.figures
        if stage.is_open:  # a window's figures are the stage's when it is collected
            figures = self._live.added_to(figures, complete)
        situation = Situation(
            self._settings.scenario,
            "stopped" if self.is_over else stage.doing(now_ns),
            self._processes.status_sum("joined"),
            self._processes.status_sum("refused"),
            asked_users,
            len(self._processes.all),
            stage.start_s,
            stage.open_s(now_ns),
            self.last,
        )
        return look(self._live, complete, situation, None if stage.is_apart else self._judge(figures), now_ns / 1e9)

    def _judge(self, figures: Figures) -> Verdict | None:
        """So far. A scenario that judges itself does so at the end."""
        if self._scenario.verdict(figures) is not None:
            return None
        return judge_so_far(figures, self._settings, measures(figures, self._scenario), self._scenario.requirement)
