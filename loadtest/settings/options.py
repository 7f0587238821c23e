"""The load test's own command-line options, and the settings made of them. Knows Locust's parser, not its runs."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from chat.errors import SetupError
from loadtest.accounting import stamps
from loadtest.accounting.schedules import SCHEDULES, check_schedule
from loadtest.judge.requirements import DEFAULT
from loadtest.network.handshake import Login
from loadtest.page.on_page import ON_PAGE
from loadtest.scenarios import SCENARIOS
from loadtest.scenarios.capacity import FIRST_RATE, FIRST_USERS, MOST_RATE, SEARCHES, check_search
from loadtest.settings.kinds import checked, number, room, secret
from loadtest.settings.share import check_share
from loadtest.settings.ways import WAYS, check_ways


def _option(default: Any, kind: Callable[[str], Any], words: str) -> Any:
    """`kind` makes the value of what was typed, or raises argparse's ArgumentTypeError; `words` are for --help."""
    return field(default=default, metadata={"kind": kind, "help": words})


def _check_scenario(text: str) -> str:
    if text not in SCENARIOS:
        raise ValueError(f"there is no scenario {text!r}, choose from {', '.join(SCENARIOS)}")
    return text


@dataclass(frozen=True, slots=True)
class Settings:
    """One run's settings. The times are seconds unless the name says otherwise."""

    scenario: str = _option(
        "broadcast",
        checked(_check_scenario),
        "What happens: " + "; ".join(f"{name}: {kind.summary}" for name, kind in SCENARIOS.items()),
    )
    rate: float | None = _option(
        None,
        number(float, 0.001, 1_000_000),
        "Messages a second of each sender. Default: "
        + ", ".join(f"{kind.default_rate:g} in {name}" for name, kind in SCENARIOS.items()),
    )
    announcers: int = _option(1, number(int, 1), "broadcast: how many of the users send")
    room: str = _option("#load", room, "The room; where a scenario has several, they are numbered: ROOM-1, ROOM-2, ...")
    room_size: int = _option(10, number(int, 2), "room: members of one room")
    schedule: str = _option(
        "even",
        checked(check_schedule),
        "When senders speak: " + "; ".join(f"{name}: {words}" for name, words in SCHEDULES.items()),
    )
    replay: str = _option(
        "", str, "A recorded log to speak by, in place of a schedule: a line a message, its seconds and its bytes"
    )
    seed: str = _option("0", str, "Of all that is drawn at random: the same seed gives the same schedule")
    message_size: int = _option(100, number(int, stamps.MIN_SIZE, stamps.MAX_SIZE), "Bytes of text in a message")
    # None of them: every server then sends the plain line, and peers are compared alike.
    capabilities: str = _option(
        "", str, "IRCv3 capabilities to ask for where the server offers them, separated by commas"
    )
    server_password: str = _option("", str, "IRC: the password of the server; @FILE reads it from there")
    sasl_account: str = _option("", str, "IRC: the account that all users log in to. Default: each one's own nickname")
    sasl_password: str = _option("", str, "IRC: its password, for SASL PLAIN; @FILE reads it from there")
    tls_ca: str = _option("", str, "ircs: a file with the authorities that vouch for the server. Default: the system's")
    # Fewer than the accept queue of any server (ngIRCd: 10), more than a round trip needs.
    connecting: int = _option(8, number(int, 1), "Users who connect and register at the same time, over all processes")
    # One address has some 28,000 ports towards one server; a loopback server can be reached from any of 127.0.0.0/8.
    source_addresses: str = _option(
        "",
        str,
        "Local addresses to connect from, in turn: a list or a range, like 127.0.0.2-127.0.0.9. Default: the kernel's "
        "choice; more where a loopback server's users would run out of ports",
    )
    duration: float | None = _option(
        None,
        number(float, 0.5),
        "Seconds of the measured window, after everyone is in. The run ends by itself after it. Default: what "
        "--run-time leaves after joining, less --settle, --grace and 1 s; without --run-time, 30. "
        "With Locust's page, windows follow one another until the test is stopped",
    )
    # Between the last join and the window: the join notices have gone by then.
    settle: float = _option(1.0, number(float, 0.05), "Seconds between the last join and the window")
    # For what is still under way when the senders stop.
    grace: float = _option(
        5.0, number(float, 0.1), "Seconds to wait for deliveries after the last message, if any are missing"
    )
    # A server that repeats does so by a retry, within a second mostly.
    linger: float = _option(
        0.5, number(float, 0), "Seconds to go on listening after the last delivery that is due, for what comes again"
    )
    # For one user's way in: 5,000 who join one room at once take a slow server that long.
    patience: float = _option(60.0, number(float, 1), "Seconds that connecting and joining may take a user")
    # A chat feels broken when an answer takes longer.
    late_after: float = _option(
        1.0,
        number(float, 0),
        "Seconds after its intended time from which a delivery counts as late (it still counts as delivered)",
    )

    require: str = _option(
        "",
        str,
        "What the run must keep, or it fails: measures and limits separated by commas, like p99<50ms,lost=0. May be "
        "given more than once. "
        f"Of capacity it is what is searched for. Where nothing else is said of it: {DEFAULT}",
    )

    # What the scenarios of disconnects do, and what they know of the server's settings (its defaults are Fanfare's).
    # Those that a server hears of at once; the others take its time-outs.
    ways: str = _option(
        "quit,fin,rst,kill",
        checked(check_ways),
        "crash: how they die, one way after the other: " + ", ".join(f"{w.name} ({w.summary})" for w in WAYS.values()),
    )
    victims: str = _option(
        "10%", checked(check_share), "crash, slow: how many of the users die, or stop reading, as a number or a share"
    )
    before: float = _option(
        5.0, number(float, 1), "crash, slow, stampede: seconds of ordinary traffic before it happens"
    )
    after: float = _option(5.0, number(float, 0), "crash, slow, stampede: seconds to go on after it is over")
    # A chat shows who is there: for longer than this it would be lying.
    inform_within: float = _option(
        5.0, number(float, 0.1), "crash: seconds in which the others must know of a death that the server hears of"
    )
    server_ping_interval: float = _option(
        90.0,
        number(float, 0.1),
        "crash: seconds of silence after which the server asks for a sign of life, as it is set",
    )
    server_ping_timeout: float = _option(60.0, number(float, 0.1), "crash: seconds that it then waits")
    server_user_timeout: float = _option(
        30.0, number(float, 0.1), "crash: its TCP_USER_TIMEOUT in seconds: how long sent bytes may stay unacknowledged"
    )
    max_p99_ratio: float | None = _option(
        None, number(float, 1), "crash, slow: fail when it raises the others' fan-out p99 to more than this many times"
    )
    # Fanfare drops a stalled reader 15 s after the kernel's buffers are full.
    stalled: float = _option(40.0, number(float, 1), "slow: seconds that the slow ones do not read for")
    # A little more than the least that Linux allows.
    receive_bytes: int = _option(
        4096, number(int, 1), "slow: SO_RCVBUF of those who will stop reading: the rest waits at the server"
    )
    server_outbox_limit: int = _option(
        1_048_576, number(int, 1), "slow: bytes that the server keeps for a reader before it drops it, as it is set"
    )
    residents: str = _option(
        "20%", checked(check_share), "churn: how many of the users stay all the time and watch, as a number or a share"
    )
    arrivals: float | None = _option(
        None,
        number(float, 0.001, 100_000),
        "churn: users who come in a second. Default: so many that half of those who are no residents are in",
    )
    stay: float = _option(5.0, number(float, 0.01), "churn: seconds that one of them stays on average")
    # An allocator keeps some of what a crowd has needed.
    max_memory_growth_mib: float = _option(
        16.0,
        number(float, 0),
        "churn, slow: fail when the server's memory has grown by more, beside what it keeps for slow readers",
    )
    # A runtime with a pool of its own, like Go's, keeps the threads that it once needed: Ergo had 2 more.
    max_more_threads: int = _option(
        0, number(int, 0), "churn: fail when the server has more threads than before, beyond so many"
    )
    server_pid: int = _option(
        0,
        number(int, 0),
        "The server's process: its CPU and memory are then sampled all the time, by churn its descriptors and threads "
        "as well; it must be visible from where the run is led",
    )
    server_command: str = _option(
        "",
        str,
        "stampede: how to start the server; the load test does so, stops it by SIGTERM, and starts it anew. Not from "
        "Locust's page, which anybody may reach",
    )
    # A drain of that length is long; what has not ended then hangs.
    stop_within: float = _option(
        30.0, number(float, 0.1), "stampede: seconds between SIGTERM and SIGKILL, which is a fail"
    )
    # Some servers tell why they ended.
    server_exit_status: int = _option(
        0, number(int, 0, 255), "stampede: what the server ends with at SIGTERM when all is well; InspIRCd: 10"
    )
    # Without any wait, the attempts would keep the generator busy and not the server.
    backoff: float = _option(
        0.5,
        number(float, 0.01),
        "stampede: the first attempt to return is made after a random time of up to so many seconds, each further one "
        "of up to twice the time before",
    )
    backoff_most: float = _option(10.0, number(float, 0.01), "stampede: seconds that such a time never exceeds")
    # A SYN that was dropped is sent again after 1 and 3 s.
    attempt_timeout: float = _option(
        5.0, number(float, 0.1), "stampede: seconds after which an attempt to connect counts as timed out"
    )
    return_within: float = _option(
        60.0, number(float, 0.1), "stampede: fail when not all are back so many seconds after the server was stopped"
    )
    max_timed_out: int = _option(
        0, number(int, 0), "stampede: fail when more attempts to return time out, in connecting, registering or joining"
    )

    # What `capacity` searches for and how.
    search: str = _option(
        "users",
        checked(check_search),
        "capacity: what is raised: " + "; ".join(f"{name}: {words}" for name, words in SEARCHES.items()),
    )
    start: float | None = _option(
        None,
        number(float, 0.001),
        f"capacity: the load to begin with: one that the server bears. Default: {FIRST_USERS} users, or "
        f"{FIRST_RATE} messages a second",
    )
    most: float | None = _option(
        None,
        number(float, 0.001),
        f"capacity: the highest load to try. Default: --users, or {MOST_RATE:,} messages a second",
    )
    # A p99 over 100 messages at 10 a second; less would be decided by a single one.
    step: float = _option(10.0, number(float, 0.5), "capacity: seconds of the measured window of each step")
    # The first messages at a new load meet cold caches and the last join notices.
    warm_up: float | None = _option(
        None,
        number(float, 0),
        "Seconds of the same load before the measured window, or before each step of capacity, which are not counted. "
        "Default: 2 in capacity, else none",
    )
    # Closer than two runs on the same machine are to one another.
    precision: float = _option(
        5.0, number(float, 0.1, 50), "capacity: percent by which the two sides of the knee may be apart at the end"
    )
    # The fewest of which one that went wrong by chance is outvoted.
    repeats: int = _option(
        3, number(int, 1, 99), "capacity: how often each side of the knee is played again; the majority decides"
    )
    # From 10 to 1,000 users within 5 % takes 19 when no step contradicts another.
    max_steps: int = _option(40, number(int, 1, 1000), "capacity: end the search after so many steps, as it stands")

    # A tenth of what is required; and it is part of every latency, so that 20 ms would colour a p99.
    max_send_lateness_ms: float | None = _option(
        None,
        number(float, 0),
        "The run is invalid when the p99 of the generator's send lateness is above. Default: a tenth of the tightest "
        "latency that is required, 20 at most",
    )
    # 1,000 receivers in one process keep its loop busy for some 10 ms at every message; several times that is a jam.
    max_loop_lag_ms: float = _option(
        100.0, number(float, 0), "The run is invalid when the p99 of the generator's loop lag is above"
    )
    # On two cores shared with the server, 1,000 members had a p99 of 36 ms, 5,000 had 49: twice that is a jam.
    max_receive_backlog_ms: float = _option(
        100.0,
        number(float, 0),
        "The run is invalid when the p99 of the time that what has arrived waits for the generator to read it is above",
    )
    # Between two hosts of one network it is half of the shortest round trip, 0.1 to 0.5 ms.
    max_clock_error_ms: float = _option(
        2.0,
        number(float, 0),
        "The run is invalid when the clocks of its hosts cannot be compared to so many milliseconds",
    )
    # Of one core, in the busiest process: no reserve is left above.
    max_cpu_percent: float = _option(
        90.0, number(float, 0), "The run is invalid when a generator process takes more of one core in the window"
    )

    # Some three lines for the usual 30 s: enough to see in a build's log that it goes on, and how.
    progress: float = _option(
        10.0,
        number(float, 0),
        "Seconds between lines of progress of a headless run, on stderr; 0 for none. On a terminal it is one line, "
        "rewritten every second",
    )
    report: str = _option("", str, "Directory to write summary.json and report.html to")

    def login(self) -> Login:
        """Raises SetupError where a password's file cannot be read."""
        return Login(secret(self.server_password), self.sasl_account, secret(self.sasl_password))

    @classmethod
    def of(cls, options: Any) -> "Settings":
        """Of Locust's parsed options. Raises SetupError with one line where they do not fit together."""
        return cls(**{each.name: _typed(each, getattr(options, each.name)) for each in fields(cls)})


