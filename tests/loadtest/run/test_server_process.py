"""A process's descriptors, threads, memory and CPU time are read as they are; one that cannot be read is one line.

The process is a program of the test's own that takes and gives back on demand, and says when it has.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.errors import SetupError
from loadtest.run.server import read

MIB = 1 << 20
SUBJECT = """
import mmap, os, sys, threading, time
held, stop = [], threading.Event()
for line in sys.stdin:
    what, amount = line.rstrip().split(" ", 1)
    if what == "call":
        open("/proc/self/comm", "w").write(amount)
    elif what == "map":
        held.append(mmap.mmap(os.open(amount, os.O_RDONLY), 0, access=mmap.ACCESS_READ))
        held.append(sum(held[-1][::4096]))
    for _ in range(int(amount) if amount.isdigit() else 0):
        if what == "descriptors":
            held.append(os.open(os.devnull, os.O_RDONLY))
        elif what == "threads":
            held.append(threading.Thread(target=stop.wait, daemon=True))
            held[-1].start()
        elif what == "mebibytes":
            held.append(mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
            held[-1].write(b"x" * (1 << 20))
        elif what == "close":
            os.close(held.pop())
        elif what == "unmap":
            held.pop().close()
        elif what == "hundredths":
            until = time.process_time() + 0.01
            while time.process_time() < until:
                pass
    print("done", flush=True)
"""


class Subject:
    """A process that does as it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def do(self, what: str, amount: int | str) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{what} {amount}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


@pytest.fixture
def process() -> Iterator[Subject]:
    command = [sys.executable, "-c", SUBJECT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        one = Subject(running)
        one.do("nothing", 0)  # it is up
        try:
            yield one
        finally:
            running.kill()


def test_descriptors_are_counted_one_by_one_up_and_down(process: Subject) -> None:
    before = read(process.pid)
    process.do("descriptors", 7)
    assert read(process.pid).descriptors == before.descriptors + 7
    process.do("close", 7)
    assert read(process.pid).descriptors == before.descriptors
    assert read(process.pid).threads == before.threads == 1


def test_threads_are_counted(process: Subject) -> None:
    process.do("threads", 3)
    assert read(process.pid).threads == 4


def test_memory_grows_by_what_the_process_takes_and_shrinks_by_what_it_gives_back(process: Subject) -> None:
    before = read(process.pid).memory_bytes
    process.do("mebibytes", 128)
    assert 127 * MIB < read(process.pid).memory_bytes - before < 131 * MIB  # the kernel counts some pages late
    process.do("unmap", 128)
    assert read(process.pid).memory_bytes - before < 2 * MIB


def test_files_that_it_reads_are_not_its_memory(process: Subject, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 16 * MIB)
    before = read(process.pid).memory_bytes
    process.do("map", str(tmp_path / "file"))
    assert read(process.pid).memory_bytes - before < 2 * MIB


@pytest.mark.parametrize("name", ["python", ") S 1 2 (x"])
def test_cpu_time_is_the_process_s_own_whatever_it_is_called(process: Subject, name: str) -> None:
    process.do("call", name)
    before = read(process.pid).cpu_s
    process.do("hundredths", 20)
    assert 0.18 <= read(process.pid).cpu_s - before < 1.0


def test_no_such_process_is_one_line() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as done:
        done.wait()
        with pytest.raises(SetupError, match=f"^--server-pid {done.pid}: there is no such process here$"):
            read(done.pid)


def test_a_process_that_has_ended_and_was_not_waited_for_is_none() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as done:
        os.waitid(os.P_PID, done.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(SetupError, match="the process has ended"):
            read(done.pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_process_of_somebody_else_is_one_line_that_says_what_it_takes(process: Subject) -> None:
    ask = f"import os; from loadtest.run.server import read; os.setresuid(*3 * [65534]); read({process.pid})"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    reason = f"--server-pid {process.pid}: Permission denied (it takes the same user, or root)"
    assert done.stderr.splitlines()[-1].endswith(f"SetupError: {reason}")
