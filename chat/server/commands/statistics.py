"""STATS, for operators but for the uptime: server bans, operators, one's own connection."""

from collections.abc import Iterator

from chat.server.commands.limits import LINE_COST
from chat.server.commands.operators import duration_text
from chat.server.commands.table import command, send_cursor
from chat.server.core.client import Client
from chat.server.core.node import Node
from chat.server.core.room import User
from chat.server.core.server_bans import Ban
from chat.wires.message import Message
from chat.wires.numerics import (
    ERR_NOPRIVILEGES,
    RPL_ENDOFSTATS,
    RPL_STATSDLINE,
    RPL_STATSKLINE,
    RPL_STATSLINKINFO,
    RPL_STATSOLINE,
    RPL_STATSUPTIME,
)


@command("STATS")
def stats(node: Node, client: Client, user: User, message: Message) -> None:
    letter = message.params[0][:1] if message.params else ""
    send_cursor(client, _lines(node, client, user, letter))


def _lines(node: Node, client: Client, user: User, letter: str) -> Iterator[bytes]:
    which = letter.lower()
    if which == "u":
        yield client.numeric_line(RPL_STATSUPTIME, text=RPL_STATSUPTIME.text.format(*_uptime(node)))
    elif which == "l":
        yield client.numeric_line(RPL_STATSLINKINFO, *_own_connection(node, client, user))
    elif which in ("o", "p", "k", "g", "d"):
        if not user.operator:
            yield client.numeric_line(ERR_NOPRIVILEGES)
        elif which in ("o", "p"):
            for other in list(node.state.operators):
                yield client.numeric_line(RPL_STATSOLINE, "O", other.mask, "*", other.nick, other.operator)
        else:
            yield from _bans(node, client, which)
    yield client.numeric_line(RPL_ENDOFSTATS, letter or "*")


def _bans(node: Node, client: Client, which: str) -> Iterator[bytes]:
    now = node.clock()
    for ban in list(node.state.bans):
        client.cost += LINE_COST
        if ban.holds(now) and (which != "d" or ban.is_of_addresses):
            yield _ban_line(client, ban, now)


def _ban_line(client: Client, ban: Ban, now: float) -> bytes:
    """`D 192.0.2.0/24 :reason`, or `K host * user :reason`."""
    left = duration_text(max(1.0, ban.until - now) if ban.until else 0.0)
    text = f"{ban.reason} ({left}, by {ban.by})"
    if ban.is_of_addresses:
        return client.numeric_line(RPL_STATSDLINE, "D", ban.mask, text=text)
    user, _, host = ban.mask.rpartition("@")
    return client.numeric_line(RPL_STATSKLINE, "K", host, "*", user or "*", text=text)


def _uptime(node: Node) -> tuple[int, int, int, int]:
    minutes, seconds = divmod(max(0, int(node.clock() - node.started)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return days, hours, minutes, seconds


def _own_connection(node: Node, client: Client, user: User) -> tuple[str, ...]:
    """Of the asker alone: its name, what waits for it, and how long it is here. Bytes are not counted."""
    return (user.nick, "0", "0", "0", "0", "0", str(max(0, int(node.clock() - user.signed_on))))
