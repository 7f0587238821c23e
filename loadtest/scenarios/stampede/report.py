"""What a stampede and a restart add to table and page: pure functions of their parts of the summary.

Both have the part "stampede", so nothing here is called by the name of either.
"""

from collections.abc import Mapping
from typing import Any

from loadtest.report.blocks import (
    LATENCY_HEAD,
    NONE,
    Block,
    Section,
    each_count,
    latency,
    mib,
    ms,
    reasons,
    register_section,
    spaced,
)

_RETURN = (
    "The server gets SIGTERM, or SIGKILL with --kill, and is started again; all users back off and come back. Times "
    "count from that signal: "
    "until the old process has ended, until the new one accepts the first connection, until so many users are in the "
    "room again."
)
_USERS = "Never cut: the old server did not end their connection. Lost again: were back, and lost it before all were."
_ATTEMPTS = "Nobody listened (refused); no connection, or no answer on it, in time (timed out); another reason."
_AGAIN = "A TCP connection counts from the attempt that succeeded; the fan-out is that of the windows before and after."
_ANEW = "From the first connection until all were back."


@register_section("stampede")
def section(stampede: Mapping[str, Any]) -> Section:
    moments = ("stopped_us", "away_us", "back_50_us", "back_90_us", "back_all_us")
    users = {"in before": "users", "returned": "returned", "still away": "still_away", "never cut": "kept"}
    users |= {"lost again": "lost_again", "most in 1 s": "most_back_in_1_s"}
    attempts, why = stampede["attempts"], stampede["reasons"]
    blocks = [
        Block(
            ("after the stop, ms", "server gone", "accepts again", "50 % back", "90 % back", "all back"),
            (("the restart", *(ms(stampede[moment]) for moment in moments)),),
            note=_RETURN,
        ),
        Block(("users", *users), (("all users", *(f"{stampede[key]:,}" for key in users.values())),), note=_USERS),
        Block(("attempts to return", *map(spaced, attempts)), (("all users", *each_count(attempts)),), note=_ATTEMPTS),
        Block(
            ("return, ms", *LATENCY_HEAD),
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
        blocks.insert(3, Block(("other attempts", "reasons"), (("all users", reasons(why)),), has_words=True))
    return Section("Return after the restart", (*blocks, _return_cost(stampede)))


def _return_cost(stampede: Mapping[str, Any]) -> Block:
    server, generator = stampede["server"], stampede["generator"]
    rows = [("generator's busiest process", NONE, f"{generator['cpu_percent']:.0f}", NONE, NONE)]
    if server:
        held = (mib(server["memory_bytes"]), f"{server['descriptors']:,}")
        rows.insert(0, ("server", f"{server['cpu_s']:,.2f}", f"{server['cpu_percent']:.0f}", *held))
    return Block(("during the return", "CPU, s", "CPU, %", "memory, MiB", "descriptors"), tuple(rows), note=_ANEW)


_HISTORY = (
    "Over all who came back, of what anybody had seen: not in the history; there, or heard, more than once; not where "
    "it was seen. Young: not there, and seen too shortly before a SIGKILL to be safe."
)
_IN_MEMORY = (
    "the server may keep it in memory only (of fanfare serve, --log sqlite:PATH is on disk); --require "
    "'history_missed>=0' allows that"
)
_NOT_OFFERED = "not offered by the server (draft/chathistory)"


@register_section("history")
def history(history: Mapping[str, Any]) -> Section:
    title = "History after the restart"
    if not history["readers"] + history["unanswered"]:
        return Section(title, (Block(("history", "why"), (("none", _NOT_OFFERED),), has_words=True),))
    counts = ("messages", "readers", "unanswered", "missed", "doubled", "reordered", "excused")
    head = ("messages", "readers", "unanswered", "missed", "doubled", "other order", "young")
    row = ("of the room", *(f"{history[name]:,}" for name in counts))
    blocks = [Block(("history", *head), (row,), note=_HISTORY)]
    if history["missed"] == history["readers"] * history["messages"] > 0:
        blocks.append(Block(("all is missing", "likely cause"), (("of the room", _IN_MEMORY),), has_words=True))
    if history["reasons"]:
        why = (("of the room", reasons(history["reasons"])),)
        blocks.append(Block(("no history", "reasons"), why, has_words=True))
    return Section(title, tuple(blocks))
