"""The settings of a run, and what an option is: its kind, its default and what --help says of it.

`Settings` are those of every run. A scenario with options of its own has a subclass of it, in its own file.
"""

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from chat.errors import SetupError
from loadtest.core import stamps
from loadtest.core.requirements import DEFAULT
from loadtest.core.schedules import SCHEDULES
from loadtest.wires.wire import Login

SECRETS = ("server_password", "sasl_password")  # in no report


def option(default: Any, kind: Callable[[str], Any], words: str, on_page: bool = False) -> Any:
    """A field of a settings class.

    `kind` makes the value of what was typed, or raises argparse's ArgumentTypeError; `words` are for --help, which puts
    before them the scenarios that have this option, where not all do.

    Anybody who reaches the port of Locust's page sets what is `on_page`. So none of these reads or writes files, looks
    at other processes or says what program is started; nor are the generator's own budgets there, without which no
    verdict can be trusted. No such name has a digit, as the page's script would not send it back the way it was.
    """
    return field(default=default, metadata={"kind": kind, "help": words, "on_page": on_page})


def number(kind: type[int] | type[float], low: float, high: float = float("inf")) -> Callable[[str], float]:
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


def room(text: str) -> str:
    if not text.startswith("#") or not 2 <= len(text) <= 40 or any(c in text for c in " ,\a\r\n"):
        raise argparse.ArgumentTypeError(f"must be # and up to 39 characters, without blank or comma, got {text!r}")
    return text


def checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """Text that `check` gives back, or refuses with a ValueError that says why."""

    def parse(text: str) -> str:
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def one_of(what: str, names: Iterable[str]) -> Callable[[str], str]:
    """One of these names."""

    def parse(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"there is no {what} {text!r}, choose from {', '.join(names)}")
        return text

    return parse


def some_of(what: str, names: Iterable[str]) -> Callable[[str], str]:
    """Some of these names, separated by commas."""
    one = one_of(what, names)
    return lambda text: ",".join(map(one, text.split(",")))


def secret(text: str) -> str:
    """The text, or what the file after an `@` holds. Raises SetupError."""
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise SetupError(f"{text[1:]}: {getattr(error, 'strerror', None) or error}") from None


def check_share(text: str) -> str:
    """The text, when it is one. Raises ValueError with what is wrong."""
    _share(text)
    return text


def share_of(text: str, users: int) -> int:
    """How many that is of so many users; of a share at least one."""
    value, is_share = _share(text)
    return min(users, max(1, round(users * value / 100)) if is_share else int(value))


def _share(text: str) -> tuple[float, bool]:
    number, sign, rest = text.strip().partition("%")
    try:
        value = float(number) if sign else float(int(number))
    except ValueError:
        raise ValueError(f"must be a number of users, or a share of them like 10%, got {text!r}") from None
    if rest or not value > 0 or (sign and value > 100):
        raise ValueError(f"must be more than 0 and, as a share, at most 100%, got {text!r}")
    return value, bool(sign)


