"""Several nodes of one network for a load test, on a store of their own."""

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from bench.process import free_port
from tests.loadtest.runs import ROOT
from tests.ops.serving import serving
from tests.shared.store_process import RedisProcess, running_store
from tests.support import RunningServer, running_server

needs_store = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server: not installed")


@contextmanager
def running_nodes(folder: Path, count: int = 2, **settings: object) -> Iterator[list[RunningServer]]:
    """In this process."""
    with running_store(folder) as store, ExitStack() as nodes:
        yield [
            nodes.enter_context(running_server(**{"node": f"n{number}", "log": store.url, "lease": 30.0, **settings}))  # type: ignore[arg-type]
            for number in range(count)
        ]


def hosts(*servers: RunningServer) -> tuple[str, str]:
    """The option."""
    return "--host", ",".join(f"irc://127.0.0.1:{server.ports['irc']}" for server in servers)


# What `--control` calls: a node's process has its number in a file, and a node is started as its command says.
_CONTROL = """\
#!/bin/sh
cd {folder}
pid=$(cat "$2.pid")
case $1 in
start) sh "$2.sh" > "$2.log" 2>&1 & echo $! > "$2.pid" ;;
drain) kill -TERM "$pid" ;;
kill) kill -KILL "$pid" ;;
stop) kill -STOP "$pid" ;;
cont) kill -CONT "$pid" ;;
*) echo "cannot $1 $2"; exit 3 ;;
esac
"""


class Cluster:
    """Node processes that a script controls."""

    def __init__(self, folder: Path, store: RedisProcess, count: int, options: Sequence[str]) -> None:
        self.store = store
        self.folder = folder
        self.control = folder / "control"
        self.control.write_text(_CONTROL.format(folder=folder))
        self.control.chmod(0o755)
        self.ports = [free_port() for _ in range(count)]
        for number, port in enumerate(self.ports, 1):
            words = ["-m", "chat.cli", "serve", "--listen", f"irc://127.0.0.1:{port}", "--log", store.url]
            words += ["--node", f"n{number}", "--lease", "4", "--rate-limit", "off", *options]
            command = shlex.join([sys.executable, *words])
            (folder / f"{number}.sh").write_text(f"cd {ROOT}; exec {command}\n")
            (folder / f"{number}.pid").write_text("")
        (folder / "store.pid").write_text(str(store.process.pid))

    @property
    def hosts(self) -> tuple[str, str]:
        """The option."""
        return "--host", ",".join(f"irc://127.0.0.1:{port}" for port in self.ports)

    @property
    def pids(self) -> list[int]:
        return [int((self.folder / f"{number}.pid").read_text()) for number in range(1, len(self.ports) + 1)]


@contextmanager
def running_cluster(folder: Path, count: int = 3, options: Sequence[str] = ()) -> Iterator[Cluster]:
    with running_store(folder) as store:
        cluster = Cluster(folder, store, count, options)
        with ExitStack() as processes:
            for number, port in enumerate(cluster.ports, 1):
                started = processes.enter_context(serving(command=("sh", str(folder / f"{number}.sh"))))
                (folder / f"{number}.pid").write_text(str(started.process.pid))
                assert started.port() == port
            try:
                yield cluster
            finally:
                for pid in cluster.pids:
                    for number in (signal.SIGCONT, signal.SIGKILL):
                        with suppress(ProcessLookupError):
                            os.kill(pid, number)
