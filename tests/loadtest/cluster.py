"""Several nodes of one network for a load test, in this process, on a store of their own."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.shared.store_process import running_store
from tests.support import RunningServer, running_server

needs_store = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server: not installed")


@contextmanager
def running_nodes(folder: Path, count: int = 2, **settings: object) -> Iterator[list[RunningServer]]:
    with running_store(folder) as store, ExitStack() as nodes:
        yield [
            nodes.enter_context(running_server(**{"node": f"n{number}", "log": store.url, "lease": 30.0, **settings}))  # type: ignore[arg-type]
            for number in range(count)
        ]


def hosts(*servers: RunningServer) -> tuple[str, str]:
    """The option."""
    return "--host", ",".join(f"irc://127.0.0.1:{server.ports['irc']}" for server in servers)
