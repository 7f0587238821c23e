"""A namespace for the store, one for each node, and a link between each node and the store that fails as told.

What is cut is dropped packet by packet: both sides hear nothing, and find out by their own timeouts.
"""

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.netns import Namespace, network_namespace, run_command
from tests.support import PATIENCE

TABLE = "inet link"
RULES = f"table {TABLE} {{\n chain arriving {{ type filter hook input priority 0; }}\n}}\n"
# Less than three nodes' talk takes: what waits adds up to a second before packets are dropped.
SLOW = ("tbf", "rate", "256kbit", "burst", "3000", "latency", "1s")
CLONE_NEWNET = 0x40000000


class Link:
    """Of one node. The device at each end is called after what is at the other."""

    def __init__(self, store: Namespace, node: Namespace, number: int) -> None:
        """Both namespaces have the table."""
        self.node = node
        self.host = f"10.0.{number}.1"  # the store, as the node sees it
        self._ends = {"to": (store, f"node{number}"), "from": (node, "store")}  # where packets arrive
        peer = f"link add node{number} type veth peer name store netns {node.name}"
        run_command("ip", "-netns", store.name, *peer.split())
        for address, (namespace, device) in enumerate(self._ends.values(), 1):
            where = ("ip", "-netns", namespace.name)
            run_command(*where, "address", "add", f"10.0.{number}.{address}/24", "dev", device)
            run_command(*where, "link", "set", device, "up")

    def cut(self, *ways: str) -> None:
        """Drop all packets `to` the store, `from` it."""
        for way in ways:
            namespace, device = self._ends[way]
            namespace.nft(f'add rule {TABLE} arriving iifname "{device}" drop\n')

    def slow(self) -> None:
        for namespace, device in self._ends.values():
            run_command("tc", "-netns", namespace.name, "qdisc", "add", "dev", device, "root", *SLOW)

    def mend(self) -> None:
        """Let everything through again, at any speed."""
        for namespace, device in self._ends.values():
            namespace.nft(f"flush chain {TABLE} arriving\n")  # of all links: one fault is healed before the next
            run_command("tc", "-netns", namespace.name, "qdisc", "replace", "dev", device, "root", "noqueue")

    def connect(self, port: int) -> socket.socket:
        """To a port of the node's own loopback."""
        with inside(self.node):
            return socket.create_connection(("127.0.0.1", port), PATIENCE)


class Network:
    def __init__(self, store: Namespace, links: list[Link]) -> None:
        self.store = store
        self.links = links


@contextmanager
def network(nodes: int) -> Iterator[Network]:
    """Skips the test, or fails it, where there are no namespaces."""
    with ExitStack() as stack:
        store = stack.enter_context(network_namespace())
        others = [stack.enter_context(network_namespace()) for _ in range(nodes)]
        for namespace in (store, *others):
            namespace.nft(RULES)
        yield Network(store, [Link(store, node, number) for number, node in enumerate(others)])


@contextmanager
def inside(namespace: Namespace) -> Iterator[None]:
    """This thread's new sockets belong to the namespace."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace.name}", os.O_RDONLY)
    try:
        _enter(there)
        try:
            yield
        finally:
            _enter(before)
    finally:
        os.close(there)
        os.close(before)


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
