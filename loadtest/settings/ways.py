"""The ways in which a simulated user dies, and how long a server may take to tell the others. Knows no sockets."""

from dataclasses import dataclass
from typing import Protocol


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


def check_ways(text: str) -> str:
    """The text, when it names ways, separated by commas. Raises ValueError with what is wrong."""
    for name in text.split(","):
        if name not in WAYS:
            raise ValueError(f"there is no way {name!r} to die, choose from {', '.join(WAYS)}")
    return text
