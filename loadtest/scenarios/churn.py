"""Users come, chat and leave in a steady flow; the residents, who stay, watch. Then is the server as it was before?

The first `--residents` users stay all the time, one of them speaks, and only what they hear is accounted for. The
others are guests: each visit is to connect, register, join, one message, a stay, and a QUIT whose text is a stamp, so
that each resident's notice of each leave is one sample. In the window's last mean stay nobody comes, and all go.

Some servers hide or change what users say as they quit. A rehearsal finds out; then leave notices are neither expected
nor timed, and the summary says so (`quit_texts`), as does a line of the log.
"""

import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chat.errors import SetupError
from loadtest.accounting.histogram import Histogram
from loadtest.accounting.reasons import own_faults
from loadtest.judge.measures import percentiles
from loadtest.network.visits import closing_s
from loadtest.scenarios.scenario import OneRoom
from loadtest.settings.share import share_of
from loadtest.watch.server_watch import ServerWatch
from loadtest.wires.wire import LEAVES
from loadtest.worker.flow import FAREWELL_S, LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loadtest.lead.stage import Stage
    from loadtest.lead.window import Window
    from loadtest.settings.options import Settings

_REASONS = 5  # shown in the verdict; the summary has all
_NO_GUEST = 0.01  # of the arrivals may find no idle guest: more, and the flow is not the one that was asked for
_MOST_PRESENT = 0.9  # of the guests, on average: Poisson arrivals come in heaps
_REHEARSAL_S = 20.0  # for one guest to quit and a resident to learn of it, beside its way in
_KEPT_BACK = {
    "changed": "the server changes what users say as they quit",
    "hidden": "the server does not tell the others who has quit",
}
_LAST_LOOK_S = 0.5  # for the server to close, where --grace has passed
_log = logging.getLogger("locust.fanfare")


