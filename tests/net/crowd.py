"""Members in thousands, who are on no connection, and what needs the loop's thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.wires.irc import IrcDialect
from chat.wires.message import Message
from tests.asking import ask_as
from tests.support import PATIENCE, RunningServer

HOST = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"


def ghosts(node: Node, room: str, size: int) -> list[str]:
    """Let in users with the longest masks that there are; gives these. The loop's thread."""
    masks = []
    asker = Client(HOST, IrcDialect.of(()), node.fan_out, node.name)
    for number in range(size):
        masks.append(f"{'x' * 24}{number:06}!~{'u' * 9}@{HOST}")
        ask_as(node, asker, Message("USER", ["~u", "0", "*", "ghost"], masks[-1]))
        ask_as(node, asker, Message("JOIN", [room], masks[-1]))
    return masks


def let_die(node: Node, masks: list[str], reason: str) -> None:
    """The loop's thread."""
    asker = Client(HOST, IrcDialect.of(()), node.fan_out, node.name)
    for mask in masks:
        ask_as(node, asker, Message("QUIT", [reason], mask))


def in_loop(server: RunningServer, deed: Callable[[], object]) -> None:
    """Have the loop do it, and wait until it has."""
    done = threading.Event()

    def do() -> None:
        deed()
        done.set()

    server.server.loop.mailbox.post(do)
    assert done.wait(PATIENCE)


@contextmanager
def held(server: RunningServer) -> Iterator[None]:
    """The loop stands still, in the midst of a pass, until the block has ended."""
    standing, go = threading.Event(), threading.Event()

    def stand() -> None:
        standing.set()
        assert go.wait(PATIENCE)

    server.server.loop.mailbox.post(stand)
    assert standing.wait(PATIENCE)
    try:
        yield
    finally:
        go.set()
