"""What is cut or slow between a node and the store loses packets in that way, and in no other."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.netns import run_command
from tests.shared.network import Link, inside, network

PORT = 9  # of the namespaces' own networks
MANY = 60  # datagrams of 1,000 bytes: more than waits on a slow link, less than a socket's buffer takes

Pair = tuple[Link, socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A link, a socket at the node, and one at the store; each sends to the other."""
    with ExitStack() as stack:
        net = stack.enter_context(network(2))
        link = net.links[1]
        sockets = []
        for namespace, own, other in ((link.node, "10.0.1.2", "10.0.1.1"), (net.store, "10.0.1.1", "10.0.1.2")):
            with inside(namespace):
                sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.bind((own, PORT))
            sock.connect((other, PORT))
            sock.setblocking(False)
            sockets.append(sock)
        yield link, sockets[0], sockets[1]


def passes(sender: socket.socket, receiver: socket.socket) -> bool:
    """A kernel puts a datagram into a socket of its own machine before it returns."""
    sender.send(b"x")
    try:
        return receiver.recv(100) == b"x"
    except BlockingIOError:
        return False


@pytest.mark.parametrize("ways", [("to",), ("from",), ("to", "from")])
def test_what_is_cut_one_way_goes_the_other(pair: Pair, ways: tuple[str, ...]) -> None:
    link, node, store = pair
    assert passes(node, store)
    assert passes(store, node)
    link.cut(*ways)
    assert passes(node, store) is ("to" not in ways)
    assert passes(store, node) is ("from" not in ways)
    link.mend()
    assert passes(node, store)
    assert passes(store, node)


def test_a_slow_link_keeps_packets_waiting_and_drops_what_is_too_much(pair: Pair) -> None:
    link, node, store = pair
    link.slow()
    for _ in range(MANY):
        node.send(bytes(1000))
    shown = json.loads(run_command("tc", "-json", "-statistics", "-netns", link.node.name, "qdisc", "show"))
    (counted,) = (each for each in shown if each["kind"] == "tbf")
    assert 10 < counted["drops"] < MANY
    assert counted["qlen"] > 0
    link.mend()
    assert passes(store, node)
