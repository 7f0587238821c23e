"""The parts that scenarios add to a summary, each as a section. Shows, judges nothing."""

from collections.abc import Callable, Mapping
from typing import Any

from loadtest.report import capacity, disconnects
from loadtest.report.blocks import LATENCY_HEAD, NONE, Block, Section, latency, mib, ms, reasons

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
    "The server gets SIGTERM and is started again; all users back off and come back. Times count from the SIGTERM: "
    "until the old process has ended, until the new one accepts the first connection, until so many users are in the "
    "room again."
)
_USERS = "Never cut: the old server did not end their connection. Lost again: were back, and lost it before all were."
_ATTEMPTS = "Nobody listened (refused); no connection, or no answer on it, in time (timed out); another reason."
_AGAIN = "A TCP connection counts from the attempt that succeeded; the fan-out is that of the windows before and after."
_KNOWN = (
    "A server with known faults counts what it does in each phase; the instrument should find just that. A time may be "
    "found later by as much as the histogram and this run's own noise explain."
)
_ANEW = "From the first connection until all were back."


def sections(summary: Mapping[str, Any]) -> list[Section]:
    """Those that this run has; the usual one has none. Of slow readers their own section says more than the matrix."""
    makers: dict[str, Callable[[Any], Section]] = {
        "disconnects": disconnects.section,
        "churn": _churn,
        "slow": _slow,
        "stampede": _stampede,
        "capacity": capacity.section,
        "selfcheck": _selfcheck,
    }
    told = {"disconnects"} if "slow" in summary else set()
    return [make(summary[key]) for key, make in makers.items() if summary.get(key) and key not in told]


def _churn(churn: Mapping[str, Any]) -> Section:
    counts = ("residents", "guests", "arrivals", "departures", "refused", "cut_off", "most_present")
    notices = churn["leave_notices"]
    texts = churn["quit_texts"]
    told = "to residents" if texts == "shown" else f"not timed: texts {texts}"
    blocks = [
        Block(("churn", *map(_spaced, counts)), (("users", *(f"{churn[key]:,}" for key in counts)),), note=_CHURN),
        Block(
            ("churn, ms", *LATENCY_HEAD),
            (
                latency("until welcomed", churn["connect_us"]),
                latency("until in the room", churn["join_us"]),
                latency("leave notice", churn["leave_notice_us"]),
            ),
            note=_WAITED,
        ),
        Block(("leave notices", *notices), ((told, *_counts(notices)),), note=_NOTICES),
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
    users = {"in before": "users", "returned": "returned", "still away": "still_away", "never cut": "kept"}
    users |= {"lost again": "lost_again", "most in 1 s": "most_back_in_1_s"}
    attempts, why = stampede["attempts"], stampede["reasons"]
    blocks = [
        Block(
            ("after SIGTERM, ms", "server gone", "accepts again", "50 % back", "90 % back", "all back"),
            (("stampede", *(ms(stampede[moment]) for moment in moments)),),
            note=_RETURN,
        ),
        Block(("users", *users), (("stampede", *(f"{stampede[key]:,}" for key in users.values())),), note=_USERS),
        Block(("attempts to return", *map(_spaced, attempts)), (("stampede", *_counts(attempts)),), note=_ATTEMPTS),
        Block(
            ("stampede, ms", *LATENCY_HEAD),
            (
                latency("back in the room", stampede["back_us"]),
                latency("TCP connection", stampede["connect_us"]),
                latency("fan-out before", stampede["fanout_us"]["before"]),
                latency("fan-out after", stampede["fanout_us"]["after"]),
            ),
            note=_AGAIN,
        ),
    ]
    if why:
        blocks.insert(3, Block(("other attempts", "reasons"), (("stampede", reasons(why)),), has_words=True))
    return Section("Stampede", (*blocks, _return_cost(stampede)))


def _return_cost(stampede: Mapping[str, Any]) -> Block:
    server, generator = stampede["server"], stampede["generator"]
    rows = [("generator's busiest process", NONE, f"{generator['cpu_percent']:.0f}", NONE, NONE)]
    if server:
        held = (mib(server["memory_bytes"]), f"{server['descriptors']:,}")
        rows.insert(0, ("server", f"{server['cpu_s']:,.2f}", f"{server['cpu_percent']:.0f}", *held))
    return Block(("during the return", "CPU, s", "CPU, %", "memory, MiB", "descriptors"), tuple(rows), note=_ANEW)


def _selfcheck(selfcheck: Mapping[str, Any]) -> Section:
    phases: dict[str, dict[str, str]] = {}
    for check in selfcheck["checks"]:
        is_time = check["what"].endswith("_us")
        found, made = (ms(check[key]) if is_time else f"{check[key]:,}" for key in ("found", "made"))
        phases.setdefault(check["phase"], {})[check["what"]] = f"{found} of {made}"
    whats = list(next(iter(phases.values()), {}))
    rows = tuple((phase, *(cells.get(what, NONE) for what in whats)) for phase, cells in phases.items())
    head = ("fault: found of made", *(what.replace("_us", ", ms") for what in whats))
    return Section("Self-check", (Block(head, rows, note=_KNOWN),))


def _counts(counts: Mapping[str, int]) -> list[str]:
    return [f"{count:,}" for count in counts.values()]


def _spaced(name: str) -> str:
    return name.replace("_", " ")
