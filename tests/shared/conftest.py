"""A store for each test that asks, and nodes on it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chat.server.shared.place import Place
from chat.server.shared.store import Store
from tests.ops.serving import IRC, SERVE, Process, client_of, serving
from tests.shared.store_process import Proxy, RedisProcess, running_store
from tests.support import PATIENCE, IrcClient, RunningServer, running_server

if shutil.which("redis-server") is None and not os.environ.get("CI"):
    pytest.skip("redis-server: not installed", allow_module_level=True)

MakeNode = Callable[..., RunningServer]
LEASE = 600.0  # s: no machine holds up for so long a node that is not to be gone


class NodeProcess:
    """A node that is a process of its own, to be killed or stopped."""

    def __init__(self, process: Process, clients: ExitStack) -> None:
        self.process = process
        self.port = process.port()
        self._clients = clients

    def irc(self, nick: str, *rooms: str) -> IrcClient:
        client = client_of(self.port)
        self._clients.enter_context(client.sock)
        client.register(nick)
        for room in rooms:
            client.join(room)
        return client


Start = Callable[..., NodeProcess]


def declare_gone(log: str, node: str) -> None:
    """As another node does when the lease has run out."""
    store = Store(Place.of(log))
    assert store.declare_gone(node, *store.standing(node))
    store.close()


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
def make_node(store: RedisProcess, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeNode]:
    """`make_node("a")` is a node in this process, stopped at the end and before the proxy; keywords are settings."""
    monkeypatch.setattr("chat.server.shared.place.SOCKET_TIMEOUT", PATIENCE)  # a store stands still, and is not away
    with ExitStack() as nodes:

        def make(name: str, **settings: object) -> RunningServer:
            return nodes.enter_context(running_server(**{"node": name, "log": store.url, "lease": LEASE, **settings}))  # type: ignore[arg-type]

        yield make


@pytest.fixture
def start(store: RedisProcess) -> Iterator[Start]:
    """`start("a")` is a node that is a process; further words are options."""
    with ExitStack() as stack:

        def serve(name: str, *options: str, command: tuple[str, ...] = SERVE) -> NodeProcess:
            words = (*IRC, "--log", store.url, "--node", name, "--lease", f"{LEASE}", "--rate-limit", "off", *options)
            return NodeProcess(stack.enter_context(serving(*words, command=command)), stack)

        yield serve
