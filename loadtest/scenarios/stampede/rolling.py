"""`rolling`: the nodes of a cluster are drained one after the other while people talk, as for an upgrade.

Each user of the drained node comes back once, to another host, and asks for the room's history: what anybody had heard
is there, once, in the order in which it was heard. The users of all other nodes notice nothing: they keep the
connection, and hear everything. Exact counts, each with limit 0.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from chat.errors import SetupError
from loadtest.core.histogram import Histogram
from loadtest.core.requirements import DEFAULT
from loadtest.core.result import messages_in, told
from loadtest.report.blocks import LATENCY_HEAD, Block, Section, latency, ms, reasons, register_section
from loadtest.run.control import Control, ControlSettings, name_of
from loadtest.run.hosts import Hosts
from loadtest.run.role import Role, Worker
from loadtest.run.run import ANSWER_S, Run
from loadtest.run.scenario import OneRoom
from loadtest.scenarios.stampede.history import REQUIREMENT, Account, Words, first_seen, measures_of, sum_of
from loadtest.scenarios.stampede.movers import Movers
from loadtest.scenarios.stampede.returns import Return, ReturnSettings
from loadtest.wires.wire import ROOMS

_LOOK_EVERY_S = 0.1  # whether everything said was heard


@dataclass(frozen=True)
class RollingSettings(ControlSettings, ReturnSettings):
    """How the nodes are drained, and how their users come back."""


@dataclass(slots=True)
class Drain:
    """One node's. `others` are the users of the other nodes."""

    host: str
    moved: Return = field(default_factory=Return)
    others: int = 0
    cut_off: Counter[str] = field(default_factory=Counter)  # of those who lost the connection, by the reason given
    missed: int = 0  # deliveries to them that never came, of what somebody had heard
    doubled: int = 0
    fanout: Histogram = field(default_factory=Histogram)  # theirs
    messages: int = 0  # heard by somebody
    account: Account | None = None  # of the history, once it was asked for
    reasons: Counter[str] = field(default_factory=Counter)  # of those who got no answer

    def missing(self, within_s: float, max_timed_out: int) -> list[str]:
        """What was not as it should be, one line each."""
        moved, where = self.moved, f"{self.host}: "
        lines = []
        if moved.returned < moved.users - moved.kept:
            lines.append(f"{moved.returned:,} of {moved.users:,} users were back {within_s:g} s after the drain began")
        if moved.kept:
            lines.append(f"{moved.kept:,} of {moved.users:,} users kept the connection: the node did not end it")
        if moved.lost_again:
            lines.append(f"{moved.lost_again:,} users who were back lost the connection again")
        if moved.attempts.timed_out > max_timed_out:
            lines.append(f"{moved.attempts.timed_out:,} attempts to return timed out, the limit is {max_timed_out:,}")
        if lost := self.cut_off.total():
            lines.append(
                f"{lost:,} of {self.others:,} users of other nodes lost the connection: {reasons(self.cut_off)}"
            )
        for word, count in (("missed", self.missed), ("doubled", self.doubled)):
            if count:
                lines.append(f"{count:,} deliveries to users of other nodes were {word}, the limit is 0")
        return [where + line for line in (*lines, *(self.account.wrong(False) if self.account else ()))]

    def take_others(self, answer: Mapping[str, Any]) -> None:
        """What one process states of them."""
        self.others += answer["users"]
        self.cut_off.update(answer["cut_off"])
        self.missed += answer["missed"]
        self.doubled += answer["doubled"]
        self.fanout.merge(Histogram.unpack(answer["fanout"]))

    def plain(self) -> dict[str, Any]:
        moved = self.moved
        return {
            "host": self.host,
            "users": moved.users,
            "returned": moved.returned,
            "kept": moved.kept,
            "lost_again": moved.lost_again,
            "back_50_us": moved.back_us(0.5),
            "back_90_us": moved.back_us(0.9),
            "back_all_us": moved.back_us(1),
            "attempts": moved.attempts.figures(),
            "attempt_reasons": dict(moved.attempts.reasons),
            "others": {
                "users": self.others,
                "cut_off": dict(self.cut_off),
                "missed": self.missed,
                "doubled": self.doubled,
                "fanout_us": told(self.fanout, messages_in(self.fanout, self.others)),
            },
            "messages": self.messages,
            "history": {**asdict(self.account), "reasons": dict(self.reasons)} if self.account else None,
        }


