"""An administrator's verbs for the histories: what waits is written, and what nodes of a shared log keep is purged."""

from chat.server.log.ids import first_id
from chat.server.ops.operation import AdminError, Operation
from chat.server.ops.verb_table import verb
from chat.wires.message import Message

MOST = 1e12  # s since the epoch: as good as never


@verb("log-settle")
def _settle(operation: Operation) -> None:
    """Have all that was said so far written, with the rooms that show it; gives the id of the newest entry."""
    history = operation.node.log.history
    if history is None:
        raise AdminError("this server keeps no history")
    if operation.node.log.figures().error:
        raise AdminError(operation.node.log.status())
    newest = f"{history.newest:x}"
    history.ask([], lambda entries: [], lambda lines: operation.done({"newest": newest}))


@verb("log-purge", changes=True)
def _purge(operation: Operation) -> None:
    """By an entry, so that all nodes do it, and those too that read the log later."""
    node = operation.node
    if not node.settings.shares_log:
        raise AdminError("the log is this server's own: fanfare admin log purge works on its file")
    nick, room = (operation.text(name, "") or "*" for name in ("nick", "room"))
    if " " in nick or nick[0] == ":":
        raise AdminError(f"{nick!r} is no nickname")
    end = first_id(operation.number("before", MOST))
    operation.ask(Message("PURGE", [f"{end:x}", nick, room], node.name))
