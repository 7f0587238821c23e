"""The generator's own limits, against a bare sink in C: is it faster than the servers?

It counts the deliveries of the bare loop in large batches, and sends to a sink that reads everything and sends nothing.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.cases import BUSY_ROOM, TEXT, WARMUP, Case
from bench.servers import BareEpoll
from bench.table import COLUMNS
from bench.turn import Turn, take_turn

MEMBERS = 1000
DEEP = 256  # messages in flight: four times what the servers get, so that the bare loop's batches are as big
IN_CASES = {  # which ceiling bounds which case's first column
    "saturated": "count",
    "busy": "send",
    "rooms": "send",
}
FIGURES = {"count": "deliveries_per_s", "send": "messages_per_s"}


def measure(
    generator: Path, bare_epoll: Path, scratch: Path, seconds: float = 2, scale: float = 1, readers: int = 0
) -> list[Turn]:
    """The two turns, `count` and `send`."""
    members = max(2, round(MEMBERS * scale))
    load = {"text": TEXT, "seconds": seconds, "warmup": WARMUP, "readers": readers}
    everyone = {**load, "rooms-each": 1, "room-size": BUSY_ROOM}
    turns = []
    for case in (
        Case("count", "", members, {**load, "window": DEEP}, mode="saturated"),
        Case("send", "", members, everyone),
    ):
        server = BareEpoll("bare sink", bare_epoll, deaf=case.name == "send")
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            turns.append(take_turn(generator, server, case, 0, Path(folder)))
    return turns


def described(turns: Sequence[Turn]) -> str:
    """One line for each."""
    words = {
        "count": f"counts {{:,.0f}} deliveries/s of the bare loop with {DEEP} messages in flight",
        "send": "sends {:,.0f} messages/s to a sink that tells nobody",
    }
    lines = []
    for turn in turns:
        if not turn.result:
            lines.append(f"  {turn.case} FAILED: {turn.error}")
            continue
        rate, cpu = turn.result[FIGURES[turn.case]], turn.result["generator_cpu_percent"]
        line = f"  {words[turn.case].format(rate)}, with {cpu:.0f} % of a core"
        lines.append(line + (f": {100 * rate / cpu:,.0f} a second of its CPU time" if cpu else ""))
    return "\n".join(lines)


def headroom(
    turns: Sequence[Turn],
    case: str,
    rows: Mapping[str, Mapping[str, float | None]],
    servers: Sequence[str],
    cores: int = 1,
) -> str | None:
    """How much faster the generator is than the fastest server of a case, in a line; None without figures.

    By its CPU time, of which it has so many cores, and by its rate against the sink.
    """
    first = COLUMNS[case][0]
    figures = {name: value for name in servers if (value := rows[name][first.title]) is not None}
    if "idle" in case or not figures or first.best is None:
        return None
    fastest = max(figures, key=figures.__getitem__) if first.best is max else min(figures, key=figures.__getitem__)
    cpu = rows[fastest]["generator CPU"]
    if not cpu:
        return None
    effort = f"{case}: {cpu:.0f} % of a core for {fastest}, the fastest"
    line = f"{effort}: all of what it has would be {100 * cores / cpu:.1f} times as much"
    ceiling = next((turn.result for turn in turns if turn.case == IN_CASES.get(case)), None)
    if ceiling:
        ratio = ceiling[FIGURES[IN_CASES[case]]] / figures[fastest]
        line += f"; against the sink it did {ratio:.1f} times"
    return line
