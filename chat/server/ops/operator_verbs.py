"""An administrator's verbs that operators have too: server bans, KILL, WALLOPS, WHOWAS and REHASH."""

from chat.server.commands.limits import REASON_BYTES
from chat.server.commands.operators import NO_REASON, ban_request, mask_of, read_duration
from chat.server.core.server_bans import Ban
from chat.server.core.state import Refusal
from chat.server.ops.operation import AdminError, Operation, Rows
from chat.server.ops.rereading import UNCHANGED
from chat.server.ops.verb_table import verb
from chat.wires.irc import timestamp
from chat.wires.message import Message
from chat.wires.numerics import ERR_WASNOSUCHNICK
from chat.wires.text import cut


@verb("ban-list")
def _list(operation: Operation) -> Rows:
    node = operation.node
    for ban in list(node.state.bans):
        yield _row(ban) if ban.holds(node.clock()) else None


@verb("ban-add", changes=True)
def _add(operation: Operation) -> None:
    node = operation.node
    mask = mask_of(node.state, operation.text("mask"))
    duration = operation.text("for", "")
    seconds = read_duration(duration) if duration else 0
    reason = cut(operation.text("reason", ""), REASON_BYTES) or NO_REASON
    operation.ask(ban_request(mask, seconds, reason, node.name), {"ban": mask})


@verb("ban-remove", changes=True)
def _remove(operation: Operation) -> None:
    node = operation.node
    operation.ask(Message("UNBAN", [mask_of(node.state, operation.text("mask"))], node.name))


@verb("kill", changes=True)
def _kill(operation: Operation) -> None:
    node = operation.node
    whom = node.state.get_user(operation.text("nick"))
    reason = cut(operation.text("reason", ""), REASON_BYTES) or NO_REASON
    operation.ask(Message("KILL", [whom.mask, reason], node.name), {"killed": whom.mask})


@verb("wallops", changes=True)
def _wallops(operation: Operation) -> None:
    _require_server(operation, "nobody is connected")
    node = operation.node
    operation.ask(Message("WALLOPS", [cut(operation.text("text"), REASON_BYTES)], node.name))


@verb("whowas")
def _whowas(operation: Operation) -> Rows:
    _require_server(operation, "who was here is kept in a server's memory alone")
    nick = operation.text("nick")
    found = operation.node.past_users.find(nick)
    if not found:
        raise Refusal(ERR_WASNOSUCHNICK, nick)
    for past in found:
        yield {
            "nick": past.person.nick,
            "user": past.person.user,
            "host": past.person.host,
            "realname": past.realname,
            "account": past.person.account or None,
            "address": past.address,
            "seen": timestamp(past.at),
        }


@verb("rehash", changes=True)
def _rehash(operation: Operation) -> None:
    _require_server(operation, "it reads its configuration when it starts")

    def tell(told: str) -> None:
        if told.startswith(UNCHANGED):
            operation.fail(told)
        else:
            operation.done({"configuration": told})

    operation.node.reread(tell)


def _require_server(operation: Operation, why: str) -> None:
    """Raise AdminError when this works on the log of a server that does not run."""
    if operation.place.facts()["server"] is None:
        raise AdminError(f"no server runs here: {why}")


def _row(ban: Ban) -> dict[str, object]:
    return {
        "ban": ban.mask,
        "reason": ban.reason,
        "by": ban.by,
        "at": timestamp(ban.at),
        "until": timestamp(ban.until) if ban.until else None,
    }
