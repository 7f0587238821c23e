"""Which sender a server takes, and what it says about it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chat.errors import SetupError
from chat.server.net import sender_choice
from chat.server.net.io_uring import Unavailable
from chat.server.net.sender import SendLoop
from chat.server.net.sender_choice import choose_sender, cores
from chat.settings import Settings
from tests.net.kernel import FORBID, needs_io_uring
from tests.ops.serving import IRC
from tests.support import PATIENCE


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The rings and workers that were asked for; nothing is started."""
    calls: list[tuple[int, int]] = []

    def start(rings: int, workers: int) -> Any:
        calls.append((rings, workers))
        return "a sender by io_uring"

    monkeypatch.setattr(sender_choice, "start_uring", start)
    return calls


@pytest.mark.parametrize(
    ("settings", "number", "rings", "line"),
    [
        ({}, 1, None, "sends by send: io_uring pays from 8 cores, and here is 1 core"),
        ({}, 7, None, "sends by send: io_uring pays from 8 cores, and here are 7 cores"),
        ({}, 8, (2, 4), "sends by io_uring: 2 kernel threads, for 8 cores"),
        ({}, 16, (4, 4), "sends by io_uring: 4 kernel threads, for 16 cores"),
        ({}, 96, (8, 4), "sends by io_uring: 8 kernel threads, for 96 cores"),
        ({"senders": 3}, 16, (3, 3), "sends by io_uring: 3 kernel threads, for 16 cores"),
        ({"sender": "send"}, 16, None, "sends by send, as set"),
        (
            {"sender": "uring"},
            2,
            (0, 4),
            "sends by io_uring, on the loop's own thread: kernel threads pay from 8 cores",
        ),
        ({"sender": "uring", "senders": 1}, 2, (1, 1), "sends by io_uring: 1 kernel thread, for 2 cores"),
    ],
)
def test_settings_and_cores_decide(
    settings: dict[str, Any],
    number: int,
    rings: tuple[int, int] | None,
    line: str,
    started: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender_choice, "cores", lambda: number)
    sender, choice = choose_sender(Settings(**settings))
    assert choice == line
    assert started == ([] if rings is None else [rings])
    assert isinstance(sender, SendLoop) is (rings is None)


def test_without_io_uring_auto_falls_back_and_uring_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(rings: int, workers: int) -> Any:
        raise Unavailable("kernel.io_uring_disabled is 2")

    monkeypatch.setattr(sender_choice, "start_uring", refuse)
    monkeypatch.setattr(sender_choice, "cores", lambda: 16)
    sender, choice = choose_sender(Settings())
    assert isinstance(sender, SendLoop)
    assert choice == "sends by send: there is no io_uring here: kernel.io_uring_disabled is 2"
    with pytest.raises(SetupError, match=r"^sender is uring, but there is no io_uring here: kernel"):
        choose_sender(Settings(sender="uring"))


@pytest.mark.parametrize(
    ("limit", "number"), [("max 100000", 16), ("250000 100000", 2), ("50000 100000", 1), ("nonsense", 16), (None, 16)]
)
def test_a_containers_share_of_the_cores_counts(
    limit: str | None, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpu.max"
    if limit is not None:
        file.write_text(limit)
    monkeypatch.setattr(sender_choice, "CPU_LIMIT", file)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)))
    assert cores() == number


def forbidden(*options: str) -> tuple[int, str, str]:
    """Run `fanfare serve` with a filter that forbids io_uring, until it is ready; status and output."""
    code = f"{FORBID}\nfrom chat.cli import main\nimport sys\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "serve", *IRC, "--log", "memory:", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        process.terminate()
        rest, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, "".join(lines) + rest, errors


@needs_io_uring
def test_where_a_filter_forbids_it_uring_ends_with_one_line_and_status_2() -> None:
    reason = "there is no io_uring here: a seccomp filter forbids it, as Docker's default profile does"
    assert forbidden("--sender", "uring") == (2, "", f"fanfare: sender is uring, but {reason}\n")


def test_where_a_filter_forbids_it_auto_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output, errors = forbidden("--sender", "auto")
    assert (status, errors) == (0, "")
    assert output.splitlines()[1].startswith("sends by send: ")
