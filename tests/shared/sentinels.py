"""A master, its replica, and three Sentinels that watch them: processes of the test's own."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import redis

from bench.process import free_port
from tests.shared.store_process import PATIENCE, RedisProcess, running_store

NAME = "chat"
CONFIGURATION = """
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor {name} 127.0.0.1 {master} 2
sentinel down-after-milliseconds {name} 1000
sentinel failover-timeout {name} 3000
"""
# In milliseconds, a tenth of the usual: Sentinels learn from each other, and of roles, within these.
QUICK = ("info-period", 1000, "publish-period", 200, "ask-period", 100)


class Sentinels:
    def __init__(self, master: RedisProcess, replica: RedisProcess, ports: list[int]) -> None:
        self.master = master  # as it begins
        self.replica = replica
        self._ports = ports
        self._clients: list[Any] = [redis.Redis(port=port, decode_responses=True, protocol=2) for port in ports]
        self._pause = threading.Event()

    @property
    def url(self) -> str:
        return f"sentinel://{','.join(f'127.0.0.1:{port}' for port in self._ports)}/{NAME}/0"

    def ready(self) -> None:
        """Wait until each Sentinel knows the replica and the others."""
        for client in self._clients:
            self._wait(client.ping)
            client.execute_command("SENTINEL", "DEBUG", *QUICK)
        for client in self._clients:
            self._wait(partial(self._knows_all, client))

    def failed_over(self) -> None:
        """Wait until the replica is the master, for every Sentinel."""
        for client in self._clients:
            self._wait(partial(self._has_promoted, client))

    def _knows_all(self, client: Any) -> bool:
        replicas = client.sentinel_slaves(NAME)
        in_touch = [known for known in replicas if known["master-link-status"] == "ok"]
        return len(in_touch) == 1 and client.sentinel_master(NAME)["num-other-sentinels"] == len(self._clients) - 1

    def _has_promoted(self, client: Any) -> bool:
        address: tuple[str, int] = client.sentinel_get_master_addr_by_name(NAME)
        return address[1] == self.replica.port

    def _wait(self, reached: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(redis.RedisError):
                if reached():
                    return
            self._pause.wait(0.02)
        raise AssertionError("the Sentinels did not come to it")

    def close(self) -> None:
        for client in self._clients:
            client.close()


@contextmanager
def running_sentinels(folder: Path) -> Iterator[Sentinels]:
    with ExitStack() as stack:
        stores: list[RedisProcess] = []
        for name in ("master", "replica"):
            (folder / name).mkdir()
            options = ("--replicaof", "127.0.0.1", str(stores[0].port)) if stores else ()
            stores.append(stack.enter_context(running_store(folder / name, free_port(), *options)))
        ports = [free_port() for _ in range(3)]
        for number, port in enumerate(ports):
            path = folder / f"sentinel{number}.conf"
            path.write_text(CONFIGURATION.format(port=port, folder=folder, name=NAME, master=stores[0].port))
            command = ["redis-server", str(path), "--sentinel"]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            stack.callback(process.kill)
        sentinels = Sentinels(stores[0], stores[1], ports)
        stack.callback(sentinels.close)
        sentinels.ready()
        yield sentinels
