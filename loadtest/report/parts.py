"""The parts that scenarios add to a summary, each as a section. Shows, judges nothing."""

from collections.abc import Callable, Mapping
from typing import Any

from loadtest.report import disconnects
from loadtest.report.blocks import LATENCY_HEAD, Block, Section, latency, mib, ms, reasons

_CHURN = "Users come, stay a while and go; the residents stay all the time and watch."
_JOINED = (
    "Connecting counts until the server has welcomed the user, joining until the user is told of its own join, a leave "
    "notice from the moment when the user was to leave until a resident reads of it."
)
_NOTICES = "Every resident should learn of every departure, once."
_SERVER = "Memory is what the process has taken for itself: anonymous pages."
_DROPPED = (
    "The slow readers all stop reading at the same moment. From there a drop counts until the first of the others is "
    "told of it."
)
_OTHERS = (
    "What the others felt: the fan-out of their own messages before that moment, and from then until the last slow "
    "reader was dropped (at least 5 s)."
)
_MEMORY = (
    "What the server's process has taken for itself. It may grow by a full outbox for each slow reader, and by what an "
    "allocator keeps."
)
_RETURN = (
    "The server is stopped and started again, and all users come back. Times count from the moment when it was told "
    "to stop."
)


def sections(summary: Mapping[str, Any]) -> list[Section]:
    """Those that this run has; the usual one has none. Of slow readers their own section says more than the matrix."""
    makers: dict[str, Callable[[Any], Section]] = {
        "disconnects": disconnects.section,
        "churn": _churn,
        "slow": _slow,
        "stampede": _stampede,
    }
    told = {"disconnects"} if "slow" in summary else set()
    return [make(summary[key]) for key, make in makers.items() if summary.get(key) and key not in told]


def _churn(churn: Mapping[str, Any]) -> Section:
    came = ("arrivals", "departures", "refused", "most_present")
    notices = churn["leave_notices"]
    blocks = [
        Block(
            ("churn", "arrivals", "departures", "refused", "most present"),
            (("users", *(f"{churn[key]:,}" for key in came)),),
            note=_CHURN,
        ),
        Block(
            ("churn, ms", *LATENCY_HEAD),
            (
                latency("connect and register", churn["connect_us"]),
                latency("join", churn["join_us"]),
                latency("leave notice", churn["leave_notice_us"]),
            ),
            note=_JOINED,
        ),
        Block(
            ("leave notices", *notices),
            (("to residents", *(f"{count:,}" for count in notices.values())),),
            note=_NOTICES,
        ),
    ]
    return Section("Churn", (*blocks, *_server(churn["server"])))


def _server(server: Mapping[str, Any] | None) -> list[Block]:
    if server is None:
        return []
    rows = tuple(
        (moment, f"{held['descriptors']:,}", f"{held['threads']:,}", mib(held["memory_bytes"]), f"{held['cpu_s']:,.2f}")
        for moment, held in server.items()
        if held
    )
    return [Block(("the server's process", "descriptors", "threads", "memory, MiB", "CPU, s"), rows, note=_SERVER)]


def _slow(slow: Mapping[str, Any]) -> Section:
    times = slow["dropped_after_us"]
    shown = (times[0], times[(len(times) - 1) // 2], times[-1]) if times else (None, None, None)
    blocks = [
        Block(
            ("slow readers, ms", "slow", "dropped", "first", "median", "last", "reasons given"),
            (
                (
                    "dropped after",
                    f"{slow['slow']:,}",
                    f"{slow['dropped']:,}",
                    *(ms(us) for us in shown),
                    reasons(slow["reasons"]),
                ),
            ),
            has_words=True,
            note=_DROPPED,
        ),
        Block(
            ("the others' fan-out, ms", *LATENCY_HEAD),
            (latency("before", slow["without_us"]), latency("with slow readers", slow["with_us"])),
            note=_OTHERS,
        ),
    ]
    if slow["memory_before_bytes"] is not None:
        sizes = (f"memory_{name}_bytes" for name in ("before", "peak", "growth", "bound"))
        memory = ("taken", *(mib(slow[size]) for size in sizes))
        blocks.append(
            Block(("server memory, MiB", "before", "peak", "growth", "growth limit"), (memory,), note=_MEMORY)
        )
    return Section("Slow readers", tuple(blocks))


def _stampede(stampede: Mapping[str, Any]) -> Section:
    moments = ("stopped_us", "away_us", "back_50_us", "back_90_us", "back_all_us")
    attempts = stampede["attempts"]
    blocks = [
        Block(
            ("after the stop, ms", "server gone", "away", "50 % back", "90 % back", "all back"),
            (
                (
                    f"{stampede['returned']:,} of {stampede['users']:,} returned",
                    *(ms(stampede[moment]) for moment in moments),
                ),
            ),
            note=_RETURN,
        ),
        Block(
            ("attempts to connect", *(name.replace("_", " ") for name in attempts)),
            (("all users", *(f"{count:,}" for count in attempts.values())),),
        ),
    ]
    return Section("Stampede", tuple(blocks))
