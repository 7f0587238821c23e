"""One server's turn: ask it what it is, warm it up, run the load test against it. One Locust at a time."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chat.errors import FanfareError, SetupError
from loadtest.compare.probe import probe
from loadtest.compare.row import Result
from loadtest.compare.target import Target

LOCUSTFILE = Path(__file__).parent.parent / "locustfile.py"
_ROOT = LOCUSTFILE.parent.parent
# What the options on the command line may replace. With fewer connecting at a time, a server that looks at newcomers
# once a second, as InspIRCd does, would let 8 users a second in.
DEFAULTS = ("--scenario", "broadcast", "--users", "200", "--spawn-rate", "50", "--connecting", "64", "--rate", "20")
WARM_UP_S = 2  # of messages: caches, allocators and the first growth of buffers
_WRONG_OPTION = 2  # Locust's exit status, and ours, for it
_END_S = 20.0  # for a Locust that was told to end: it closes its users' connections and its accounts


def take_turn(target: Target, options: Sequence[str], directory: Path) -> Result:
    """The report goes to `directory`. Raises SetupError when Locust does not take the options."""
    for name in ("summary.json", "report.html"):
        (directory / name).unlink(missing_ok=True)  # an earlier comparison's would pass for this one's
    try:
        seen = probe(target.url)
    except (OSError, FanfareError) as error:
        return Result(target, "", None, f"no answer from {target.url}: {error}")
    process = ("--server-pid", str(seen.pid)) if seen.pid else ()
    with tempfile.TemporaryDirectory() as thrown_away:
        _locust(target, [*options, "--duration", str(WARM_UP_S), "--report", thrown_away])
    said = _locust(target, [*options, *process, "--report", str(directory)])
    try:
        summary: dict[str, Any] = json.loads((directory / "summary.json").read_text())
    except (OSError, ValueError):
        return Result(target, seen.version, None, f"the run left no summary: {said}")
    return Result(target, seen.version, summary)


def command(target: Target, options: Sequence[str]) -> list[str]:
    return [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *DEFAULTS, *options),
        *("--headless", "--only-summary", "--loglevel", "WARNING", "--host", target.url),
    ]


def _locust(target: Target, options: Sequence[str]) -> str:
    """Run it to its end; gives the last line that it wrote of what went wrong. Raises SetupError."""
    with _running(command(target, options)) as process:
        _, errors = process.communicate()
    last = next((line for line in reversed(errors.splitlines()) if line.strip()), f"exit status {process.returncode}")
    if process.returncode == _WRONG_OPTION:
        raise SetupError(last.partition("error: ")[2] or last)
    return last


@contextmanager
def _running(words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """In a session of its own: a Ctrl-C is ours, and Locust ends by our word, whatever happens here."""
    process = subprocess.Popen(
        words,
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()
