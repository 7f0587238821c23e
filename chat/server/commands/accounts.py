"""REGISTER and VERIFY: accounts without mail, so that nothing has to be verified.

Source: https://ircv3.net/specs/extensions/account-registration
"""

import hmac
from functools import partial

from chat.server.commands.logins import account_of, log_in, register
from chat.server.commands.table import early_command
from chat.server.core.client import UNNAMED, Client
from chat.server.core.node import Node
from chat.server.core.state import Failure, Refusal
from chat.wires.message import Message
from chat.wires.numerics import ERR_PASSWDMISMATCH

VALUES = "before-connect,custom-account-name"


@early_command("REGISTER", 3)
def register_account(node: Node, client: Client, message: Message) -> None:
    """`REGISTER account|* email|* password`. An address is not looked at, and kept nowhere."""
    name, _, password = message.params[:3]
    if client.user is None:
        wanted = node.settings.password
        if wanted and not hmac.compare_digest((client.password or "").encode(), wanted.encode()):
            raise Refusal(ERR_PASSWDMISMATCH)
        if name == "*" and not client.wanted:
            raise Failure("REGISTER", "NEED_NICK", UNNAMED, text="Send NICK first, or name the account")
    name = client.nick if name == "*" else name
    register(node, client, name, password, partial(_registered, node, client, name), client.refuse)


def _registered(node: Node, client: Client, name: str) -> None:
    client.line("REGISTER", "SUCCESS", name, f"You have registered the account {name}")
    log_in(node, client, node.state.accounts.find(name), lambda: None, lambda reason: None)


@early_command("VERIFY", 2)
def verify(node: Node, client: Client, message: Message) -> None:
    if account := account_of(client):
        raise Failure("VERIFY", "ALREADY_AUTHENTICATED", account, text="You are logged in already")
    raise Failure("VERIFY", "INVALID_CODE", message.params[0], text="No account waits for a code here")
