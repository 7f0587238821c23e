"""MARKREAD: up to where somebody has read a room or a talk, the same for all clients of an account.

Source: https://ircv3.net/specs/extensions/read-marker
"""

import re
from datetime import datetime
from functools import partial

from chat.server.commands.table import command
from chat.server.core.client import UNNAMED, Client, is_middle
from chat.server.core.node import Node
from chat.server.core.room import User
from chat.server.core.state import Failure, Refusal
from chat.wires.message import Message
from chat.wires.names import is_nickname, is_room_name

_TIME = re.compile(r"timestamp=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")


@command("MARKREAD")
def markread(node: Node, client: Client, user: User, message: Message) -> None:
    """`MARKREAD target [timestamp=…]`: ask, or set."""
    if not message.params:
        raise Failure("MARKREAD", "NEED_MORE_PARAMS", text="Missing parameters")
    target, *rest = message.params
    if not is_middle(target) or not (is_room_name(target) or is_nickname(target)):
        raise Failure("MARKREAD", "INVALID_PARAMS", target, text="Invalid parameters")
    if not rest:
        tell_marker(node, client, user, target)
    elif not _is_time(rest[0]):
        raise Failure("MARKREAD", "INVALID_PARAMS", rest[0], text="Invalid parameters")
    elif not user.account:
        raise Failure("MARKREAD", "INTERNAL_ERROR", target, text="Markers are kept for accounts: log in first")
    else:
        request = Message("MARKREAD", [target, rest[0]], user.mask)
        node.ask(client, request, partial(tell_marker, node, client, user, target), partial(_refused, client, target))


def _refused(client: Client, target: str, refusal: Refusal) -> None:
    client.refuse(Failure("MARKREAD", "INTERNAL_ERROR", target, text=refusal.text or refusal.numeric.text))


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if found is None or not text.isascii():
        return False
    try:
        datetime.fromisoformat(found[1])
    except ValueError:
        return False
    return True


def tell_marker(node: Node, client: Client, user: User, target: str) -> None:
    client.line("MARKREAD", target if is_middle(target) else UNNAMED, node.state.accounts.marker(user.account, target))
