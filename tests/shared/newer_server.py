"""`fanfare serve` of the next version: it reads entries one version newer, which brought the verb SHINE."""

import sys

from chat.server.shared import scripts

scripts.ENTRY_VERSION += 1  # before anybody takes it from there

from chat.cli import main  # noqa: E402
from chat.server.commands.table import command  # noqa: E402
from chat.server.core import apply  # noqa: E402
from chat.server.core.client import Client  # noqa: E402
from chat.server.core.node import Node  # noqa: E402
from chat.server.core.room import User  # noqa: E402
from chat.wires.message import Message  # noqa: E402

apply._RULES["SHINE"] = apply._RULES["SETNAME"]
apply.VERBS.add("SHINE")
apply.SINCE["SHINE"] = scripts.ENTRY_VERSION


@command("SHINE", 1)
def shine(node: Node, client: Client, user: User, message: Message) -> None:
    """`SHINE :text`: as SETNAME."""
    node.ask(client, Message("SHINE", [message.params[0]], user.mask), lambda: client.line("SHINE", "done"))


sys.exit(main())
