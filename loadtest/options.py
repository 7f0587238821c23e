"""The load test's own command-line options, and the settings made of them. Knows Locust's parser, not its runs."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from chat.errors import SetupError
from loadtest import stamps
from loadtest.scenarios import SCENARIOS


@dataclass(frozen=True, slots=True)
class Settings:
    """One run's settings. The times are seconds unless the name says otherwise."""

    scenario: str = "broadcast"
    rate: float | None = None  # messages a second of each sender; None is the scenario's own
    announcers: int = 1
    room: str = "#load"
    room_size: int = 10
    message_size: int = 100  # bytes of text: a chat line
    capabilities: str = ""  # none: every server then sends the plain line, and peers are compared alike
    connecting: int = 8  # fewer than the accept queue of any server (ngIRCd: 10), more than a round trip needs
    duration: float | None = None
    settle: float = 1.0  # between the last join and the window: the join notices have gone by then
    grace: float = 5.0  # for what is still under way when the senders stop
    patience: float = 60.0  # for one user's way in: 5,000 who join one room at once take a slow server that long
    late_after: float = 1.0  # a chat feels broken when an answer takes longer
    max_p50_ms: float | None = None
    max_p99_ms: float | None = None
    max_complete_p99_ms: float | None = None
    max_lost: int = 0
    max_duplicated: int = 0
    max_reordered: int = 0
    # Lateness is part of every latency, as the clock counts from the intended time: beyond this it would colour a p99.
    max_send_lateness_ms: float = 20.0
    # 1,000 receivers in one process keep its loop busy for some 10 ms at every message; several times that is a jam.
    max_loop_lag_ms: float = 100.0
    max_cpu_percent: float = 90.0  # of one core, in the busiest process: no reserve is left above
    report: str = ""

    @classmethod
    def of(cls, options: Any) -> "Settings":
        """Of Locust's parsed options. Raises SetupError with one line where they do not fit together."""
        given = {field.name: _typed(field.name, getattr(options, field.name)) for field in fields(cls)}
        return cls(**given)


def _number(kind: type[int] | type[float], low: float, high: float = float("inf")) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not low <= value <= high:
            bound = f"from {low:g} to {high:g}" if high < float("inf") else f"{low:g} or more"
            raise argparse.ArgumentTypeError(f"must be {bound}, got {text}")
        return value

    return parse


def _room(text: str) -> str:
    if not text.startswith("#") or not 2 <= len(text) <= 40 or any(c in text for c in " ,\a\r\n"):
        raise argparse.ArgumentTypeError(f"must be # and up to 39 characters, without blank or comma, got {text!r}")
    return text


def _scenario(text: str) -> str:
    if text not in SCENARIOS:
        raise argparse.ArgumentTypeError(f"there is no scenario {text!r}, choose from {', '.join(SCENARIOS)}")
    return text


_KINDS: dict[str, Callable[[str], Any]] = {
    "scenario": _scenario,
    "rate": _number(float, 0.001, 1_000_000),
    "announcers": _number(int, 1),
    "room": _room,
    "room_size": _number(int, 2),
    "message_size": _number(int, stamps.MIN_SIZE, stamps.MAX_SIZE),
    "capabilities": str,
    "connecting": _number(int, 1),
    "duration": _number(float, 0.5),
    "settle": _number(float, 0.05),
    "grace": _number(float, 0.1),
    "patience": _number(float, 1),
    "late_after": _number(float, 0),
    "max_p50_ms": _number(float, 0),
    "max_p99_ms": _number(float, 0),
    "max_complete_p99_ms": _number(float, 0),
    "max_lost": _number(int, 0),
    "max_duplicated": _number(int, 0),
    "max_reordered": _number(int, 0),
    "max_send_lateness_ms": _number(float, 0),
    "max_loop_lag_ms": _number(float, 0),
    "max_cpu_percent": _number(float, 0),
    "report": str,
}

_HELP = {
    "scenario": "What happens: " + "; ".join(f"{name}: {kind.summary}" for name, kind in SCENARIOS.items()),
    "rate": "Messages a second of each sender. Default: "
    + ", ".join(f"{kind.default_rate:g} in {name}" for name, kind in SCENARIOS.items()),
    "announcers": "broadcast: how many of the users send",
    "room": "The room; where a scenario has several, they are numbered: ROOM-1, ROOM-2, ...",
    "room_size": "room: members of one room",
    "message_size": "Bytes of text in a message",
    "capabilities": "IRCv3 capabilities to ask for where the server offers them, separated by commas",
    "connecting": "Users who connect and register at the same time, over all processes",
    "duration": "Seconds of the measured window, after everyone is in. The run ends by itself after it. Default: what "
    "--run-time leaves after joining, less --settle, --grace and 1 s; without --run-time, 30. "
    "With Locust's page, windows follow one another until the test is stopped",
    "settle": "Seconds between the last join and the window",
    "grace": "Seconds to wait for deliveries after the last message, if any are missing",
    "patience": "Seconds that connecting and joining may take a user",
    "late_after": "Seconds after its intended time from which a delivery counts as late (it still counts as delivered)",
    "max_p50_ms": "Fail when the fan-out latency's p50 is above",
    "max_p99_ms": "Fail when the fan-out latency's p99 is above",
    "max_complete_p99_ms": "Fail when the p99 of the time to a message's last receiver is above",
    "max_lost": "Fail when more deliveries are lost",
    "max_duplicated": "Fail when more deliveries come twice",
    "max_reordered": "Fail when more deliveries come after a later message of the same sender",
    "max_send_lateness_ms": "The run is invalid when the p99 of the generator's send lateness is above",
    "max_loop_lag_ms": "The run is invalid when the p99 of the generator's loop lag is above",
    "max_cpu_percent": "The run is invalid when a generator process takes more of one core in the window",
    "report": "Directory to write summary.json and report.html to",
}


def add_options(parser: Any) -> None:
    """Add them to Locust's parser."""
    group = parser.add_argument_group("Fanfare load test")
    for field in fields(Settings):
        default = "" if field.default in (None, "") else f". Default: {field.default}"
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=_KINDS[field.name],
            default=field.default,
            help=(_HELP[field.name] + default).replace("%", "%%"),
            metavar=field.name.upper(),
        )


def _typed(name: str, value: Any) -> Any:
    """Locust's page gives text where an option had no value. Raises SetupError."""
    if not isinstance(value, str):
        return value
    if value == "" and name not in ("capabilities", "report"):
        return None
    try:
        return _KINDS[name](value)
    except argparse.ArgumentTypeError as error:
        raise SetupError(f"--{name.replace('_', '-')}: {error}") from None
