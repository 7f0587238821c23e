"""MONITOR: be told when somebody of a nickname comes and goes.

Source: https://ircv3.net/specs/extensions/monitor
"""

from collections.abc import Iterable, Sequence

from chat.server.commands.limits import LINE_COST
from chat.server.commands.table import command
from chat.server.core.client import Client
from chat.server.core.monitor import MOST
from chat.server.core.node import Node
from chat.server.core.room import User
from chat.server.core.state import Refusal
from chat.wires.irc import packed
from chat.wires.message import Message
from chat.wires.names import fold, is_nickname
from chat.wires.numerics import (
    ERR_MONLISTFULL,
    ERR_NEEDMOREPARAMS,
    RPL_ENDOFMONLIST,
    RPL_MONLIST,
    RPL_MONOFFLINE,
    RPL_MONONLINE,
    Numeric,
)

TARGETS_BYTES = 380  # of nicknames or masks in one line, beside the longest server name and nickname


@command("MONITOR", 1)
def monitor(node: Node, client: Client, user: User, message: Message) -> None:
    modifier, *rest = message.params
    nicks = [nick for nick in rest[0].split(",") if nick] if rest else []
    client.cost += len(nicks) * LINE_COST
    match modifier.upper():
        case "+" if nicks:
            _watch(node, client, nicks)
        case "-" if nicks:
            for nick in nicks:
                node.monitors.forget(client, nick)
        case "C":
            for nick in list((client.monitored or {}).values()):
                node.monitors.forget(client, nick)
        case "L":
            _send(client, RPL_MONLIST, (client.monitored or {}).values())
            client.numeric(RPL_ENDOFMONLIST)
        case "S":
            client.cost += len(client.monitored or ()) * LINE_COST
            _tell(node, client, list((client.monitored or {}).values()))
        case _:
            raise Refusal(ERR_NEEDMOREPARAMS, "MONITOR")


def _watch(node: Node, client: Client, nicks: Sequence[str]) -> None:
    valid = list({fold(nick): nick for nick in nicks if is_nickname(nick)}.values())
    for index, nick in enumerate(valid):
        if not node.monitors.watch(client, nick):
            _tell(node, client, valid[:index])
            client.numeric(ERR_MONLISTFULL, str(MOST), ",".join(valid[index:]))
            return
    _tell(node, client, valid)


def _tell(node: Node, client: Client, nicks: Sequence[str]) -> None:
    """Who of them is there and who is not."""
    found = {nick: node.state.find_user(nick) for nick in nicks}
    _send(client, RPL_MONONLINE, [user.mask for user in found.values() if user is not None])
    _send(client, RPL_MONOFFLINE, [nick for nick, user in found.items() if user is None])


def _send(client: Client, numeric: Numeric, targets: Iterable[str]) -> None:
    for line in packed(targets, TARGETS_BYTES):
        client.numeric(numeric, text=line.replace(" ", ","))
