"""`python -m bench.shards`: what one log bears, and what several logs would, by simulation.

Rooms have members by Zipf's law; a room's talk grows with its members. Rooms are spread over the logs by a hash, and
names are in a log of their own. A node reads each log that has a room of one of its users. What bounds it all: the
appends that one store takes, the entries that one node applies, the sends that one node makes. All are parameters;
`--measure` measures the first two on this machine, with a `redis-server`.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.command import count, need_package, need_program, positive, started
from bench.shared_log import store
from chat.server.core.apply import apply
from chat.server.core.state import Limits, State
from chat.server.log.entry import BY_NAME, NOBODY
from chat.server.shared.appender import BATCH
from chat.server.shared.place import Place
from chat.server.shared.reader import AT_ONCE, entry_of
from chat.server.shared.store import Store

LOGS = (1, 8, 64)
NODES = (2, 8, 32)
WORDS = "some words of somebody, as long as people's are"


@dataclass(frozen=True, slots=True)
class World:
    users: int
    rooms: int
    joined: int  # rooms of one user
    rate: float  # words a minute of one user
    appends: float  # that one store takes, 1/s
    applies: float  # that one node takes, 1/s
    sends: float  # that one node makes, 1/s


@dataclass(frozen=True, slots=True)
class Load:
    """The share of its limit that each part is at, at its busiest; over 1 it cannot be done."""

    store: float
    node: float
    sends: float
    read: float  # the share of all logs that a node reads


def simulate(world: World, logs: int, nodes: int, near: bool, seed: int = 1) -> Load:
    """`near`: users of a room are on the same node where that can be; else anywhere."""
    chance = random.Random(seed)
    weights = [1 / (place + 1) for place in range(world.rooms)]
    members: list[list[int]] = [[] for _ in range(world.rooms)]
    home = [0] * world.users
    for user in range(world.users):
        rooms = set(chance.choices(range(world.rooms), weights, k=world.joined))
        home[user] = max(rooms) % nodes if near else user % nodes  # the smallest room decides
        for room in rooms:
            members[room].append(user)
    talk = [len(who) / world.joined * world.rate / 60 for who in members]
    by_log = [0.0] * logs
    for room, rate in enumerate(talk):
        by_log[room % logs] += rate
    reads = [set[int]() for _ in range(nodes)]
    sends = [0.0] * nodes
    for room, who in enumerate(members):
        for user in who:
            reads[home[user]].add(room % logs)
            sends[home[user]] += talk[room]
    return Load(
        max(by_log) / world.appends,
        max(sum(by_log[log] for log in node) for node in reads) / world.applies,
        max(sends) / world.sends,
        sum(map(len, reads)) / nodes / logs,
    )


def measure(total: int) -> tuple[float, float]:
    """Appends/s that a Redis on this machine takes from two nodes, and entries/s that a node reads, parses and applies.

    What a node does beside that is not in it: its users' commands and sends, and its history.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = Place.of(stack.enter_context(store(Path(folder))))
        appending = [_Appending(place, f"node{number}", total // 2) for number in range(2)]
        began = time.perf_counter()
        for thread in appending:
            thread.start()
        for thread in appending:
            thread.join()
        appends = total / (time.perf_counter() - began)
        state = State(Limits(100, 1_000, 100_000))
        reading = Store(place)
        newest, began, applied = "0-0", time.perf_counter(), 0
        while items := reading.read(newest, AT_ONCE, None):
            for item in items:
                apply(state, entry_of(item))
            newest, applied = items[-1].id, applied + len(items)
        applies = applied / (time.perf_counter() - began)
        reading.close()
    return appends, applies


class _Appending(threading.Thread):
    """A node that appends words of its fifty users, in batches of the size that a busy node's have."""

    def __init__(self, place: Place, node: str, total: int) -> None:
        super().__init__()
        self._store = Store(place)
        self._node = node
        self._epoch = self._store.enter(node, node, 600.0, "new")
        users = [f":{node}u{number}!~u@h" for number in range(50)]
        enter = [(NOBODY, f"{user} USER ~u 0 * :u") for user in users]
        self._append(1, enter + [(BY_NAME, f"{user} JOIN #r") for user in users])
        self._words = [(BY_NAME, f"{users[number % 50]} PRIVMSG #r :{WORDS}") for number in range(total)]

    def _append(self, first: int, requests: Sequence[tuple[int, str]]) -> None:
        self._store.append(self._node, self._epoch, first, requests)

    def run(self) -> None:
        for begin in range(0, len(self._words), BATCH):
            self._append(101 + begin, self._words[begin : begin + BATCH])
        self._store.close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.shards", description="What one log bears, and several.")
    parser.add_argument("--users", type=count, default=20_000)
    parser.add_argument("--rooms", type=count, default=2_000)
    parser.add_argument("--joined", type=count, default=5, help="rooms of one user")
    parser.add_argument("--rate", type=positive, default=60.0, help="words a minute of one user")
    parser.add_argument("--appends", type=positive, default=50_000.0, help="that one store takes, 1/s")
    parser.add_argument("--applies", type=positive, default=50_000.0, help="that one node takes, 1/s")
    parser.add_argument("--sends", type=positive, default=1_000_000.0, help="that one node makes, 1/s")
    parser.add_argument("--total", type=count, default=200_000, help="entries to measure with (default 200,000)")
    parser.add_argument("--measure", action="store_true", help="measure --appends and --applies here")
    options = parser.parse_args(arguments)
    return started("shards", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    appends, applies = options.appends, options.applies
    if options.measure:
        need_program("redis-server", "redis-server")
        need_package("redis", "cluster")
        appends, applies = measure(options.total)
    world = World(options.users, options.rooms, options.joined, options.rate, appends, applies, options.sends)
    print(f"{world.users:,} users, each in {world.joined} of {world.rooms:,} rooms, {world.rate:g} words a minute each")
    print(f"one store takes {world.appends:,.0f} appends/s, one node {world.applies:,.0f} entries/s\n")
    print(f"{'nodes':>5}{'logs':>6}  users of a room{'store':>8}{'node':>8}{'sends':>8}{'logs read':>11}")
    for nodes in NODES:
        for logs in LOGS:
            for near in (False, True):
                load = simulate(world, logs, nodes, near)
                where = "near" if near else "anywhere"
                shares = f"{load.store:>8.0%}{load.node:>8.0%}{load.sends:>8.0%}{load.read:>11.0%}"
                print(f"{nodes:>5}{logs:>6}  {where:15}{shares}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