@dataclass(slots=True)
class Flowed:
    """What came of one window's guests, over all processes."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)  # guests who did not get in, by reason
    cut_off: Counter[str] = field(default_factory=Counter)  # who lost the connection before they went, by reason
    connect: Histogram = field(default_factory=Histogram)
    join: Histogram = field(default_factory=Histogram)
    lateness: Histogram = field(default_factory=Histogram)
    notices: Histogram = field(default_factory=Histogram)
    levels: list[int] = field(default_factory=lambda: [0] * LEVELS)  # how many were in, over the window
    coming_s: float = 0.0  # the time in which they came

    def take(self, window: "Window", statement: "Mapping[str, Any]") -> None:
        """Add what a process counted."""
        self.counts["expected"] += window.crowd_due(statement["crowd_left"])
        self.counts["duplicated"] += statement["leaves"]["duplicated"]
        self.notices.merge(Histogram.unpack(statement["leaves"]["fanout"]))
        if not (flow := statement["role"]):
            return
        for name in ("arrivals", "late_arrivals", "no_guest", "departures", "unclosed", "stayed_ns"):
            self.counts[name] += flow[name]
        self.refused.update(flow["refused"])
        self.cut_off.update(flow["cut_off"])
        for name in ("connect", "join", "lateness"):
            getattr(self, name).merge(Histogram.unpack(flow[name]))
        self.levels = [one + more for one, more in zip(self.levels, flow["levels"], strict=True)]

    @property
    def lost(self) -> int:
        return self.counts["expected"] - self.notices.count

    @property
    def unsettled(self) -> int:
        """Guests who came and were neither in nor refused as the run ended."""
        return self.counts["arrivals"] - self.counts["departures"] - self.refused.total() - self.cut_off.total()


class Churn(OneRoom):
    name = "churn"
    summary = "users come, chat and leave in a steady flow; some stay and watch"
    default_rate = 10.0
    needs = frozenset((LEAVES,))
    role = "guests"

    def __init__(self, settings: "Settings", users: int) -> None:
        super().__init__(settings, users)
        self.flowed = Flowed()
        self._quit_texts = "shown"  # or one of _KEPT_BACK
        self._server = _watch(settings)

    @property
    def residents(self) -> int:
        return share_of(self.settings.residents, self.users)

    @property
    def guests(self) -> int:
        return self.users - self.residents

    @property
    def arrivals(self) -> float:
        """A second, over all processes."""
        return self.settings.arrivals or self.guests / 2 / self.settings.stay

    def is_guest(self, user: int) -> bool:
        return user >= self.residents

    def check(self) -> None:
        settings, residents = self.settings, self.residents
        if residents < 2:
            raise SetupError(f"--residents {settings.residents} of {self.users:,} users is {residents}, churn needs 2")
        if self.guests < 1:
            raise SetupError(f"--residents {settings.residents} of {self.users:,} users leaves nobody to come and go")
        self.check_announcers(residents, "residents")
        present = self.arrivals * settings.stay
        if present > _MOST_PRESENT * self.guests:
            raise SetupError(
                f"--arrivals {self.arrivals:g} a second who stay {settings.stay:g} s are {present:,.0f} at a time, "
                f"too many for {self.guests:,} guests: use --users {round(self.users * present * 2 / self.guests):,}"
            )

    def course(self, stage: "Stage") -> None:
        self.flowed = Flowed()  # one course may follow another
        self._server = _watch(self.settings)
        self._server.begin(self.residents)
        stage.step = "a guest rehearses"
        self._learn_quit_texts(stage)
        stage.step = ""
        window = stage.window(
            visits=lambda window: {
                "senders": window.add_crowds(self.settings.room),
                "stamps_leaves": self._quit_texts == "shown",
            }
        )
        with stage.sampling(self._server.note_peak):
            statements = stage.play(window)
        self._sum_up(stage, window, statements)
        left_ns = window.end_ns + self.settings.grace * 1e9 - time.monotonic_ns()
        stage.wait(self._server.is_back, max(_LAST_LOOK_S, left_ns / 1e9))

    def part(self) -> dict[str, Any]:
        flowed, counts = self.flowed, self.flowed.counts
        mean_stay_s = counts["stayed_ns"] / 1e9 / counts["departures"] if counts["departures"] else 0.0
        return {
            "churn": {
                "residents": self.residents,
                "guests": self.guests,
                "arrivals": counts["arrivals"],
                "departures": counts["departures"],
                "refused": flowed.refused.total(),
                "refused_reasons": dict(flowed.refused),
                "cut_off": flowed.cut_off.total(),
                "cut_off_reasons": dict(flowed.cut_off),
                "unsettled": flowed.unsettled,
                "unclosed": counts["unclosed"],
                "late_arrivals": counts["late_arrivals"],
                "no_guest": counts["no_guest"],
                "arrivals_per_s": round(counts["arrivals"] / flowed.coming_s, 3) if flowed.coming_s else 0.0,
                "mean_stay_s": round(mean_stay_s, 3),
                "most_present": max(flowed.levels),
                "connect_us": flowed.connect.figures(),
                "join_us": flowed.join.figures(),
                "quit_texts": self._quit_texts,
                "leave_notices": {
                    "expected": counts["expected"],
                    "delivered": flowed.notices.count,
                    "lost": flowed.lost,
                    "duplicated": counts["duplicated"],
                },
                "leave_notice_us": flowed.notices.figures(),
                "server": self._server.part(),
            }
        }

    def missed(self) -> list[str]:
        flowed = self.flowed
        lines = [
            *_ranked("did not get in", flowed.refused),
            *_ranked("lost the connection", flowed.cut_off),
        ]
        for count, noun, what in (
            (flowed.unsettled, "guest", "did not get in: no answer before the run's end"),
            (flowed.counts["unclosed"], "guest", f"had to close after QUIT, as the server did not in {FAREWELL_S:g} s"),
            (flowed.lost, "leave notice", "lost, the limit is 0"),
            (flowed.counts["duplicated"], "leave notice", "duplicated, the limit is 0"),
        ):
            if count:
                lines.append(f"{_many(count, noun)} {what}")
        return lines + self._server.missed()

    def measures(self) -> dict[str, float | None]:
        flowed = self.flowed
        return {**percentiles("join", flowed.join), **percentiles("leave", flowed.notices)}

    def _learn_quit_texts(self, stage: "Stage") -> None:
        """Whether residents are told what a guest says as it quits. Raises Over."""
        answers = stage.ask("rehearse", self.settings.patience + _REHEARSAL_S)
        if answer := next((answer for answer in answers if "line" in answer), None):
            self._quit_texts = "shown" if answer["shown"] else "changed" if answer["line"] else "hidden"
        if self._quit_texts != "shown":
            _log.warning("Leave notices are not timed: %s", _KEPT_BACK[self._quit_texts])

    def _sum_up(self, stage: "Stage", window: "Window", statements: "Sequence[Mapping[str, Any]]") -> None:
        flowed = self.flowed
        for statement in statements:
            flowed.take(window, statement)
        seconds = (window.end_ns - window.start_ns) / 1e9
        flowed.coming_s = seconds - closing_s(self.settings.stay, seconds)
        stage.figures.send_lateness.merge(flowed.lateness)
        for fault in own_faults(flowed.refused):
            stage.note_fault(fault)
        wanting = flowed.counts["no_guest"]
        asked = flowed.counts["arrivals"] + wanting
        if not asked:
            stage.note_fault(f"nobody came in {flowed.coming_s:.1f} s: use a longer --duration, or more --arrivals")
        elif wanting > _NO_GUEST * asked:
            stage.note_fault(
                f"{wanting:,} of {asked:,} arrivals found no idle guest, the limit is {_NO_GUEST:.0%}: "
                "use more --users, or fewer --arrivals"
            )


def _watch(settings: "Settings") -> ServerWatch:
    return ServerWatch(settings.server_pid, settings.max_memory_growth_mib, settings.max_more_threads)


def _ranked(what: str, reasons: Counter[str]) -> list[str]:
    """A line for each of the most frequent reasons, and one for all others."""
    counts = dict(reasons.most_common(_REASONS))
    if rest := reasons.total() - sum(counts.values()):
        counts["other reasons"] = rest
    return [f"{_many(count, 'guest')} {what}: {reason}" for reason, count in counts.items()]


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("s" if count != 1 else "")
