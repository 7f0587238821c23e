"""A store for each test that asks, and nodes on it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.shared.store_process import Proxy, RedisProcess, running_store
from tests.support import RunningServer, running_server

if shutil.which("redis-server") is None and not os.environ.get("CI"):
    pytest.skip("redis-server: not installed", allow_module_level=True)

MakeNode = Callable[..., RunningServer]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RedisProcess]:
    with running_store(tmp_path) as running:
        yield running


@pytest.fixture
def proxy(store: RedisProcess, tmp_path: Path) -> Iterator[Proxy]:
    between = Proxy(tmp_path, "proxy", store)
    yield between
    between.close()


@pytest.fixture
def make_node(store: RedisProcess, proxy: Proxy) -> Iterator[MakeNode]:
    """`make_node("a")` is a node in this process, stopped at the end and before the proxy; keywords are settings."""
    with ExitStack() as nodes:

        def make(name: str, **settings: object) -> RunningServer:
            return nodes.enter_context(running_server(**{"node": name, "log": store.url, "lease": 1.0, **settings}))  # type: ignore[arg-type]

        yield make
