"""Measure one server once: start it, load it with the generator, and hand back what the generator counted.

A case is what to ask of a server; a turn is one case at one server. Compares and prints nothing.
"""

import json
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.process import StartError, cpu_of, cpu_of_machine, free_port, last_words, memory, running, serving
from bench.servers import Server

JOIN_DEADLINE = 60.0  # s until all are in the room, where nothing can be measured before; the slowest takes about 10
MESSAGE_DEADLINE = 10.0  # s until every member must have a message, or it counts as lost
MARGIN = 15.0  # s beyond all its deadlines until a silent generator is given up
SETTLE = 1.0  # s for a server to become idle before its memory is read
TEXT = 100  # bytes of a message's text; a long line of chat
WINDOW = 64  # messages in flight when saturated; enough that no server waits for the sender
RATE = 20  # messages/s when steady; a lively room
WARMUP = 0.5  # s of load that is not counted


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    members: int
    options: dict[str, float]  # for the generator
    join_deadline: float = JOIN_DEADLINE


@dataclass(frozen=True)
class Turn:
    """`result` is the generator's report; `error` is one line. Exactly one of them is there."""

    server: str
    case: str
    round: int
    result: dict[str, Any] | None
    error: str | None = None


def case(name: str, members: int, idle_members: int, seconds: float, idle_seconds: float) -> Case:
    if name == "idle":
        title = f"idle: {idle_members:,} members in one room, all of them coming at once; {idle_seconds:g} s for that"
        return Case(name, title, idle_members, {}, idle_seconds)
    load = {"text": TEXT, "seconds": seconds, "warmup": WARMUP}
    if name == "saturated":
        title = f"saturated: {members:,} members, {TEXT}-byte messages, {WINDOW} in flight"
        return Case(name, title, members, {**load, "window": WINDOW})
    title = f"steady: {members:,} members, {TEXT}-byte messages, {RATE} a second on a fixed timetable"
    return Case(name, title, members, {**load, "rate": RATE})


def take_turn(generator: Path, server: Server, case: Case, round_: int, folder: Path) -> Turn:
    """One case at a freshly started server, in `folder`, which is empty and its own."""
    port = free_port()
    log = folder / "log"
    log.touch()
    try:
        with serving(server.command(port, folder), port, log) as process:
            result, error = run_generator(generator, port, case, server.pending, process.pid)
            if error and process.poll() is not None:
                error += f" (the server had ended with status {process.returncode}{last_words(log)})"
    except StartError as failure:
        return Turn(server.name, case.name, round_, None, str(failure))
    return Turn(server.name, case.name, round_, result, error)


def run_generator(
    generator: Path, port: int, case: Case, pending: int, server: int
) -> tuple[dict[str, Any] | None, str | None]:
    """Its report and no error, or none and what went wrong.

    `server` is the server's process group. The report gets what the group's memory grew by until all were idle, and how
    much of one CPU others took meanwhile: on a machine that is not idle, the reason why a turn is worth less.
    """
    options = {
        **case.options,
        "members": case.members,
        "pending": pending,
        "deadline": MESSAGE_DEADLINE,
        "join-deadline": case.join_deadline,
    }
    command = [str(generator), "--port", str(port), "--mode", case.name]
    command += [word for name, value in options.items() for word in (f"--{name}", f"{value:g}")]
    patience = case.join_deadline + MESSAGE_DEADLINE + sum(case.options.get(name, 0) for name in ("seconds", "warmup"))
    memory_before, began = memory(server), time.monotonic()
    others_before = cpu_of_machine() - cpu_of(server)
    with running(command, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        # the report is one line in one write, so that one look at the pipe is enough
        if not select.select([process.stdout], [], [], patience + MARGIN)[0]:
            return None, f"the generator gave no report after {patience + MARGIN:.0f} s"
        others = cpu_of_machine() - cpu_of(server) - cpu_of(process.pid) - others_before
        took = time.monotonic() - began
        report = process.stdout.readline()
        if not report:
            complaint = process.stderr.read().strip() or f"the generator ended with status {process.wait(MARGIN)}"
            return None, complaint
        result: dict[str, Any] = json.loads(report)
        result["others_cpu_percent"] = round(max(0.0, 100 * others / took), 1)
        if case.name == "idle":
            time.sleep(SETTLE)
            after = memory(server)
            result["server_memory_growth"] = None if memory_before is None or after is None else after - memory_before
    return result, None