@dataclass(frozen=True)
class Settings:
    """One run's settings. The times are seconds unless the name says otherwise."""

    scenario: str = option("broadcast", str, "What happens", on_page=True)
    rate: float | None = option(None, number(float, 0.001, 1_000_000), "Messages a second of each sender", on_page=True)
    announcers: int = option(1, number(int, 1), "How many of the users send; in room all do", on_page=True)
    room: str = option(
        "#load", room, "The room; where a scenario has several, they are numbered: ROOM-1, ROOM-2, ...", on_page=True
    )
    schedule: str = option(
        "even",
        one_of("schedule", SCHEDULES),
        "When senders speak: " + "; ".join(f"{name}: {words}" for name, words in SCHEDULES.items()),
        on_page=True,
    )
    # What one person pastes, or a room shouts when a goal is scored.
    burst: int = option(
        10, number(int, 1, 10_000), "Messages of each sender in one burst of --schedule bursts", on_page=True
    )
    replay: str = option(
        "", str, "A recorded log to speak by, in place of a schedule: a line a message, its seconds and its bytes"
    )
    seed: str = option("0", str, "Of all that is drawn at random: the same seed gives the same schedule")
    message_size: int = option(
        100, number(int, stamps.MIN_SIZE, stamps.MAX_SIZE), "Bytes of text in a message", on_page=True
    )
    # None of them: every server then sends the plain line, and peers are compared alike.
    capabilities: str = option(
        "", str, "IRCv3 capabilities to ask for where the server offers them, separated by commas"
    )
    server_password: str = option("", str, "IRC: the password of the server; @FILE reads it from there")
    sasl_account: str = option("", str, "IRC: the account that all users log in to. Default: each one's own nickname")
    sasl_password: str = option("", str, "IRC: its password, for SASL PLAIN; @FILE reads it from there")
    tls_ca: str = option(
        "", str, "ircs, wss: a file with the authorities that vouch for the server. Default: the system's"
    )
    # Fewer than the accept queue of any server (ngIRCd: 10), more than a round trip needs.
    connecting: int = option(
        8, number(int, 1), "Users who connect and register at the same time, over all processes", on_page=True
    )
    # One address has some 28,000 ports towards one server; a loopback server can be reached from any of 127.0.0.0/8.
    source_addresses: str = option(
        "",
        str,
        "Local addresses to connect from, in turn: a list or a range, like 127.0.0.2-127.0.0.9. Default: the kernel's "
        "choice; more where a loopback server's users would run out of ports",
    )
    duration: float | None = option(
        None,
        number(float, 0.5),
        "Seconds of the measured window, after everyone is in. The run ends by itself after it. Default: what "
        "--run-time leaves after joining, less --settle, --grace and 1 s; without --run-time, 30. "
        "With Locust's page, windows follow one another until the test is stopped",
        on_page=True,
    )
    # Between the last join and the window: the join notices have gone by then.
    settle: float = option(1.0, number(float, 0.05), "Seconds between the last join and the window", on_page=True)
    # For what is still under way when the senders stop.
    grace: float = option(
        5.0,
        number(float, 0.1),
        "Seconds to wait for deliveries after the last message, if any are missing",
        on_page=True,
    )
    # A server that repeats does so by a retry, within a second mostly.
    linger: float = option(
        0.5,
        number(float, 0),
        "Seconds to go on listening after the last delivery that is due, for what comes again",
        on_page=True,
    )
    # For one user's way in: 5,000 who join one room at once take a slow server that long.
    patience: float = option(60.0, number(float, 1), "Seconds that connecting and joining may take a user")
    # A chat feels broken when an answer takes longer.
    late_after: float = option(
        1.0,
        number(float, 0),
        "Seconds after its intended time from which a delivery counts as late (it still counts as delivered)",
        on_page=True,
    )
    require: str = option(
        "",
        str,
        "What the run must keep, or it fails: measures and limits separated by commas, like p99<50ms,lost=0. May be "
        "given more than once. "
        f"Of capacity it is what is searched for. Where nothing else is said of it: {DEFAULT}",
        on_page=True,
    )
    server_pid: int = option(
        0,
        number(int, 0),
        "The server's process: its CPU and memory are then sampled all the time, by churn its descriptors and threads "
        "as well; it must be visible from where the run is led",
    )
    # The first messages at a new load meet cold caches and the last join notices.
    warm_up: float | None = option(
        None,
        number(float, 0),
        "Seconds of the same load before the measured window, or before each step of capacity, which are not counted. "
        "Default: 2 in capacity, else none",
        on_page=True,
    )
    # A tenth of what is required; and it is part of every latency, so that 20 ms would colour a p99.
    max_send_lateness_ms: float | None = option(
        None,
        number(float, 0),
        "The run is invalid when the p99 of the generator's send lateness is above. Default: a tenth of the tightest "
        "latency that is required, 20 at most",
    )
    # 1,000 receivers in one process keep its loop busy for some 10 ms at every message; several times that is a jam.
    max_loop_lag_ms: float = option(
        100.0, number(float, 0), "The run is invalid when the p99 of the generator's loop lag is above"
    )
    # On two cores shared with the server, 1,000 members had a p99 of 36 ms, 5,000 had 49: twice that is a jam.
    max_receive_backlog_ms: float = option(
        100.0,
        number(float, 0),
        "The run is invalid when the p99 of the time that what has arrived waits for the generator to read it is above",
    )
    # Between two hosts of one network it is half of the shortest round trip, 0.1 to 0.5 ms.
    max_clock_error_ms: float = option(
        2.0,
        number(float, 0),
        "The run is invalid when the clocks of its hosts cannot be compared to so many milliseconds",
    )
    # Of one core, in the busiest process: no reserve is left above.
    max_cpu_percent: float = option(
        90.0, number(float, 0), "The run is invalid when a generator process takes more of one core in the window"
    )
    # Some three lines for the usual 30 s: enough to see in a build's log that it goes on, and how.
    progress: float = option(
        10.0,
        number(float, 0),
        "Seconds between lines of progress of a headless run, on stderr; 0 for none. On a terminal it is one line, "
        "rewritten every second",
    )
    report: str = option(
        "", str, "Directory in which each run has a folder: result.json, report.html, summary.json and percentiles"
    )

    def login(self) -> Login:
        """Raises SetupError where a password's file cannot be read."""
        return Login(secret(self.server_password), self.sasl_account, secret(self.sasl_password))

    @classmethod
    def of(cls, options: Any) -> Self:
        """Of Locust's parsed options. Raises SetupError with one line where they do not fit together."""
        return cls(**{each.name: typed(each, getattr(options, each.name)) for each in fields(cls)})


@dataclass(frozen=True)
class AroundSettings(Settings):
    """Of scenarios in which something happens to the users or the server, with ordinary traffic around it."""

    before: float = option(5.0, number(float, 1), "seconds of ordinary traffic before it happens", on_page=True)
    after: float = option(5.0, number(float, 0), "seconds to go on after it is over", on_page=True)


@dataclass(frozen=True)
class GrowthSettings(Settings):
    """Of scenarios after which the server should be as it was."""

    # An allocator keeps some of what a crowd has needed.
    max_memory_growth_mib: float = option(
        16.0,
        number(float, 0),
        "fail when the server's memory has grown by more, beside what it keeps for slow readers",
    )


def spelled(each: Any) -> str:
    """The option of a settings field."""
    return f"--{each.name.replace('_', '-')}"


def typed(each: Any, value: Any) -> Any:
    """Locust's page gives text where an option had no value. Raises SetupError."""
    if not isinstance(value, str):
        return value
    if value == "" and each.default is None:
        return None
    try:
        return each.metadata["kind"](value)
    except argparse.ArgumentTypeError as error:
        raise SetupError(f"{spelled(each)}: {error}") from None