class Rolling(OneRoom):
    settings: RollingSettings
    settings_type = RollingSettings
    summary = "the nodes of a cluster are drained one after the other under load, and their users go to the others"
    default_rate = 20.0
    requirement = f"{DEFAULT},{REQUIREMENT}"
    needs = frozenset((ROOMS,))
    one_clock = True
    least_hosts = 2

    def __init__(self, settings: RollingSettings, users: int) -> None:
        super().__init__(settings, users)
        self._hosts = Hosts(())
        self._control: Control
        self._drains: list[Drain] = []

    def role(self, worker: Worker) -> Role:
        return Movers(worker, self.settings)

    def check(self) -> None:
        self.check_announcers(self.users)

    def prepare(self, host: str) -> None:
        self._hosts = Hosts.of(host)
        self._control = Control(self.settings, self._hosts)
        if self.users < 2 * self._hosts.count:
            raise SetupError(f"{self.name} needs 2 users or more at each of {self._hosts.count} hosts: use --users")

    def course(self, run: Run) -> None:
        self._drains = []
        self.requirement = DEFAULT  # until somebody has read the history
        self._play(run, "before", self.settings.before)
        nodes = range(self._hosts.count if self._control.can_start else self._hosts.count - 1)
        for node in nodes:
            closed = [node] if self._control.can_start else list(range(node + 1))
            drain = Drain(self._hosts.urls[node].rpartition("/")[2])
            self._drains.append(drain)
            self._drain(run, node, closed, drain)
        if self.settings.after:
            self._play(run, "after", self.settings.after)

    def part(self) -> dict[str, Any]:
        return {"rolling": [drain.plain() for drain in self._drains]}

    def missed(self) -> list[str]:
        settings = self.settings
        return [
            line for drain in self._drains for line in drain.missing(settings.return_within, settings.max_timed_out)
        ]

    def measures(self) -> dict[str, float | None]:
        return measures_of([drain.account for drain in self._drains if drain.account])

    def _play(self, run: Run, step: str, seconds: float) -> None:
        run.step = step
        run.play(run.open_window(seconds))

    def _drain(self, run: Run, node: int, closed: list[int], drain: Drain) -> None:
        """Raises Over, Undone."""
        settings = self.settings
        run.step = f"{drain.host} is drained"
        run.ask("watch", node=node, closed=closed)
        speakers = list(range(max(settings.announcers, self._hosts.count)))  # at least one at each node
        run.ask("listen", window=run.next_number())
        run.ask("talk", speakers=speakers, interval_s=len(speakers) / self.rate)
        run.pause(settings.under_load)
        since_ns = time.monotonic_ns()
        run.mark(since_ns, f"drain {drain.host}")
        drained = self._control.begin("drain", name_of(node), settings.return_within)
        until_ns = since_ns + round(settings.return_within * 1e9)
        answers = run.ask("returned", settings.return_within + ANSWER_S, since_ns=since_ns, until_ns=until_ns)
        drain.moved.take(answers)
        for fault in drain.moved.faults(settings.max_loop_lag_ms, settings.max_cpu_percent):
            run.note_fault(fault)
        drained()
        if self._control.can_start:
            self._control.start(node, settings.return_within)
        self._account(run, drain)

    def _account(self, run: Run, drain: Drain) -> None:
        settings = self.settings
        run.step = "who came back asks for the history"
        seen = self._all_seen(run)
        answers = run.ask(
            "history",
            self.users * settings.patience + settings.grace + ANSWER_S,
            due=[list(words) for words in seen],
            excused=[],
            grace_s=settings.grace,
        )
        drain.messages = len(seen)
        drain.account = sum_of(answers)
        if drain.account.readers:
            self.requirement = f"{DEFAULT},{REQUIREMENT}"
        for answer in answers:
            drain.reasons.update(answer["reasons"])
            drain.take_others(answer["others"])
        if not seen:
            run.note_fault("nobody had heard anything during the drain: use a longer --under-load or a higher --rate")

    def _all_seen(self, run: Run) -> dict[Words, int]:
        """What anybody had heard, once nobody says more, and the last words of all are there or `--grace` is over."""
        until = time.monotonic() + self.settings.grace
        while True:
            answers = run.ask("stop_talking")
            seen = first_seen(answer["seen"] for answer in answers)
            last = {(speaker, number) for answer in answers for speaker, number in answer["last"]}
            if last <= seen.keys() or time.monotonic() >= until:
                return seen
            run.wait(lambda: False, _LOOK_EVERY_S)


