"""Some users die at the same moment, one way after another: who of the others learns of it, when, what they feel."""

from dataclasses import dataclass
from typing import Protocol

from loadtest.core.requirements import DEFAULT
from loadtest.run.run import Run
from loadtest.run.settings import number, option, some_of
from loadtest.scenarios.deaths import cut
from loadtest.scenarios.deaths.leader import Deaths, DeathSettings
from loadtest.wires.wire import LEAVES, NAMES


class Timeouts(Protocol):
    """What the run knows of the server's settings, in seconds."""

    @property
    def inform_within(self) -> float: ...
    @property
    def server_ping_interval(self) -> float: ...
    @property
    def server_ping_timeout(self) -> float: ...
    @property
    def server_user_timeout(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    summary: str
    leaves_traces: bool  # the server's kernel hears of it; without, only a time-out finds the dead


WAYS = {
    way.name: way
    for way in (
        Way("quit", "says QUIT", True),
        Way("fin", "closes without a word (FIN)", True),
        Way("rst", "resets the connection (SO_LINGER 0)", True),
        Way("kill", "the process that holds it gets SIGKILL", True),
        Way("stop", "the process that holds it gets SIGSTOP: the socket lives, the program does not", False),
        Way("silence", "its packets are dropped, in both directions", False),
    )
}
STALL = "stall"  # not a death: it stops reading
SLACK_S = 1.0  # beyond a configured time-out, for the server to notice and to tell everyone


def deadline_s(name: str, timeouts: Timeouts) -> float:
    """By when the others must know: soon, where the server hears of it, else its configured time and a second.

    A stopped process's kernel goes on acknowledging, so that only a missing PONG shows. Of a silent peer sent bytes
    stay unacknowledged as well, whichever time-out comes first; a limit on slow readers may find it even sooner.
    """
    if WAYS[name].leaves_traces:
        return timeouts.inform_within
    pinged = timeouts.server_ping_interval + timeouts.server_ping_timeout
    return SLACK_S + (min(pinged, timeouts.server_user_timeout) if name == "silence" else pinged)


@dataclass(frozen=True)
class CrashSettings(DeathSettings):
    """How they die; and what is known of the server's settings, whose defaults are Fanfare's."""

    # What the scenarios of disconnects do, and what they know of the server's settings (its defaults are Fanfare's).
    # Those that a server hears of at once; the others take its time-outs.
    ways: str = option(
        "quit,fin,rst,kill",
        some_of("way to die", WAYS),
        "how they die, one way after the other: " + ", ".join(f"{w.name} ({w.summary})" for w in WAYS.values()),
        on_page=True,
    )
    # A chat shows who is there: for longer than this it would be lying.
    inform_within: float = option(
        5.0,
        number(float, 0.1),
        "seconds in which the others must know of a death that the server hears of",
        on_page=True,
    )
    server_ping_interval: float = option(
        90.0,
        number(float, 0.1),
        "seconds of silence after which the server asks for a sign of life, as it is set",
    )
    server_ping_timeout: float = option(60.0, number(float, 0.1), "seconds that it then waits")
    server_user_timeout: float = option(
        30.0, number(float, 0.1), "its TCP_USER_TIMEOUT in seconds: how long sent bytes may stay unacknowledged"
    )


class Crash(Deaths):
    settings: CrashSettings
    settings_type = CrashSettings
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

    def course(self, run: Run) -> None:
        self.disconnects.clear()
        for how in self.ways:
            self.act(run, how, deadline_s(how, self.settings))

    def missed(self) -> list[str]:
        limits = self.settings
        return [line for disconnect in self.disconnects for line in disconnect.missed(limits.max_p99_ratio)]
