"""Measure one server once: start it, load it with the generator, and return the generator's report.

A turn is one case with one server. Compares and prints nothing.
"""

import json
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cases import TLS_PENDING, Case
from bench.process import StartError, cpu_of, cpu_of_machine, free_port, last_words, memory, running, serving
from bench.servers import Server

MARGIN = 15.0  # s beyond its deadlines until a silent generator counts as failed
SETTLE = 1.0  # s for a server to become idle before its memory is read


@dataclass(frozen=True)
class Turn:
    """`result` is the generator's report, `error` one line; exactly one of them is set."""

    server: str
    case: str
    round: int
    result: dict[str, Any] | None
    error: str | None = None


def take_turn(generator: Path, server: Server, case: Case, round_: int, folder: Path) -> Turn:
    """One case with a fresh server, in `folder`, which is empty."""
    port = free_port()
    log = folder / "log"
    log.touch()
    try:
        with serving(server.command(port, folder, case.tls), port, log) as process:
            result, error = run_generator(generator, port, case, server.pending, process.pid)
            if error and process.poll() is not None:
                error += f" (the server had ended with status {process.returncode}{last_words(log)})"
    except StartError as failure:
        return Turn(server.name, case.name, round_, None, str(failure))
    return Turn(server.name, case.name, round_, result, error)


def run_generator(
    generator: Path, port: int, case: Case, pending: int, server: int
) -> tuple[dict[str, Any] | None, str | None]:
    """The report and no error, or None and what went wrong.

    `server` is the server's process, which leads its group. The report gets the growth of the group's memory until all
    were idle, and the share of one CPU that other processes took: a turn on a busy machine is worth less.
    """
    command = [str(generator), "--port", str(port), *case.command_line()]
    pending = min(pending, TLS_PENDING) if case.tls else pending
    command += ["--pending", str(pending), "--server", str(server)]
    memory_before, began = memory(server), time.monotonic()
    others_before = cpu_of_machine() - cpu_of(server)
    with running(command, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        # the report is one line in one write, so that one look at the pipe is enough
        if not select.select([process.stdout], [], [], case.patience + MARGIN)[0]:
            return None, f"the generator gave no report after {case.patience + MARGIN:.0f} s"
        others = cpu_of_machine() - cpu_of(server) - cpu_of(process.pid) - others_before
        took = time.monotonic() - began
        report = process.stdout.readline()
        if not report:
            complaint = process.stderr.read().strip() or f"the generator ended with status {process.wait(MARGIN)}"
            return None, complaint
        result: dict[str, Any] = json.loads(report)
        result["others_cpu_percent"] = round(max(0.0, 100 * others / took), 1)
        if result["mode"] == "idle":
            time.sleep(SETTLE)
            after = memory(server)
            result["server_memory_growth"] = None if memory_before is None or after is None else after - memory_before
            if process.poll() is not None:  # otherwise it stays, with all its members, until its stdin ends
                return None, process.stderr.read().strip()
    return result, None
