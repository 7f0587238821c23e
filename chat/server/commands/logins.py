"""Logging in and out, and registering an account: what SASL, REGISTER and NickServ have in common.

A password is hashed outside the loop while only its client waits. It goes nowhere else: requests carry verifiers.
"""

from collections.abc import Callable
from functools import partial

from chat.server.accounts import verifier
from chat.server.commands.limits import ROOM_COST
from chat.server.core.account_rules import check_account_name
from chat.server.core.accounts import Account
from chat.server.core.client import UNNAMED, Client
from chat.server.core.node import Node
from chat.server.core.state import Failure, Refusal
from chat.wires.message import Message
from chat.wires.names import fold
from chat.wires.numerics import ERR_UNKNOWNERROR, RPL_LOGGEDIN, RPL_LOGGEDOUT

BUSY = "The server checks too many passwords now: try again later"
WRONG = "Invalid account or password"

Done = Callable[[], None]
Proved = Callable[[Account], None]  # with the account whose password it was
Failed = Callable[[str], None]  # with the reason
Refused = Callable[[Refusal], None]


def account_of(client: Client) -> str:
    """The account that the client is logged in to, also before its registration; empty for none."""
    if client.user is not None:
        return client.user.account
    return client.account.name if client.account is not None else ""


def mask_of(node: Node, client: Client) -> str:
    """As numerics and requests name the client; `*` for what it has not said yet, or is not known by yet."""
    if client.user is not None:
        return client.user.mask
    return f"{client.wanted or UNNAMED}!{UNNAMED}@{node.cloak(client.host)}"


def in_turn(client: Client, node: Node, call: Callable[[], None]) -> None:
    """The client has waited for something outside the loop: do what comes next, then its later commands."""
    client.pending -= 1
    if client.left is not None:
        node.quit(client, client.left)
        return
    call()
    client.resume()


def too_many(node: Node, client: Client, name: str) -> str:
    """Why the client may not try to log in to that account now; empty when it may."""
    wait = node.logins.limits.wait(fold(name), client.host, node.clock())
    if wait <= 0:
        return ""
    node.logins.outcomes["limited"] += 1
    return f"Too many logins have failed: try again in {wait:.0f} s"


def check_password(node: Node, client: Client, name: str, password: str, right: Proved, failed: Failed) -> None:
    """Call `right` or `failed` once the password has been checked. An unknown account takes as long as a known one."""
    if reason := too_many(node, client, name):
        failed(reason)
        return
    account = node.state.accounts.find(name)
    stored = verifier.parse(account.verifier) if account is not None else node.logins.decoy(fold(name))
    client.pending += 1
    if node.logins.hasher.run(
        partial(verifier.proves, password, stored), partial(_checked, node, client, name, account, right, failed)
    ):
        node.logins.limits.spend(fold(name), client.host, node.clock())
    else:
        client.pending -= 1
        failed(BUSY)


def _checked(
    node: Node,
    client: Client,
    name: str,
    account: Account | None,
    right: Proved,
    failed: Failed,
    proved: bool | None,
) -> None:
    if proved and account is not None and node.state.accounts.has(account):
        node.logins.limits.succeeded(fold(name), client.host)
        in_turn(client, node, partial(right, account))
    else:
        node.logins.outcomes["failed"] += 1
        in_turn(client, node, partial(failed, WRONG))


def log_in(node: Node, client: Client, account: Account | None, done: Done, failed: Failed) -> None:
    """The client has proved to be that account's. A later one of the same name takes another proof."""
    if account is None or not node.state.accounts.has(account):
        failed(WRONG)
        return
    node.logins.outcomes["succeeded"] += 1
    if client.user is None:
        client.account = account
        _tell(node, client, account.name)
        done()
    else:
        client.cost += len(client.user.rooms) * ROOM_COST
        request = Message("ACCOUNT", [account.proof], client.user.mask)
        node.ask(
            client,
            request,
            partial(_logged_in, node, client, account.name, done),
            lambda refusal: failed(refusal.text or WRONG),
        )


def _logged_in(node: Node, client: Client, account: str, done: Done) -> None:
    _tell(node, client, account)
    done()


def _tell(node: Node, client: Client, account: str) -> None:
    text = RPL_LOGGEDIN.text.format(account)
    client.numeric(RPL_LOGGEDIN, mask_of(node, client), account, text=text)


