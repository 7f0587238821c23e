"""Requests as tests write them: of whoever is called what their source says."""

from collections.abc import Callable

from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.state import State
from chat.server.log.entry import NOBODY, Entry
from chat.wires.message import Message, parse


def entry_of(state: State, number: int, at: float, node: str, line: str) -> Entry:
    request = parse(line)
    return Entry(number, at, node, user_of(state, request), request)


def user_of(state: State, request: Message) -> int:
    user = None if request.verb == "USER" else state.find_user(request.nick)
    return NOBODY if user is None else user.id


def ask_as(node: Node, client: Client, request: Message, done: Callable[[], None] | None = None) -> None:
    """`client` gets the answer; its own user, if it has one, does not ask."""
    own, client.user = client.user, None if request.verb == "USER" else node.state.find_user(request.nick)
    node.ask(client, request, done)
    client.user = own
