"""`nodes`: a node of a cluster is killed, stopped or cut off, or their store is; the users of the other nodes watch.

Each of the `--faults` is a window, whose victims are the users of the last host. What is said is due to all who are in:
to the users of the other nodes all the time, to those of the node until their connection ends, or else late.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import gevent

from chat.errors import SetupError
from loadtest.core.statement import Statement
from loadtest.report.blocks import NONE, Block, Section, register_section
from loadtest.run.control import STORE, Control, ControlSettings, Undone, aside, name_of
from loadtest.run.hosts import Hosts
from loadtest.run.role import Role, Worker
from loadtest.run.run import Run
from loadtest.run.settings import AroundSettings, number, option, some_of
from loadtest.run.window import Speaker, Window
from loadtest.scenarios.deaths.leader import Watched
from loadtest.scenarios.deaths.survivors import Survivors
from loadtest.wires.wire import LEAVES, NAMES

_LOOK_EVERY_S = 0.1
_NOTICE_S = 1.5  # after the lease, for another node to say that one is gone, and for all to be told


@dataclass(frozen=True, slots=True)
class Fault:
    summary: str
    begins: str  # what is done to the node, or the store
    ends: str
    to_store: bool = False
    cuts: bool = False  # the connections of the node's users


FAULTS = {
    "stop": Fault("the node gets SIGSTOP, and SIGCONT once it was declared gone", "stop", "cont"),
    "cut": Fault("the node is cut off from the store, and joined again", "cut", "mend"),
    "store-stop": Fault("the store gets SIGSTOP and SIGCONT", "stop", "cont", to_store=True),
    "store-kill": Fault("the store is killed and started again", "kill", "start", to_store=True),
    "kill": Fault("the node is killed, and started again", "kill", "start", cuts=True),
}


@dataclass(frozen=True)
class NodesSettings(ControlSettings, AroundSettings):
    """What happens, and how the nodes are set."""

    faults: str = option(
        "stop,kill",
        some_of("fault", FAULTS),
        "what happens, one after the other: " + ", ".join(f"{n} ({f.summary})" for n, f in FAULTS.items()),
    )
    server_lease: float = option(
        5.0,
        number(float, 0.1),
        "the nodes' --lease in seconds, as it is set: a node that is gone is declared so",
    )
    # Shorter than the patience of a node without its store: Fanfare ends after 30 s.
    outage: float = option(5.0, number(float, 0.1), "seconds that the store is away")
    recover_within: float = option(
        30.0, number(float, 0.1), "seconds for what was stopped, cut off or started to be as before"
    )


class Nodes(Watched):
    settings: NodesSettings
    settings_type = NodesSettings
    summary = "a node of a cluster, or its store, is stopped, cut off or killed; the users of the other nodes watch"
    default_rate = 20.0
    needs = frozenset((NAMES, LEAVES))
    least_hosts = 2
    # What is late is no fault here: who waits for a node or the store gets all of it afterwards.
    requirement = "lost=0,duplicated=0,reordered=0,stray=0,corrupt=0,diverged=0,ghosts=0"

    def __init__(self, settings: NodesSettings, users: int) -> None:
        super().__init__(settings, users)
        self._hosts = Hosts(())
        self._control: Control
        self._at_node: set[int] = set()  # the victims
        self._back: dict[str, int] = {}  # of these, who were in again, by fault
        self._done_after_us = 0
        self._under_way: tuple[str, str] | None = None  # what has to be done yet, and to which target
        self._lines: list[str] = []  # what was missed

    @property
    def faults(self) -> list[str]:
        return self.settings.faults.split(",")

    def role(self, worker: Worker) -> Role:
        return Survivors(worker)

    def check(self) -> None:
        self.check_announcers(self.users // 2, "observers that there are at least")

    def prepare(self, host: str) -> None:
        self._hosts = Hosts.of(host)
        self._control = Control(self.settings, self._hosts)
        if self.users < 2 * self._hosts.count:
            raise SetupError(f"{self.name} needs 2 users or more at each of {self._hosts.count} hosts: use --users")
        for place, name in enumerate(self.faults, 1):
            fault = FAULTS[name]
            target = STORE if fault.to_store else name_of(self._hosts.count - 1)
            is_last = fault.cuts and place == len(self.faults)  # then the node need not start again
            if not all(self._control.can(what, target) for what in (fault.begins, *(() if is_last else (fault.ends,)))):
                other = {"kill": ", or comes last", "store-stop": ", or --store-pid"}.get(name, "")
                raise SetupError(f"--faults: {name} takes --control{other}")

    def clear_up(self) -> None:
        """A run that was stopped leaves no node stopped, cut off or killed."""
        if self._under_way:
            with suppress(Undone):
                self._control.do(*self._under_way, self.settings.recover_within)

    def speakers(self, members: Mapping[str, Sequence[int]]) -> list[Speaker]:
        """Those who watch: nobody who dies has something left to say."""
        return super().speakers(
            {room: [user for user in users if user not in self._at_node] for room, users in members.items()}
        )

    def course(self, run: Run) -> None:
        self.disconnects.clear()
        self._lines.clear()
        self._back.clear()
        for name in self.faults:
            self._fault(run, name, FAULTS[name])

    def part(self) -> dict[str, Any]:
        faults = [
            {"fault": each.how, "users": each.victims, "back": self._back.get(each.how)} for each in self.disconnects
        ]
        url = "".join(self._hosts.urls[-1:])  # none where the run was stopped before it began
        return {**super().part(), "nodes": {"host": url.rpartition("/")[2], "faults": faults}}

    def missed(self) -> list[str]:
        lines = list(self._lines)
        for disconnect in self.disconnects:
            has_victims = not FAULTS[disconnect.how].to_store
            lines += disconnect.missed() if has_victims else disconnect.felt()
        return lines

    def happen(self, run: Run, window: Window, how: str) -> Statement:
        done = aside(partial(self._do, how, self.moment(window)))
        whole = run.play(window)
        done()
        return whole

    def _fault(self, run: Run, name: str, fault: Fault) -> None:
        """Raises Over, Undone."""
        settings, node = self.settings, self._hosts.count - 1
        run.step = name
        answers = run.ask("doom", node=node, cuts=fault.cuts)
        self._at_node = {user for answer in answers for user in answer["users"]}
        victims = [] if fault.to_store else sorted(self._at_node)
        lasts_s = settings.before + self._away_s(fault) + settings.after
        deadline_s = settings.server_lease + _NOTICE_S
        disconnect = self.watch(run, name, victims, deadline_s, lasts_s, -1 if fault.to_store else node)
        disconnect.dead_after_us = self._done_after_us
        if fault.cuts:
            disconnect.ghosts = self.count_listed(run, victims)
            if name != self.faults[-1]:
                answers = run.ask("revive", 2 * settings.patience)
                self._back[name] = sum(answer["back"] for answer in answers)
        elif victims:
            self._back[name] = self._listed_again(run, victims)
        if self._back.get(name, len(victims)) < len(victims):
            self._lines.append(f"{name}: {self._back[name]:,} of {len(victims):,} users of the node were in again")

    def _away_s(self, fault: Fault) -> float:
        return self.settings.outage if fault.to_store else self.settings.server_lease + _NOTICE_S

    def _do(self, name: str, at_ns: int) -> None:
        """Begin it and end it. Raises Undone."""
        settings, fault, node = self.settings, FAULTS[name], self._hosts.count - 1
        target = STORE if fault.to_store else name_of(node)
        stays_away = fault.cuts and name == self.faults[-1] and not self._control.can_start
        _sleep_until(at_ns)
        self._under_way = None if stays_away else (fault.ends, target)
        self._control.do(fault.begins, target, settings.recover_within)
        self._done_after_us = (time.monotonic_ns() - at_ns) // 1000
        _sleep_until(at_ns + round(self._away_s(fault) * 1e9))
        if stays_away:
            return
        if fault.cuts:
            self._control.start(node, settings.recover_within)
        else:
            self._control.do(fault.ends, target, settings.recover_within)
        self._under_way = None

    def _listed_again(self, run: Run, users: Sequence[int]) -> int:
        """How many are members again: all, or as many as after `--recover-within`."""
        until = time.monotonic() + self.settings.recover_within
        while (listed := self.count_listed(run, users)) < len(users) and time.monotonic() < until:
            run.pause(_LOOK_EVERY_S)
        return listed


def _sleep_until(at_ns: int) -> None:
    gevent.sleep(max(0.0, (at_ns - time.monotonic_ns()) / 1e9))


_USERS = (
    "The users of the node. Those whose connection it kept should be in their rooms again when it is back; those whose "
    "connection ended come back to it once it has started again, but after the last fault."
)


@register_section("nodes")
def section(nodes: Mapping[str, Any]) -> Section:
    rows = tuple(
        (each["fault"], f"{each['users']:,}", NONE if each["back"] is None else f"{each['back']:,}")
        for each in nodes["faults"]
    )
    return Section(f"Users of {nodes['host']}", (Block(("users of the node", "users", "in again"), rows, note=_USERS),))
