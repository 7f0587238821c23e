"""The table of IRC commands, and how one is run: minimum parameters, registration, labels, refusals."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.reply import Reply
from chat.server.core.room import User
from chat.server.core.state import Refusal
from chat.wires.message import Message
from chat.wires.numerics import ERR_NEEDMOREPARAMS, ERR_NOTREGISTERED, ERR_UNKNOWNCOMMAND
from chat.wires.wire import Reject

Handler = Callable[[Node, Client, Message], None]
UserHandler = Callable[[Node, Client, User, Message], None]


@dataclass(frozen=True, slots=True)
class Command:
    """`handler` is for registered users; `early` is for any client, registered or not."""

    handler: UserHandler | None
    early: Handler | None
    params: int  # the minimum; fewer is 461


COMMANDS: dict[str, Command] = {}

LABEL_BYTES = 64  # in a label's value: the standard's limit
LABEL_CAPABILITIES = frozenset({"labeled-response", "batch"})  # the first requires the second


def command(verb: str, params: int = 0) -> Callable[[UserHandler], UserHandler]:
    """Enter the decorated handler into the table, for registered users."""

    def enter(handler: UserHandler) -> UserHandler:
        COMMANDS[verb] = Command(handler, None, params)
        return handler

    return enter


def early_command(verb: str, params: int = 0) -> Callable[[Handler], Handler]:
    """As `command`, for any client, also before registration."""

    def enter(handler: Handler) -> Handler:
        COMMANDS[verb] = Command(None, handler, params)
        return handler

    return enter


def run(node: Node, client: Client, message: Message | Reject) -> None:
    """Run one message of an IRC client. If `client.pending` is not 0 afterwards, call `finish` when it is."""
    if isinstance(message, Reject):
        params = ["*"] if message.numeric.code == "400" else []
        client.numeric(message.numeric, *params, text=message.reason)
        return
    if message.tags and client.capabilities >= LABEL_CAPABILITIES and (label := _label_of(message)):
        client.reply = Reply(label, client.server_name)
    known = COMMANDS.get(message.verb)
    try:
        if known is None:
            client.numeric(ERR_UNKNOWNCOMMAND, message.verb)
        elif len(message.params) < known.params and (client.user is not None or known.early is not None):
            client.numeric(ERR_NEEDMOREPARAMS, message.verb)
        elif known.early is not None:
            known.early(node, client, message)
        elif client.user is not None and known.handler is not None:
            known.handler(node, client, client.user, message)
        else:
            client.numeric(ERR_NOTREGISTERED)
    except Refusal as refusal:
        client.refuse(refusal)
    if client.reply is not None and not client.pending:
        finish(client)


def finish(client: Client) -> None:
    """End the client's command."""
    reply, client.reply = client.reply, None
    if reply is not None and (last := reply.finish()):
        client.send(last)


def send_cursor(client: Client, lines: Iterator[bytes]) -> None:
    """Answer with a long list, whose lines are made as the client takes them."""
    client.cursor = lines
    client.pending += 1


def _label_of(message: Message) -> str:
    """The message's label; empty when there is none, or one that is too long."""
    label = message.tag("label") or ""
    return label if len(label.encode()) <= LABEL_BYTES else ""
