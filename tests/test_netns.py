"""The tests' own network: cut means silence on both sides, and nothing of it is left behind."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.netns import Namespace, network_namespace

# A listener and a client of it; each word on standard input is sent from one to the other, and what has come is shown.
PAIR = """
import select, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
one = socket.create_connection(listener.getsockname())
two, address = listener.accept()
print(address[1], flush=True)
for word in sys.stdin:
    one.sendall(word.encode())
    wait = 0.2 if word.startswith("lost") else 20
    print(two.recv(100).decode().split()[0] if select.select([two], [], [], wait)[0] else "nothing", flush=True)
"""


def names() -> set[str]:
    return {path.name for path in Path("/run/netns").glob("*")}


def pair(namespace: Namespace) -> "subprocess.Popen[str]":
    command = [*namespace.prefix, sys.executable, "-c", PAIR]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(process: "subprocess.Popen[str]", word: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{word}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_cut_port_loses_everything_silently_until_it_is_mended() -> None:
    with network_namespace() as namespace, pair(namespace) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert ask(process, "before") == "before"
        namespace.cut([port])
        assert ask(process, "lost") == "nothing"
        namespace.mend()
        assert ask(process, "again") == "lost"  # the kernel has sent it again: the connection never ended
        process.communicate()


def test_a_namespace_is_not_the_machines_own_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, network_namespace() as namespace:
        script = f"import socket; socket.create_connection(('127.0.0.1', {listener.getsockname()[1]}))"
        done = subprocess.run([*namespace.prefix, sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
        assert "ConnectionRefusedError" in done.stderr


def test_after_a_failure_the_namespace_is_gone_and_what_ran_in_it_too() -> None:
    started: list[tuple[Namespace, subprocess.Popen[str]]] = []

    def fail() -> None:
        with network_namespace() as namespace:
            started.append((namespace, pair(namespace)))
            process = started[0][1]
            assert process.stdout is not None
            process.stdout.readline()
            assert namespace.name in names()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    ((namespace, process),) = started
    assert process.wait(50) < 0
    process.communicate()
    assert namespace.name not in names()


def test_what_a_killed_test_has_left_is_removed_by_the_next() -> None:
    script = (
        "from tests.netns import *; n = network_namespace(); n.__enter__(); print(os.getpid(), flush=True); os._exit(1)"
    )
    with network_namespace():
        killed = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
        left = f"fanfare-{killed.stdout.strip()}-1"
        assert left in names()
        with network_namespace():
            assert left not in names()


@pytest.mark.parametrize("required", [False, True])
def test_where_it_is_not_permitted_the_test_is_skipped_unless_it_is_required(
    required: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ip").write_text("#!/bin/sh\necho Operation not permitted >&2\nexit 1\n")
    (tmp_path / "ip").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("REQUIRE_NETNS", str(int(required)))
    outcome = pytest.fail.Exception if required else pytest.skip.Exception
    with pytest.raises(outcome, match="Operation not permitted"), network_namespace():
        pytest.fail("there is none")