def log_out(node: Node, client: Client, done: Done) -> None:
    if client.user is None:
        client.account = None
        client.numeric(RPL_LOGGEDOUT, mask_of(node, client))
        done()
    else:
        client.cost += len(client.user.rooms) * ROOM_COST
        node.ask(client, Message("ACCOUNT", ["*"], client.user.mask), partial(_logged_out, node, client, done))


def _logged_out(node: Node, client: Client, done: Done) -> None:
    client.numeric(RPL_LOGGEDOUT, mask_of(node, client))
    done()


def register(node: Node, client: Client, name: str, password: str, done: Done, refused: Refused) -> None:
    """Register an account and log in to it. Every refusal is a Failure of REGISTER."""
    try:
        _check_registration(node, client, name, password)
    except Refusal as refusal:
        refused(refusal)
        return
    client.pending += 1
    make = partial(verifier.make, password, node.logins.iterations)
    if node.logins.hasher.run(make, partial(_hashed, node, client, name, done, refused)):
        node.logins.count_registration(client.host, node.clock())
    else:
        client.pending -= 1
        refused(Failure("REGISTER", "TEMPORARILY_UNAVAILABLE", name, text=BUSY))


def _check_registration(node: Node, client: Client, name: str, password: str) -> None:
    if node.settings.registration != "on":
        raise Failure("REGISTER", "TEMPORARILY_UNAVAILABLE", name, text="The server's operator registers accounts here")
    if account := account_of(client):
        raise Failure("REGISTER", "ALREADY_AUTHENTICATED", account, text="You are logged in already")
    check_account_name(node.state, name, client.user, mask_of(node, client))
    check_new_password("REGISTER", name, password)
    wait = node.logins.registration_wait(client.host, node.clock())
    if wait > 0 and node.charges and not client.is_exempt():
        text = f"Your address has registered enough accounts: try again in {wait:.0f} s"
        raise Failure("REGISTER", "TEMPORARILY_UNAVAILABLE", name, text=text)


def check_new_password(verb: str, name: str, password: str) -> None:
    """Raise Refusal for a password that cannot or should not be one."""
    try:
        verifier.prepare(password)
    except ValueError as error:
        raise Failure(verb, "UNACCEPTABLE_PASSWORD", name, text=str(error)) from None
    try:
        verifier.check_new(password, name)
    except ValueError as error:
        raise Failure(verb, "WEAK_PASSWORD", name, text=str(error)) from None


def _hashed(
    node: Node, client: Client, name: str, done: Done, refused: Refused, made: verifier.Verifier | None
) -> None:
    if made is None:
        failure = Failure("REGISTER", "TEMPORARILY_UNAVAILABLE", name, text="The password could not be hashed")
        in_turn(client, node, partial(refused, failure))
        return
    request = Message("REGISTER", [name, str(made)], mask_of(node, client))
    in_turn(client, node, partial(node.ask, client, request, done, partial(_as_failure, name, refused)))


def _as_failure(name: str, refused: Refused, refusal: Refusal) -> None:
    if isinstance(refusal, Failure) and refusal.context:
        refused(refusal)
    else:
        refused(Failure("REGISTER", "TEMPORARILY_UNAVAILABLE", name, text=refusal.text or refusal.numeric.text))


def change_password(node: Node, client: Client, account: Account, password: str, done: Done, refused: Refused) -> None:
    """Give the client's own account another password."""
    try:
        check_new_password("SETPASS", account.name, password)
    except Refusal as refusal:
        refused(refusal)
        return
    client.pending += 1
    make = partial(verifier.make, password, node.logins.iterations)
    if not node.logins.hasher.run(make, partial(_rehashed, node, client, account.name, done, refused)):
        client.pending -= 1
        refused(Refusal(ERR_UNKNOWNERROR, "SETPASS", text=BUSY))


def _rehashed(
    node: Node, client: Client, name: str, done: Done, refused: Refused, made: verifier.Verifier | None
) -> None:
    if made is None:
        in_turn(client, node, partial(refused, Refusal(ERR_UNKNOWNERROR, "SETPASS", text="It could not be hashed")))
        return
    request = Message("SETPASS", [name, str(made)], mask_of(node, client))
    in_turn(client, node, partial(node.ask, client, request, done, refused))
