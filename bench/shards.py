"""`python -m bench.shards`: what one log bears, and what several logs would, by simulation.

Rooms have members by Zipf's law; a room's talk grows with its members. Rooms are spread over the logs by a hash, and
names are in a log of their own. A node reads each log that has a room of one of its users. What bounds it all: the
appends that one store takes, the entries that one node applies, the sends that one node makes. The first two are
parameters, with what was measured as defaults; `--measure` measures what this machine applies.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.command import count, positive
from chat.server.core.apply import apply
from chat.server.core.state import Limits, State
from chat.server.log.entry import NOBODY, Entry
from chat.wires.message import parse

LOGS = (1, 8, 64)
NODES = (2, 8, 32)


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


def measure_applies(total: int = 100_000) -> float:
    """Entries of another node that this machine parses and applies in a second."""
    state = State(Limits(100, 1_000, 100_000))
    for number in range(1, 101):
        apply(state, Entry(number, 1.0, "n", NOBODY, parse(f":u{number}!~u@h USER ~u 0 * :u")))
        apply(state, Entry(number, 1.0, "n", number, parse(f":u{number}!~u@h JOIN #r")))
    began = time.perf_counter()
    for number in range(total):
        user = number % 100 + 1
        apply(state, Entry(number, 1.0, "n", user, parse(f":u{user}!~u@h PRIVMSG #r :some words of somebody")))
    return total / (time.perf_counter() - began)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.shards", description="What one log bears, and several.")
    parser.add_argument("--users", type=count, default=20_000)
    parser.add_argument("--rooms", type=count, default=2_000)
    parser.add_argument("--joined", type=count, default=5, help="rooms of one user")
    parser.add_argument("--rate", type=positive, default=60.0, help="words a minute of one user")
    parser.add_argument("--appends", type=positive, default=50_000.0, help="that one store takes, 1/s")
    parser.add_argument("--applies", type=positive, default=100_000.0, help="that one node takes, 1/s")
    parser.add_argument("--sends", type=positive, default=1_000_000.0, help="that one node makes, 1/s")
    parser.add_argument("--measure", action="store_true", help="measure --applies on this machine")
    options = parser.parse_args(arguments)
    applies = measure_applies() if options.measure else options.applies
    world = World(options.users, options.rooms, options.joined, options.rate, options.appends, applies, options.sends)
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
