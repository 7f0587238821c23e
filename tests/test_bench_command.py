"""A benchmark that cannot run, for a missing program or a wrong option, says so in one line and ends with status 2."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path

import pytest

from bench import (
    accounting,
    client_load,
    costs,
    handshakes,
    history,
    installed,
    many_cores,
    mass_arrival,
    mass_death,
    shards,
    shared_log,
)
from bench.command import counts, positive, readers, started, words
from bench.experiments import __main__ as experiments
from bench.pairs import Talk
from bench.process import ENDINGS, StartError, running
from bench.system_calls import Calls, counted
from tests.support import RunningServer

Main = Callable[[Sequence[str]], int]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a single program, compiler or display."""
    for name in ("CC", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("main", "options", "missing"),
    [
        (shared_log.main, [], "redis-server is not installed (apt-get install redis-server)"),
        (costs.main, ["--members", "2", "--strace"], "strace is not installed (apt-get install strace)"),
        (mass_arrival.main, ["--users", "2"], "strace is not installed (apt-get install strace)"),
        (mass_death.main, ["--victims", "2", "--strace"], "strace is not installed (apt-get install strace)"),
        (handshakes.main, ["--rounds", "1"], "openssl is not installed (apt-get install openssl)"),
        (client_load.main, ["--seconds", "1"], "Xvfb is not installed (apt-get install xvfb)"),
        (many_cores.main, ["--scale", "0.01"], "the generator needs a C compiler"),
        (experiments.main, ["coalescing", "--rounds", "1"], "the generator needs a C compiler"),
        (experiments.main, ["coalescing", "--python", "/no/python"], "/no/python: No such file or directory"),
    ],
)
def test_a_program_that_is_missing_is_named_in_one_line(
    main: Main, options: list[str], missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == 2
    complaint = capsys.readouterr().err
    assert missing in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("main", "package", "extra"),
    [
        (shared_log.main, "redis", "cluster"),
        (accounting.main, "locust", "load"),
        (installed.main, "locust", "load"),
    ],
)
def test_a_package_that_is_missing_is_named_in_one_line(
    main: Main, package: str, extra: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.command.shutil.which", lambda program: f"/bin/{program}")
    found = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == package else found(name))
    assert main([]) == 2
    assert f"package {package} is not installed (pip install 'fanfare[{extra}]')\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("main", "options"),
    [
        (accounting.main, ["--in-flight", "1,x"]),
        (accounting.main, ["--members", "0"]),
        (client_load.main, ["--senders", "0"]),
        (costs.main, ["--members", "0"]),
        (experiments.main, ["coalescing", "--cases", "loud"]),
        (experiments.main, ["forms", "--rounds", "0"]),
        (handshakes.main, ["--keys", "dsa"]),
        (many_cores.main, ["--readers", "-1"]),
        (history.main, ["--entries", "100"]),
        (mass_arrival.main, ["--users", "x"]),
        (mass_death.main, ["--ways", "fin,loud"]),
        (shards.main, ["--rooms", "0"]),
        (shared_log.main, ["--total", "0"]),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_measured(
    main: Main, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    output, complaint = capsys.readouterr()
    assert not output
    assert f"argument {options[-2]}: " in complaint


SLEEP = ["sleep", "1000"]


@pytest.mark.parametrize("number", ENDINGS)
def test_a_signal_ends_what_was_started_and_a_second_one_does_not_cut_that_short(
    number: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, kill = [], os.killpg

    def interrupted() -> int:
        with running(SLEEP) as process:
            begun.append(process)
            os.kill(os.getpid(), number)
            signal.pause()
        return 0

    def interrupted_again(group: int, ending: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        kill(group, ending)

    monkeypatch.setattr(os, "killpg", interrupted_again)

    handlers = [signal.getsignal(one) for one in ENDINGS]
    assert started("bench", interrupted) == 130
    assert capsys.readouterr().err == "bench: interrupted; everything that it started has ended\n"
    assert begun[0].returncode == -signal.SIGKILL
    assert [signal.getsignal(one) for one in ENDINGS] == handlers


def test_a_signal_while_a_process_starts_waits_until_it_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            begun.append(self)
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Popen)

    def interrupted() -> int:
        with running(SLEEP):
            signal.pause()
        return 0

    assert started("bench", interrupted) == 130
    assert begun[0].returncode == -signal.SIGKILL


def test_a_process_that_outlives_its_kill_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one that waits for its disk."""
    begun = []

    def spared() -> int:
        with monkeypatch.context() as patched, running(SLEEP) as process:
            begun.append(process)
            patched.setattr("bench.process.END_TIMEOUT", 0.0)
            patched.setattr(os, "killpg", lambda group, ending: None)
        return 0

    assert started("bench", spared) == 2
    begun[0].kill()
    begun[0].wait()
    assert capsys.readouterr().err == f"bench: sleep ({begun[0].pid}) was killed and still runs after 0 s\n"


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    """As under nohup."""

    def hung_up() -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert started("bench", hung_up) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    "words",
    [
        "bench.accounting --rounds 1000",
        "bench.history --entries 25000 --rooms 100 --seconds 1000",
        "bench.mass_death --seconds 1000",
        "bench.shared_log --seconds 1000",
    ],
)
def test_a_benchmark_that_is_killed_leaves_no_process_behind(words: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", *words.split()], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while not (born := children(process.pid)):
                assert process.poll() is None
                time.sleep(0.01)  # for another program, which tells nobody of it
        finally:
            process.terminate()
            _, complaint = process.communicate()
    assert process.returncode == 130, complaint
    assert "everything that it started has ended" in complaint
    for pid in born:
        with pytest.raises(ProcessLookupError):
            os.killpg(pid, 0)


def test_the_options_take_what_they_say() -> None:
    assert (counts("1,20"), positive("0.5"), readers("64"), words("ab")("b,a")) == ([1, 20], 0.5, 64, ["b", "a"])


def test_strace_that_may_not_attach_is_no_count_of_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = tmp_path / "strace"
    refused.write_text("#!/bin/sh\necho 'strace: attach: Operation not permitted' >&2\nexit 1\n")
    refused.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(StartError, match="attach: Operation not permitted"), counted(1, Calls()):
        pass


def test_a_store_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = tmp_path / "redis-server"
    failing.write_text("#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\necho 'out of memory' > \"$1\"\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(StartError, match="ended with status 3: out of memory"), shared_log.store(tmp_path):
        pass


def test_a_server_that_closes_a_connection_ends_the_talk() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def turn_away() -> None:
            server.accept()[0].close()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(turn_away)
            with pytest.raises((StartError, ConnectionResetError)):
                Talk([server.getsockname()[1]])


def test_two_talks_in_a_row_do_not_wait_for_the_names_of_the_first(server: RunningServer) -> None:
    talks = [Talk([server.ports["irc"]]) for _ in range(2)]
    for talk in talks:
        talk.close()
