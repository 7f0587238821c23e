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
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chat.errors import SetupError
from loadtest.core.histogram import Histogram
from loadtest.core.reasons import own_faults
from loadtest.core.result import told
from loadtest.core.statement import Statement
from loadtest.core.verdict import percentiles
from loadtest.report.blocks import LATENCY_HEAD, Block, Section, each_count, latency, mib, register_section, spaced
from loadtest.run.role import Role, Worker
from loadtest.run.run import Run
from loadtest.run.scenario import OneRoom
from loadtest.run.server import ServerWatch
from loadtest.run.settings import GrowthSettings, check_share, checked, number, option, share_of
from loadtest.run.window import Window
from loadtest.scenarios.churn.flow import FAREWELL_S, LEVELS, closing_s
from loadtest.scenarios.churn.worker import Guests
from loadtest.wires.wire import LEAVES

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


@dataclass(frozen=True)
class ChurnSettings(GrowthSettings):
    """Who stays, and how the others come and go."""

    residents: str = option(
        "20%",
        checked(check_share),
        "how many of the users stay all the time and watch, as a number or a share",
        on_page=True,
    )
    arrivals: float | None = option(
        None,
        number(float, 0.001, 100_000),
        "users who come in a second. Default: so many that half of those who are no residents are in",
        on_page=True,
    )
    stay: float = option(5.0, number(float, 0.01), "seconds that one of them stays on average", on_page=True)
    # A runtime with a pool of its own, like Go's, keeps the threads that it once needed: Ergo had 2 more.
    max_more_threads: int = option(
        0, number(int, 0), "fail when the server has more threads than before, beyond so many"
    )


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

    def take(self, window: Window, whole: Statement) -> None:
        """Add what the processes counted."""
        self.counts["expected"] += window.crowd_due(whole.crowd_left)
        self.counts["duplicated"] += whole.leaves_duplicated
        self.notices.merge(whole.leaves)
        for flow in filter(None, whole.role):
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
    settings: ChurnSettings
    settings_type = ChurnSettings
    name = "churn"
    summary = "users come, chat and leave in a steady flow; some stay and watch"
    default_rate = 10.0
    needs = frozenset((LEAVES,))

    def __init__(self, settings: ChurnSettings, users: int) -> None:
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

    def role(self, worker: Worker) -> Role:
        return Guests(worker, self)

    @property
    def stay_s(self) -> float:
        return self.settings.stay

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

    def course(self, run: Run) -> None:
        self.flowed = Flowed()  # one course may follow another
        self._server = _watch(self.settings)
        self._server.begin(self.residents)
        run.step = "a guest rehearses"
        self._learn_quit_texts(run)
        run.step = ""
        window = run.open_window(
            visits=lambda window: {
                "senders": window.add_crowds(self.settings.room),
                "stamps_leaves": self._quit_texts == "shown",
            }
        )
        with run.sampling(self._server.note_peak):
            whole = run.play(window)
        self._sum_up(run, window, whole)
        left_ns = window.end_ns + self.settings.grace * 1e9 - time.monotonic_ns()
        run.wait(self._server.is_back, max(_LAST_LOOK_S, left_ns / 1e9))

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
                "connect_us": told(flowed.connect),
                "join_us": told(flowed.join),
                "quit_texts": self._quit_texts,
                "leave_notices": {
                    "expected": counts["expected"],
                    "delivered": flowed.notices.count,
                    "lost": flowed.lost,
                    "duplicated": counts["duplicated"],
                },
                "leave_notice_us": told(flowed.notices, counts["departures"]),  # all of one guest share its fate
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

    def _learn_quit_texts(self, run: Run) -> None:
        """Whether residents are told what a guest says as it quits. Raises Over."""
        answers = run.ask("rehearse", self.settings.patience + _REHEARSAL_S)
        if answer := next((answer for answer in answers if "line" in answer), None):
            self._quit_texts = "shown" if answer["shown"] else "changed" if answer["line"] else "hidden"
        if self._quit_texts != "shown":
            _log.warning("Leave notices are not timed: %s", _KEPT_BACK[self._quit_texts])

    def _sum_up(self, run: Run, window: Window, whole: Statement) -> None:
        flowed = self.flowed
        flowed.take(window, whole)
        seconds = (window.end_ns - window.start_ns) / 1e9
        flowed.coming_s = seconds - closing_s(self.settings.stay, seconds)
        run.figures.send_lateness.merge(flowed.lateness)
        for fault in own_faults(flowed.refused):
            run.note_fault(fault)
        wanting = flowed.counts["no_guest"]
        asked = flowed.counts["arrivals"] + wanting
        if not asked:
            run.note_fault(f"nobody came in {flowed.coming_s:.1f} s: use a longer --duration, or more --arrivals")
        elif wanting > _NO_GUEST * asked:
            run.note_fault(
                f"{wanting:,} of {asked:,} arrivals found no idle guest, the limit is {_NO_GUEST:.0%}: "
                "use more --users, or fewer --arrivals"
            )


def _watch(settings: ChurnSettings) -> ServerWatch:
    return ServerWatch(settings.server_pid, settings.max_memory_growth_mib, settings.max_more_threads)


def _ranked(what: str, reasons: Counter[str]) -> list[str]:
    """A line for each of the most frequent reasons, and one for all others."""
    counts = dict(reasons.most_common(_REASONS))
    if rest := reasons.total() - sum(counts.values()):
        counts["other reasons"] = rest
    return [f"{_many(count, 'guest')} {what}: {reason}" for reason, count in counts.items()]


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("s" if count != 1 else "")


_CHURN = "Residents stay all the time and watch. Guests come, say one message, stay a while and say QUIT."
_WAITED = (
    "All times count from the moment when a guest was meant to come, or, of a leave notice, to go: until the server "
    "has welcomed it, until it is in the room, until a resident reads that it has left."
)
_NOTICES = "Every resident should learn of every departure, once."
_SERVER = (
    "Before the guests came, at the highest, and after they had gone. Memory is what the process has taken for "
    "itself: anonymous pages."
)


@register_section("churn")
def section(churn: Mapping[str, Any]) -> Section:
    counts = ("residents", "guests", "arrivals", "departures", "refused", "cut_off", "most_present")
    notices = churn["leave_notices"]
    texts = churn["quit_texts"]
    told = "to residents" if texts == "shown" else f"not timed: texts {texts}"
    blocks = [
        Block(("churn", *map(spaced, counts)), (("users", *(f"{churn[key]:,}" for key in counts)),), note=_CHURN),
        Block(
            ("churn, ms", *LATENCY_HEAD),
            (
                latency("until welcomed", churn["connect_us"]),
                latency("until in the room", churn["join_us"]),
                latency("leave notice", churn["leave_notice_us"]),
            ),
            note=_WAITED,
        ),
        Block(("leave notices", *notices), ((told, *each_count(notices)),), note=_NOTICES),
    ]
    return Section("Churn", (*blocks, *_server_block(churn["server"])))


def _server_block(server: Mapping[str, Any] | None) -> list[Block]:
    if server is None:
        return []
    rows = tuple(
        (moment, f"{held['descriptors']:,}", f"{held['threads']:,}", mib(held["memory_bytes"]), f"{held['cpu_s']:,.2f}")
        for moment, held in server.items()
        if held
    )
    return [Block(("the server's process", "descriptors", "threads", "memory, MiB", "CPU, s"), rows, note=_SERVER)]