_MOVED = (
    "Times count from when the node was told to go, until so many of its users were in the room again, by other hosts. "
    "Each attempt to connect is in attempts; lost again: were back, and lost the connection once more."
)
_OTHERS = (
    "The users of all other nodes should notice nothing. Lost counts connections, missed and doubled deliveries of all "
    "that anybody heard. The fan-out is theirs, from the first word before the drain on."
)
_HISTORY = (
    "Over all users, who ask for the room's history once those of the node are back: of what anybody had heard, not in "
    "the history; there, or heard, more than once; not where it was heard."
)
_NO_HISTORY = "the server offers no draft/chathistory: what they missed while they were away cannot be asked"


@register_section("rolling")
def section(drains: Sequence[Mapping[str, Any]]) -> Section:
    moved = (
        (
            each["host"],
            *(f"{each[key]:,}" for key in ("users", "returned")),
            *(ms(each[key]) for key in ("back_50_us", "back_90_us", "back_all_us")),
            *(f"{count:,}" for count in (each["attempts"]["made"], each["lost_again"])),
        )
        for each in drains
    )
    others = [(each["host"], each["others"]) for each in drains]
    counts = (
        (host, *(f"{count:,}" for count in (one["users"], sum(one["cut_off"].values()), one["missed"], one["doubled"])))
        for host, one in others
    )
    head = ("drained, ms", "users", "returned", "50 % back", "90 % back", "all back", "attempts", "lost again")
    blocks = [
        Block(head, tuple(moved), note=_MOVED),
        Block(("users of other nodes", "users", "lost", "missed", "doubled"), tuple(counts), note=_OTHERS),
        Block(("their fan-out, ms", *LATENCY_HEAD), tuple(latency(host, one["fanout_us"]) for host, one in others)),
    ]
    for each in drains:
        why = {**each["attempt_reasons"], **(each["history"] or {}).get("reasons", {})}
        if why:
            blocks.append(Block(("other attempts", "reasons"), ((each["host"], reasons(why)),), has_words=True))
    return Section("Rolling drain", (*blocks, *_histories(drains)))


def _histories(drains: Sequence[Mapping[str, Any]]) -> list[Block]:
    names = ("readers", "unanswered", "missed", "doubled", "reordered")
    known = [each for each in drains if each["history"]]
    if any(each["history"]["not_offered"] for each in known):
        return [Block(("history", "why"), (("not asked", _NO_HISTORY),), has_words=True)]
    if not known:
        return []
    rows = tuple(
        (each["host"], f"{each['messages']:,}", *(f"{each['history'][name]:,}" for name in names)) for each in known
    )
    head = ("history", "messages", "readers", "unanswered", "missed", "doubled", "other order")
    return [Block(head, rows, note=_HISTORY)]