SECRETS = ("server_password", "sasl_password")  # in no report

# What options were called that are requirements now.
_RENAMED = {
    "--objective": "--require 'p99<50ms,lost=0'",
    "--max-p50-ms": "--require 'p50<50ms'",
    "--max-p99-ms": "--require 'p99<50ms'",
    "--max-complete-p99-ms": "--require 'complete_p99<50ms'",
    "--max-lost": "--require 'lost<=5'",
    "--max-duplicated": "--require 'duplicated<=5'",
    "--max-reordered": "--require 'reordered<=5'",
    "--max-ghosts": "--require 'ghosts<=5'",
    "--max-join-p99-ms": "--require 'join_p99<50ms'",
    "--max-leave-p99-ms": "--require 'leave_p99<50ms'",
}


class _Renamed(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        parser.error(f"{option_string} is now {_RENAMED[option_string or '']}")


class _Joined(argparse.Action):
    """May be given more than once."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        before = getattr(namespace, self.dest, "")
        setattr(namespace, self.dest, ",".join(filter(None, (before, values))))


def add_options(parser: Any) -> None:
    """Add them to Locust's parser."""
    group = parser.add_argument_group("Fanfare load test")
    for name in _RENAMED:
        renamed = group.add_argument(name, action=_Renamed, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        renamed.include_in_web_ui = False
    for each in fields(Settings):
        default = "" if each.default in (None, "") else f". Default: {each.default}"
        action = group.add_argument(
            _spelled(each),
            type=each.metadata["kind"],
            default=each.default,
            action=_Joined if each.name == "require" else "store",
            choices=tuple(SCENARIOS) if each.name == "scenario" else None,  # the page then has a list to choose from
            help=(each.metadata["help"] + default).replace("%", "%%"),
            metavar=each.name.upper(),
        )
        action.include_in_web_ui = each.name in ON_PAGE  # Locust's flag, which a group's own method does not know


def _typed(each: Any, value: Any) -> Any:
    """Locust's page gives text where an option had no value. Raises SetupError."""
    if not isinstance(value, str):
        return value
    if value == "" and each.default is None:
        return None
    try:
        return each.metadata["kind"](value)
    except argparse.ArgumentTypeError as error:
        raise SetupError(f"{_spelled(each)}: {error}") from None


def _spelled(each: Any) -> str:
    return f"--{each.name.replace('_', '-')}"
