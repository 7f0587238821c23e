"""An administrator's verbs for accounts. A password arrives as its verifier: the asking side has hashed it."""

from chat.server.accounts import verifier
from chat.server.ops.operation import AdminError, Operation, Rows
from chat.server.ops.verb_table import verb
from chat.wires.irc import timestamp
from chat.wires.message import Message


def _verifier(operation: Operation) -> str:
    text = operation.text("verifier")
    try:
        return str(verifier.parse(text))
    except ValueError:
        raise AdminError("the verifier of the password cannot be read") from None


def _request(operation: Operation, verb: str, *params: str) -> None:
    operation.ask(Message(verb, list(params), operation.node.name))


def _name(operation: Operation) -> str:
    name = operation.text("name")
    if not name or " " in name or name[0] == ":":
        raise AdminError(f"{name!r} is no account's name")
    return name


@verb("account-add", changes=True)
def _add(operation: Operation) -> None:
    _request(operation, "REGISTER", _name(operation), _verifier(operation))


@verb("account-password", changes=True)
def _password(operation: Operation) -> None:
    _request(operation, "SETPASS", _name(operation), _verifier(operation))


@verb("account-remove", changes=True)
def _remove(operation: Operation) -> None:
    _request(operation, "DROP", _name(operation))


@verb("account-list")
def _list(operation: Operation) -> Rows:
    accounts = operation.node.state.accounts
    for account in list(accounts.by_name.values()):
        yield (
            None
            if accounts.by_name.get(account.key) is not account
            else {
                "account": account.name,
                "registered": timestamp(account.registered),
                "users": [user.nick for user in account.users],
                "certificates": len(account.fingerprints),
            }
        )
